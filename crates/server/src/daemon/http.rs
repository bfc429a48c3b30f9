//! The HTTP service of the daemon: the listeners follow the configuration.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use tokio::sync::Semaphore;
use zoners_api::DescriptorKind;
use zoners_dns::{Counter, Counters, Transport};
use zoners_host::ports;
use zoners_http::{HostNames, HttpEvent, HttpLimits, HttpListener, HttpService, HttpSite, Route};
use zoners_net::Sockets;
use zoners_net::listen::{self, Terms};

use super::acme_state::AcmeState;
use super::bind::is_without;
use super::doh::DohTerms;
use super::take_over::{TakenHttp, serves};
use super::tcp::behind_proxy;
use crate::config::{Config, ListenAddress, ServerConfig};

/// An address of the HTTP service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HttpPlace {
    address: SocketAddr,
    offer: HttpOffer,
}

/// What is offered at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
enum HttpOffer {
    /// Everything in the routes.
    Routes,
    /// DNS over HTTPS at a path.
    Queries(String),
    /// Pages for an ACME server.
    Challenges,
}

/// A socket of the HTTP service, bound and not yet served.
#[derive(Debug)]
pub(super) struct BoundHttp {
    wanted: HttpPlace,
    address: SocketAddr,
    socket: TcpListener,
}

/// The HTTP service with the listeners. The thread starts with the first listener.
#[derive(Debug)]
pub(super) struct HttpServing {
    counters: Arc<Counters>,
    /// File descriptors, shared with TCP connections of clients.
    descriptors: Arc<Semaphore>,
    /// What DNS over HTTPS is answered with.
    doh: DohTerms<Arc<Sockets>>,
    /// What an ACME server is answered with.
    acme: AcmeState,
    service: Option<HttpService>,
    served: Vec<ServedHttp>,
}

/// A listener in service.
#[derive(Debug)]
struct ServedHttp {
    wanted: HttpPlace,
    address: SocketAddr,
    _listener: HttpListener,
    /// The socket, for a new daemon.
    socket: TcpListener,
}

/// A prepared change of listeners.
#[derive(Debug)]
pub(super) struct HttpChange {
    wanted: Vec<HttpPlace>,
    names: HostNames,
    added: Vec<ServedHttp>,
}

impl HttpPlace {
    /// The addresses of a configuration.
    pub(super) fn all(config: &Config) -> Vec<Self> {
        let plain = config.server.http.iter();
        let plain = plain.map(|&address| HttpPlace { address, offer: HttpOffer::Routes });
        let https = config.https().into_iter().filter_map(|https| {
            let offer = HttpOffer::Queries(https.path.clone()?);
            Some(HttpPlace { address: https.address, offer })
        });
        let pages = config.acme_pages().iter();
        let pages = pages.map(|&address| HttpPlace { address, offer: HttpOffer::Challenges });
        plain.chain(https).chain(pages).collect()
    }

    /// Whether one of the `new` places may take over the socket at `bound`. A place that stays wanted keeps the socket.
    fn leaves_socket(&self, bound: SocketAddr, new: &[Self], wanted: &[Self]) -> bool {
        !wanted.contains(self) && new.iter().any(|place| serves(bound, place.address))
    }

    /// The key that names the address.
    fn key(&self, config: &Config) -> &'static str {
        let is_own =
            |at: &ListenAddress| at.is_over(Transport::Https) && at.address == self.address;
        match &self.offer {
            HttpOffer::Routes => "server.http",
            HttpOffer::Challenges => "acme.listen",
            HttpOffer::Queries(_) if config.listen.iter().any(|table| is_own(&table.address)) => {
                "listen.address"
            }
            HttpOffer::Queries(_) => "server.listen",
        }
    }

    /// The path of queries.
    fn queries(&self) -> Option<&str> {
        match &self.offer {
            HttpOffer::Queries(path) => Some(path),
            HttpOffer::Routes | HttpOffer::Challenges => None,
        }
    }
}

