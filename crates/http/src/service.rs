//! The thread and the listeners of the service.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};

use crate::connection_tls::TlsSource;
use crate::ends::ConnectionEnds;
use crate::site::HttpSite;
use crate::within_tls;
use crate::{HttpEvent, connection};

/// The pause of accepting when descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The service with a thread, which ends when the service is dropped.
#[derive(Debug)]
pub struct HttpService {
    site: Arc<HttpSite>,
    runtime: Handle,
    /// The thread ends once the sender is dropped.
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

/// A listener in service, until dropped. Requests under way are still answered.
#[derive(Debug)]
pub struct HttpListener {
    _leaving: watch::Sender<()>,
}

impl HttpService {
    /// Starts the thread. There is no listener yet.
    ///
    /// # Errors
    /// The system gives no thread, or no runtime for a thread.
    pub fn start(site: HttpSite) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, ending) = oneshot::channel();
        let thread = std::thread::Builder::new().name("http".into()).spawn(move || {
            let _ = runtime.block_on(ending);
        })?;
        let running = Some((running, thread));
        Ok(HttpService { site: Arc::new(site), runtime: handle, running })
    }

    /// Routes, names and limits.
    #[must_use]
    pub fn site(&self) -> &Arc<HttpSite> {
        &self.site
    }

    /// Serves clients of a listener in non-blocking mode.
    ///
    /// # Errors
    /// The runtime does not take the socket.
    pub fn serve(&self, listener: TcpListener) -> io::Result<HttpListener> {
        self.serve_by(listener, None, self.site.clone())
    }

    /// Serves clients of a listener in non-blocking mode with a site of their own.
    ///
    /// # Errors
    /// The runtime does not take the socket.
    pub fn serve_site(
        &self,
        listener: TcpListener,
        site: Arc<HttpSite>,
    ) -> io::Result<HttpListener> {
        self.serve_by(listener, None, site)
    }

    /// Serves clients of a listener in non-blocking mode within TLS, over HTTP/2 or HTTP/1.1, with a site of their own.
    ///
    /// # Errors
    /// The runtime does not take the socket.
    pub fn serve_within_tls(
        &self,
        listener: TcpListener,
        site: Arc<HttpSite>,
        tls: TlsSource,
    ) -> io::Result<HttpListener> {
        self.serve_by(listener, Some(tls), site)
    }

    fn serve_by(
        &self,
        listener: TcpListener,
        tls: Option<TlsSource>,
        site: Arc<HttpSite>,
    ) -> io::Result<HttpListener> {
        let _entered = self.runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (leaving, left) = watch::channel(());
        self.runtime.spawn(accept(listener, tls, site, left));
        Ok(HttpListener { _leaving: leaving })
    }
}

impl Drop for HttpService {
    fn drop(&mut self) {
        if let Some((running, thread)) = self.running.take() {
            drop(running);
            // The panic hook has reported a panic of the thread.
            let _ = thread.join();
        }
    }
}

/// Accepts connections until the listener is left.
async fn accept(
    listener: tokio::net::TcpListener,
    tls: Option<TlsSource>,
    site: Arc<HttpSite>,
    mut leaving: watch::Receiver<()>,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            _ = leaving.changed() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let door = Door { site: site.clone(), tls: tls.clone(), leaving: leaving.clone() };
        match site.is_proxy(peer.ip()) {
            true => door.receive_named(stream, peer),
            false => door.receive(stream, peer),
        }
    }
}

/// All that a new connection gets from the listener.
struct Door {
    site: Arc<HttpSite>,
    tls: Option<TlsSource>,
    leaving: watch::Receiver<()>,
}

impl Door {
    /// Reads the header in which a proxy names the client, and receives the client.
    fn receive_named(mut self, mut stream: TcpStream, proxy: SocketAddr) {
        let pending = match self.site.headers.begin() {
            Ok(pending) => pending,
            Err(fault) => return self.site.count(HttpEvent::ProxyFault(fault)),
        };
        tokio::spawn(async move {
            let read = tokio::select! {
                biased;
                read = pending.read(&mut stream, proxy) => read,
                // A client without a name has asked nothing.
                _ = self.leaving.changed() => return,
            };
            match read {
                Ok(client) => {
                    self.site.count(HttpEvent::Proxied);
                    self.receive(stream, client);
                }
                Err(fault) => self.site.count(HttpEvent::ProxyFault(fault)),
            }
        });
    }

    /// Serves a client, if a share of the connections is left.
    fn receive(self, stream: TcpStream, client: SocketAddr) {
        let Door { site, tls, leaving } = self;
        let (Some(share), Ok(local)) = (site.admit(client.ip()), stream.local_addr()) else {
            return;
        };
        let _ = stream.set_nodelay(true);
        let ends =
            ConnectionEnds { client, client_names: Arc::default(), tls: None, local: local.ip() };
        tokio::spawn(async move {
            let _share = share;
            match tls {
                None => connection::serve(stream, ends, site, leaving).await,
                Some(tls) => within_tls::serve(stream, ends, (site, tls), leaving).await,
            }
        });
    }
}
