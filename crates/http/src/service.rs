//! The thread and the listeners of the service.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};

use crate::connection;
use crate::site::{ConnectionEnds, HttpSite};
use crate::within_tls::{self, TlsSource};

/// The pause of accepting when descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Tells the configuration of a handshake.
type TlsTerms = TlsSource;

/// TLS of a listener.
#[derive(Clone)]
enum ListenerTls {
    /// With HTTP/1.1 alone.
    Http1(TlsTerms),
    /// With the version that the client prefers.
    Negotiated(TlsSource),
}

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
    pub fn site(&self) -> &HttpSite {
        &self.site
    }

    /// Serves clients of a listener in non-blocking mode.
    ///
    /// # Errors
    /// The runtime does not take the socket.
    pub fn serve(&self, listener: TcpListener) -> io::Result<HttpListener> {
        self.serve_by(listener, None)
    }

    /// Serves clients of a listener in non-blocking mode, within TLS. `tls` tells the configuration of a handshake;
    /// without one, the client is disconnected.
    ///
    /// # Errors
    /// The runtime does not take the socket.
    pub fn serve_tls(
        &self,
        listener: TcpListener,
        tls: impl Fn() -> Option<Arc<ServerConfig>> + Send + Sync + 'static,
    ) -> io::Result<HttpListener> {
        self.serve_by(listener, Some(Arc::new(tls)))
    }

    fn serve_by(&self, listener: TcpListener, tls: Option<TlsTerms>) -> io::Result<HttpListener> {
        let _entered = self.runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (leaving, left) = watch::channel(());
        self.runtime.spawn(accept(listener, tls.map(ListenerTls::Http1), self.site.clone(), left));
        Ok(HttpListener { _leaving: leaving })
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
        let _entered = self.runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (leaving, left) = watch::channel(());
        self.runtime.spawn(accept(listener, Some(ListenerTls::Negotiated(tls)), site, left));
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
    tls: Option<ListenerTls>,
    site: Arc<HttpSite>,
    mut leaving: watch::Receiver<()>,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            _ = leaving.changed() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, client)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (Some(share), Ok(local)) = (site.admit(client.ip()), stream.local_addr()) else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let ends = ConnectionEnds { client, local: local.ip() };
        let (site, tls, leaving) = (site.clone(), tls.clone(), leaving.clone());
        tokio::spawn(async move {
            let _share = share;
            match tls {
                None => connection::serve(stream, ends, site, leaving).await,
                Some(ListenerTls::Http1(tls)) => {
                    connection::serve_within(&*tls, stream, ends, site, leaving).await;
                }
                Some(ListenerTls::Negotiated(tls)) => {
                    within_tls::serve(stream, ends, (site, tls), leaving).await;
                }
            }
        });
    }
}