impl BoundHttp {
    /// Binds the addresses, or takes the sockets of an old daemon there.
    ///
    /// # Errors
    /// An address cannot be bound; the error names the key, the address and the owner of the port.
    pub(super) fn all(
        wanted: &[HttpPlace],
        config: &Config,
        mut taken: TakenHttp,
    ) -> io::Result<Vec<Self>> {
        let mut bind = |wanted: &HttpPlace| {
            let is_there = |socket: &mut TcpListener| {
                socket.local_addr().is_ok_and(|address| serves(address, wanted.address))
            };
            match taken.extract_if(.., is_there).next() {
                Some(socket) => {
                    let (wanted, address) = (wanted.clone(), socket.local_addr()?);
                    Ok(BoundHttp { wanted, address, socket })
                }
                None => BoundHttp::bind(wanted.clone(), config),
            }
        };
        let bound = wanted.iter().map(|wanted| (wanted, bind(wanted)));
        // The default addresses of challenges are of both families: a kernel without IPv6 has one.
        let is_left_out = |wanted: &HttpPlace, error: &io::Error| {
            wanted.offer == HttpOffer::Challenges && wanted.address.is_ipv6() && is_without(error)
        };
        let kept = bound.filter(|(wanted, bound)| match bound {
            Err(error) => !is_left_out(wanted, error),
            Ok(_) => true,
        });
        kept.map(|(_, bound)| bound).collect()
    }

    fn bind(wanted: HttpPlace, config: &Config) -> io::Result<Self> {
        let socket = bind(wanted.key(config), wanted.address)?;
        let address = socket.local_addr()?;
        Ok(BoundHttp { wanted, address, socket })
    }

    /// The bound address.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether everything in the routes is offered.
    pub(super) fn has_routes(&self) -> bool {
        self.wanted.offer == HttpOffer::Routes
    }

    /// The path of queries, if this is an address of DNS over HTTPS.
    pub(super) fn queries(&self) -> Option<&str> {
        self.wanted.queries()
    }
}

impl HttpServing {
    /// A service without listeners. Connections take `descriptors`, events are counted in `counters`.
    pub(super) fn new(
        counters: Arc<Counters>,
        descriptors: Arc<Semaphore>,
        doh: DohTerms<Arc<Sockets>>,
        acme: AcmeState,
    ) -> Self {
        HttpServing { counters, descriptors, doh, acme, service: None, served: Vec::new() }
    }

