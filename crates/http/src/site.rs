//! The site: routes, names and limits.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hyper::Request;
use hyper::body::{Body, Bytes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zoners_net::client_slots::{ClientSlot, ClientSlots};
use zoners_net::held::Held;
use zoners_net::proxy_header::ProxyHeaders;

use crate::ends::ConnectionEnds;
use crate::refusal::HttpRefusal;
use crate::{HostNames, HttpEvent, HttpLimits, HttpRequest, HttpResponse, Route};

type Observer = Box<dyn Fn(HttpEvent) + Send + Sync>;
type ProxyCheck = Box<dyn Fn(IpAddr) -> bool + Send + Sync>;
type Receptionist = Box<dyn Fn(IpAddr) -> HttpReception + Send + Sync>;

/// How a client that connects is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpReception {
    /// With a share of the connections.
    Served,
    /// As a client without access: few connections, and each request gets a refusal.
    Stranger,
    /// The connection is closed at once.
    Unheard,
}

/// Routes, names and limits, the same for each listener.
pub struct HttpSite {
    routes: Vec<Route>,
    names: ArcSwap<HostNames>,
    pub(crate) limits: HttpLimits,
    slots: ClientSlots,
    /// Slots of clients without access, beside `slots`.
    strangers: ClientSlots,
    receptionist: Receptionist,
    /// Whether a proxy has an address.
    proxy_check: ProxyCheck,
    /// The headers of proxies under way.
    pub(crate) headers: ProxyHeaders,
    /// Octets of responses that clients of HTTP/2 have not taken.
    pub(crate) untaken: Arc<Held>,
    /// File descriptors for connections, shared with further parts of the process.
    descriptors: Arc<Semaphore>,
    observer: Observer,
}

/// The share of a connection in the limits.
#[derive(Debug)]
pub(crate) struct ConnectionShare {
    _slot: ClientSlot,
    _descriptor: OwnedSemaphorePermit,
}

impl HttpSite {
    /// A site; connections take `descriptors`. `observer` is called for each event, and must not wait.
    #[must_use]
    pub fn new(
        routes: Vec<Route>,
        limits: HttpLimits,
        descriptors: Arc<Semaphore>,
        observer: impl Fn(HttpEvent) + Send + Sync + 'static,
    ) -> Self {
        let slots = ClientSlots::new(limits.connections);
        let strangers = ClientSlots::new(limits.strangers);
        let receptionist = Box::new(|_| HttpReception::Served);
        let proxy_check = Box::new(|_| false);
        let headers = ProxyHeaders::new(descriptors.clone());
        let untaken = Held::new(limits.untaken_octets);
        let (names, observer) = (ArcSwap::default(), Box::new(observer));
        HttpSite {
            routes,
            names,
            limits,
            slots,
            strangers,
            receptionist,
            proxy_check,
            headers,
            untaken,
            descriptors,
            observer,
        }
    }

    /// A site that receives clients as `receptionist` says at each connection; without one, every client is served.
    #[must_use]
    pub fn receiving(
        self,
        receptionist: impl Fn(IpAddr) -> HttpReception + Send + Sync + 'static,
    ) -> Self {
        HttpSite { receptionist: Box::new(receptionist), ..self }
    }

    /// A site with proxies where `is_proxy` says so, which name the client in front of each connection; without this,
    /// there is none.
    #[must_use]
    pub fn behind(self, is_proxy: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        HttpSite { proxy_check: Box::new(is_proxy), ..self }
    }

    /// Whether a proxy has an address.
    pub(crate) fn is_proxy(&self, address: IpAddr) -> bool {
        (self.proxy_check)(address)
    }

    /// Replaces the names.
    pub fn rename(&self, names: HostNames) {
        self.names.store(Arc::new(names));
    }

    /// The share of a new connection of a client, if a share is left.
    pub(crate) fn admit(&self, client: IpAddr) -> Option<ConnectionShare> {
        let slot = match (self.receptionist)(client) {
            HttpReception::Served => self.slots.take(client, self.limits.client_connections),
            HttpReception::Stranger => self.strangers.take(client, self.limits.client_strangers),
            HttpReception::Unheard => None,
        };
        let descriptor = slot.is_some().then(|| self.descriptors.clone().try_acquire_owned().ok());
        let share = slot.zip(descriptor.flatten());
        if share.is_none() {
            self.count(HttpEvent::ConnectionRefused);
        }
        share.map(|(slot, descriptor)| ConnectionShare { _slot: slot, _descriptor: descriptor })
    }

    pub(crate) fn count(&self, event: HttpEvent) {
        (self.observer)(event);
    }

    /// Answers a request.
    pub(crate) async fn answer<B: Body<Data = Bytes> + Unpin>(
        &self,
        request: Request<B>,
        ends: ConnectionEnds,
    ) -> HttpResponse {
        self.count(HttpEvent::Request);
        match self.admitted(request, ends).await {
            Ok((route, request)) => route.answer(request).await,
            Err(refusal) => {
                self.count(HttpEvent::Refused);
                refusal.into_response()
            }
        }
    }

    /// The route and the request, unless refused.
    async fn admitted<B: Body<Data = Bytes> + Unpin>(
        &self,
        request: Request<B>,
        ends: ConnectionEnds,
    ) -> Result<(&Route, HttpRequest), HttpRefusal> {
        if ends.are_outdated() {
            return Err(HttpRefusal::OutdatedTls);
        }
        self.names.load().check(&request, ends.local)?;
        let route = Route::find(&self.routes, request.method(), request.uri().path())?;
        let request = HttpRequest::read(request, ends, &self.limits).await?;
        Ok((route, request))
    }
}

impl fmt::Debug for HttpSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSite").field("routes", &self.routes).finish_non_exhaustive()
    }
}
