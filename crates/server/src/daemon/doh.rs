//! DNS over HTTPS (RFC 8484): a hit is answered in place, without another thread. HTTP/2 is on the thread of the HTTP
//! service, HTTP/3 on the threads of the workers.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use zoners_dns::{Network, Transport};
use zoners_http::header::{ALT_SVC, HeaderValue};
use zoners_http::{
    HostNames, HttpEvent, HttpLimits, HttpReception, HttpRequest, HttpResponse, HttpSite, Method,
    Route, StatusCode, TlsSource, Version,
};

use super::Current;
use super::connections::{
    MAX_CLIENT_CONNECTIONS, MAX_CLIENT_STRANGERS, MAX_CONNECTIONS, MAX_STRANGERS,
};
use super::pulse::Activity;
use super::served_tls::ServedTls;
use crate::client::Client;
use crate::dnstap::ClientEnds;
use crate::doh;
use crate::pipeline::Handled;

/// Octets of a query at most: a question and a few options.
const MAX_QUERY: usize = 4096;

/// What DNS over HTTPS is answered with.
#[derive(Debug)]
pub(super) struct DohTerms<N: Network> {
    current: Current<N>,
    tls: ServedTls,
    activity: Arc<Activity>,
}

impl<N: Network> Clone for DohTerms<N> {
    fn clone(&self) -> Self {
        DohTerms {
            current: self.current.clone(),
            tls: self.tls.clone(),
            activity: self.activity.clone(),
        }
    }
}

/// Octets of the header fields of a request, of which a query in the address takes the most.
const MAX_HEAD: usize = 8 * 1024;
/// The time for which an idle connection is kept: browsers keep theirs as long.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// The time for the body of a request.
const BODY_TIME: Duration = Duration::from_secs(5);

/// Seconds for which a client may come over HTTP/3 without asking again (RFC 7838 section 3.1): a day, as by default.
const ADVERTISED: u32 = 86_400;

/// The bounds of connections of clients: as many as over TLS.
fn limits() -> HttpLimits {
    HttpLimits {
        connections: MAX_CONNECTIONS,
        client_connections: MAX_CLIENT_CONNECTIONS,
        strangers: MAX_STRANGERS,
        client_strangers: MAX_CLIENT_STRANGERS,
        head_octets: MAX_HEAD,
        head_time: IDLE_TIME,
        body_octets: MAX_QUERY,
        body_time: BODY_TIME,
        ..HttpLimits::default()
    }
}

impl<N: Network> DohTerms<N> {
    /// Answers by the service in force, within this TLS; notes that clients ask.
    pub(super) fn new(current: Current<N>, tls: ServedTls, activity: Arc<Activity>) -> Self {
        DohTerms { current, tls, activity }
    }

    /// The site of a listener with this path. Connections take `descriptors`, and `observer` is called for each event.
    pub(super) fn site(
        &self,
        listener: SocketAddr,
        path: &str,
        descriptors: Arc<Semaphore>,
        observer: impl Fn(HttpEvent) + Send + Sync + 'static,
    ) -> HttpSite {
        let site = HttpSite::new(self.routes(listener, path), limits(), descriptors, observer);
        let (receiving, behind) = (self.clone(), self.clone());
        let site = site.receiving(move |client| receiving.reception(listener, client));
        let site = site.behind(move |address| behind.is_proxy(listener, address));
        site.rename(HostNames::any());
        site
    }

    /// The configuration of TLS in force at a listener.
    pub(super) fn tls(&self, listener: SocketAddr) -> TlsSource {
        let tls = self.tls.clone();
        Arc::new(move || tls.config_at(Some(listener), Transport::Https))
    }

    /// The routes of a listener with this path.
    fn routes(&self, listener: SocketAddr, path: &str) -> Vec<Route> {
        let http3 = http3_place(listener);
        let route = |method| {
            let (terms, http3) = (self.clone(), http3.clone());
            let own: Arc<str> = path.into();
            let answer = move |request: HttpRequest| {
                let (terms, own, http3) = (terms.clone(), own.clone(), http3.clone());
                async move {
                    let name = Route::segment(&own, request.uri.path());
                    let response = terms.answer(listener, &request, name).await;
                    match terms
                        .advertises_http3(listener, request.version)
                        .then_some(http3)
                        .flatten()
                    {
                        Some(place) => response.with(ALT_SVC, place),
                        None => response,
                    }
                }
            };
            Route::new(method, path.to_owned(), answer).with_below()
        };
        vec![route(Method::GET), route(Method::POST)]
    }

    /// Whether a load balancer of a listener has this address.
    fn is_proxy(&self, listener: SocketAddr, address: IpAddr) -> bool {
        let service = self.current.load();
        service.rules().is_proxy(Some(listener), Transport::Https, address)
    }

    /// How a client that connects to a listener is received: without access, only to get a refusal.
    fn reception(&self, listener: SocketAddr, client: IpAddr) -> HttpReception {
        let service = self.current.load();
        let rules = service.rules();
        let access = rules.access_list(Some(listener), Transport::Https);
        let client = Client::new(client, Transport::Https).within(access);
        match rules.serves(&client) {
            true => HttpReception::Served,
            false if rules.refuses_strangers() => HttpReception::Stranger,
            false => HttpReception::Unheard,
        }
    }

    /// Whether a client is told where HTTP/3 is spoken.
    fn advertises_http3(&self, listener: SocketAddr, version: Version) -> bool {
        version == Version::HTTP_2 && self.current.load().rules().has_http3(listener)
    }

    /// Answers a request of a client that gives this name, as `/dns-query/phone` does.
    async fn answer(
        &self,
        listener: SocketAddr,
        request: &HttpRequest,
        name: Option<&str>,
    ) -> HttpResponse {
        let query = match doh::query(request) {
            Ok(query) => query,
            Err(refusal) => return refusal.into_response(),
        };
        self.activity.note();
        let service = self.current.load_full();
        let access = service.rules().access_list(Some(listener), Transport::Https);
        let client = Client::new(request.client.ip(), Transport::Https).within(access);
        let identity = match self.tls.asks_clients(Some(listener), Transport::Https) {
            true => service.rules().certified_identity(&request.client_names),
            false => service.rules().named_identity(name),
        };
        let client = client.known_as(identity);
        let ends = ClientEnds {
            client: request.client,
            server: Some(listener),
            transport: Transport::Https,
        };
        let (clock, before, mut reply) = (service.clock(), service.outcome_counts(), Vec::new());
        let handle = service.handler(clock);
        let handled = handle(&service, &query, client, clock, &mut reply);
        service.note_immediate(Transport::Https, &before);
        service.tap().iter().for_each(|tap| tap.put_client_query(ends, &query));
        let reply = match handled {
            Handled::Reply(_) => Some(reply),
            Handled::Nothing(_) => None,
            // Boxed, so that a hit has no room for a recursion.
            Handled::Miss(miss) => Box::pin(service.recurse(miss, None)).await,
        };
        let Some(reply) = reply else {
            return HttpResponse::text(StatusCode::BAD_REQUEST, "there is no answer to this query");
        };
        service.tap().iter().for_each(|tap| tap.put_client_response(ends, &reply));
        doh::response(reply)
    }
}

/// Where HTTP/3 is spoken, for clients of HTTP/2 at a listener (Alt-Svc, RFC 7838).
fn http3_place(listener: SocketAddr) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("h3=\":{}\"; ma={ADVERTISED}", listener.port())).ok()
}