    /// The addresses of the routes in service.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let plain = self.served.iter().filter(|served| served.wanted.offer == HttpOffer::Routes);
        plain.map(|served| served.address).collect()
    }

    /// The addresses of DNS over HTTPS in service, each with its path.
    pub(super) fn https(&self) -> Vec<(SocketAddr, String)> {
        let https = self.served.iter();
        https
            .filter_map(|https| Some((https.address, https.wanted.queries()?.to_owned())))
            .collect()
    }

    /// The sockets in service.
    pub(super) fn sockets(&self) -> impl Iterator<Item = (DescriptorKind, BorrowedFd<'_>)> {
        self.served.iter().map(|served| {
            let kind = match served.wanted.queries() {
                None => DescriptorKind::Http,
                Some(_) => DescriptorKind::Https,
            };
            (kind, served.socket.as_fd())
        })
    }

    /// Serves clients of `bound`, as `config` says. `routes` makes the table of routes for a new service.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn begin(
        &mut self,
        bound: Vec<BoundHttp>,
        config: &Config,
        routes: impl FnOnce() -> Vec<Route>,
    ) -> io::Result<()> {
        let added = self.serve(bound, routes)?;
        let wanted = HttpPlace::all(config);
        self.turn_to(HttpChange { wanted, names: names(&config.server), added });
        Ok(())
    }

    /// Binds the new ones among the wanted addresses.
    ///
    /// # Errors
    /// An address cannot be bound, or the system gives no thread; nothing has changed.
    pub(super) fn prepare(
        &mut self,
        config: &Config,
        routes: impl FnOnce() -> Vec<Route>,
    ) -> io::Result<HttpChange> {
        let is_new =
            |wanted: &&HttpPlace| self.served.iter().all(|served| served.wanted != **wanted);
        let wanted = HttpPlace::all(config);
        let new: Vec<HttpPlace> = wanted.iter().filter(is_new).cloned().collect();
        let added =
            self.serve(BoundHttp::all(&new, config, self.sockets_at(&new, &wanted)?)?, routes)?;
        Ok(HttpChange { wanted, names: names(&config.server), added })
    }

    /// Own sockets at the addresses of `new`: an address with a new use, such as a new path of DNS over HTTPS, cannot be
    /// bound twice.
    fn sockets_at(&self, new: &[HttpPlace], wanted: &[HttpPlace]) -> io::Result<TakenHttp> {
        let is_reused =
            |served: &&ServedHttp| served.wanted.leaves_socket(served.address, new, wanted);
        self.served.iter().filter(is_reused).map(|served| served.socket.try_clone()).collect()
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
            let (counters, descriptors) = (self.counters.clone(), self.descriptors.clone());
            let observer = move |event| counters.count(counter(event));
            let listener = match &wanted.offer {
                HttpOffer::Routes => service.serve(socket)?,
                HttpOffer::Challenges => {
                    let site = self.acme.site(descriptors, observer);
                    service.serve_site(socket, Arc::new(site))?
                }
                HttpOffer::Queries(path) => {
                    let site = self.doh.site(wanted.address, path, descriptors, observer);
                    service.serve_within_tls(
                        socket,
                        Arc::new(site),
                        self.doh.tls(wanted.address),
                    )?
                }
            };
            Ok(ServedHttp { wanted, address, _listener: listener, socket: own })
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
        HttpEvent::UntakenClosed => Counter::HttpUntakenClosed,
        HttpEvent::Proxied => behind_proxy::counter(Ok(())),
        HttpEvent::ProxyFault(fault) => behind_proxy::counter(Err(fault)),
        HttpEvent::Handshake => Counter::ClientTlsHandshakes,
        HttpEvent::HandshakeFailed => Counter::ClientTlsFailed,
        HttpEvent::HandshakeTimedOut => Counter::ClientTlsTimedOut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_bound_is_told_with_its_key() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = taken.local_addr().unwrap();
        let told = |text: &str| {
            let config = Config::parse(text, "zoners.toml").unwrap();
            let bound = BoundHttp::all(&HttpPlace::all(&config), &config, TakenHttp::default());
            bound.unwrap_err().to_string()
        };
        for (key, text) in [
            ("server.http", format!("[server]\nhttp = [\"{at}\"]\n")),
            ("server.listen", format!("[server]\nlisten = [\"https://{at}\"]\n")),
            ("listen.address", format!("[[listen]]\naddress = \"https://{at}\"\n")),
        ] {
            assert!(told(&text).starts_with(&format!("{key}: {at}: ")), "{}", told(&text));
        }
    }

    #[test]
    fn a_place_that_stays_wanted_keeps_its_socket() {
        let place = |port, path: Option<&str>| HttpPlace {
            address: ([127, 0, 0, 1], port).into(),
            offer: path.map_or(HttpOffer::Routes, |path| HttpOffer::Queries(path.to_owned())),
        };
        let (bound, other_path) = (([127, 0, 0, 1], 8443).into(), [place(8443, Some("/new"))]);
        let old = place(8443, Some("/old"));
        assert!(old.leaves_socket(bound, &other_path, &other_path));
        let free = [place(0, Some("/new"))];
        let both = [old.clone(), free[0].clone()];
        assert!(old.leaves_socket(bound, &free, &free));
        assert!(!old.leaves_socket(bound, &free, &both), "port 0 is another port");
    }
}
