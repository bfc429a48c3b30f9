//! The HTTP service of the daemon: the listeners follow the configuration.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use tokio::sync::Semaphore;
use zoners_dns::{Counter, Counters};
use zoners_host::ports;
use zoners_http::{HostNames, HttpEvent, HttpLimits, HttpListener, HttpService, HttpSite, Route};
use zoners_net::listen::{self, Terms};

use super::take_over::{TakenHttp, serves};
use crate::config::ServerConfig;

/// A socket of the HTTP service, bound and not yet served.
#[derive(Debug)]
pub(super) struct BoundHttp {
    wanted: SocketAddr,
    address: SocketAddr,
    socket: TcpListener,
}

/// The HTTP service with the listeners. The thread starts with the first listener.
#[derive(Debug)]
pub(super) struct HttpServing {
    counters: Arc<Counters>,
    /// File descriptors, shared with TCP connections of clients.
    descriptors: Arc<Semaphore>,
    service: Option<HttpService>,
    served: Vec<ServedHttp>,
}

/// A listener in service.
#[derive(Debug)]
struct ServedHttp {
    wanted: SocketAddr,
    address: SocketAddr,
    _listener: HttpListener,
    /// The socket, for a new daemon.
    socket: TcpListener,
}

/// A prepared change of listeners.
#[derive(Debug)]
pub(super) struct HttpChange {
    wanted: Vec<SocketAddr>,
    names: HostNames,
    added: Vec<ServedHttp>,
}

impl BoundHttp {
    /// Binds the addresses, or takes the sockets of an old daemon there.
    ///
    /// # Errors
    /// An address cannot be bound; the error names the key, the address and the owner of the port.
    pub(super) fn all(wanted: &[SocketAddr], mut taken: TakenHttp) -> io::Result<Vec<Self>> {
        let bind = |wanted: &SocketAddr| {
            let is_there = |socket: &mut TcpListener| {
                socket.local_addr().is_ok_and(|address| serves(address, *wanted))
            };
            match taken.extract_if(.., is_there).next() {
                Some(socket) => {
                    Ok(BoundHttp { wanted: *wanted, address: socket.local_addr()?, socket })
                }
                None => BoundHttp::bind(*wanted),
            }
        };
        wanted.iter().map(bind).collect()
    }

    fn bind(wanted: SocketAddr) -> io::Result<Self> {
        let socket = bind("server.http", wanted)?;
        let address = socket.local_addr()?;
        Ok(BoundHttp { wanted, address, socket })
    }

    /// The bound address.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl HttpServing {
    /// A service without listeners. Connections take `descriptors`, events are counted in `counters`.
    pub(super) fn new(counters: Arc<Counters>, descriptors: Arc<Semaphore>) -> Self {
        HttpServing { counters, descriptors, service: None, served: Vec::new() }
    }

    /// The addresses in service.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.served.iter().map(|served| served.address).collect()
    }

    /// The sockets in service.
    pub(super) fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.served.iter().map(|served| served.socket.as_fd())
    }

    /// Serves clients of `bound`, as `config` says. `routes` makes the table of routes for a new service.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn begin(
        &mut self,
        bound: Vec<BoundHttp>,
        config: &ServerConfig,
        routes: impl FnOnce() -> Vec<Route>,
    ) -> io::Result<()> {
        let added = self.serve(bound, routes)?;
        self.turn_to(HttpChange { wanted: config.http.clone(), names: names(config), added });
        Ok(())
    }

    /// Binds the new ones among the wanted addresses.
    ///
    /// # Errors
    /// An address cannot be bound, or the system gives no thread; nothing has changed.
    pub(super) fn prepare(
        &mut self,
        config: &ServerConfig,
        routes: impl FnOnce() -> Vec<Route>,
    ) -> io::Result<HttpChange> {
        let is_new =
            |wanted: &&SocketAddr| self.served.iter().all(|served| served.wanted != **wanted);
        let new: Vec<SocketAddr> = config.http.iter().filter(is_new).copied().collect();
        let added = self.serve(BoundHttp::all(&new, Vec::new())?, routes)?;
        Ok(HttpChange { wanted: config.http.clone(), names: names(config), added })
    }

    /// Serves the new listeners, and leaves the unwanted ones.
    pub(super) fn turn_to(&mut self, change: HttpChange) {
        let HttpChange { wanted, names, added } = change;
        if let Some(service) = &self.service {
            service.site().rename(names);
        }
        for served in &added {
            tracing::info!("http: listening on {}", served.address);
        }
        let (kept, left): (Vec<ServedHttp>, Vec<ServedHttp>) = std::mem::take(&mut self.served)
            .into_iter()
            .partition(|served| wanted.contains(&served.wanted));
        for served in left {
            tracing::info!("http: no longer listening on {}", served.address);
        }
        self.served = kept.into_iter().chain(added).collect();
    }

    fn serve(
        &mut self,
        bound: Vec<BoundHttp>,
        routes: impl FnOnce() -> Vec<Route>,
    ) -> io::Result<Vec<ServedHttp>> {
        if bound.is_empty() {
            return Ok(Vec::new());
        }
        let service = match self.service.take() {
            Some(service) => service,
            None => self.start(routes())?,
        };
        let service = self.service.insert(service);
        let serve = |bound: BoundHttp| {
            let BoundHttp { wanted, address, socket } = bound;
            let own = socket.try_clone()?;
            Ok(ServedHttp { wanted, address, _listener: service.serve(socket)?, socket: own })
        };
        bound.into_iter().map(serve).collect()
    }

    fn start(&self, routes: Vec<Route>) -> io::Result<HttpService> {
        let (counters, descriptors) = (self.counters.clone(), self.descriptors.clone());
        let observer = move |event| counters.count(counter(event));
        HttpService::start(HttpSite::new(routes, HttpLimits::default(), descriptors, observer))
    }
}

/// Binds an address of `key`.
///
/// # Errors
/// The address cannot be bound; the error names the key, the address and the owner of the port.
pub(super) fn bind(key: &str, wanted: SocketAddr) -> io::Result<TcpListener> {
    listen::tcp(wanted, Terms { absent: true, shared: false }).map_err(|error| {
        let owner = match error.kind() {
            io::ErrorKind::AddrInUse => ports::owner(wanted.port()),
            _ => None,
        };
        let owner = owner.map(|owner| format!(" by {owner}")).unwrap_or_default();
        io::Error::new(error.kind(), format!("{key}: {wanted}: {error}{owner}"))
    })
}

fn names(config: &ServerConfig) -> HostNames {
    HostNames::new(config.http_names.clone())
}

/// The counter of an event.
pub(super) fn counter(event: HttpEvent) -> Counter {
    match event {
        HttpEvent::Request => Counter::HttpRequests,
        HttpEvent::Refused => Counter::HttpRefused,
        HttpEvent::Malformed => Counter::HttpMalformed,
        HttpEvent::TimedOut => Counter::HttpTimedOut,
        HttpEvent::ConnectionRefused => Counter::HttpConnectionsRefused,
    }
}
