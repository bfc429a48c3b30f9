//! HTTP/3 at a port: the site of DNS over HTTPS answers requests.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use zoners_dns::{Network, Transport};
use zoners_http::HttpSite;
use zoners_http3::JudgedRequest;
use zoners_net::quic::{CloseCode, QuicStream};

use super::{QuicDoor, QuicWork};
use crate::client::AccessList;
use crate::config::{Http3Listener, QuicSpoken};
use crate::daemon::at_work::AtWork;
use crate::daemon::doh::DohTerms;
use crate::daemon::http::counter;
use crate::pipeline::Service;

/// HTTP/3 at a port.
#[derive(Debug)]
pub(super) struct Http3Door {
    site: Arc<HttpSite>,
    /// The address of DNS over HTTPS in the configuration.
    listener: SocketAddr,
    pub(super) access: AccessList,
}

/// What comes of a query that could not be answered at once.
#[derive(Debug)]
pub(super) enum LateAnswer {
    /// The response of DNS over QUIC, if there is one.
    Message(Option<Vec<u8>>),
    /// The octets of a stream of HTTP/3.
    Stream(Vec<u8>),
}

/// A request, with both ends.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) stream: QuicStream,
    pub(super) request: JudgedRequest,
    /// The client, with the names in its certificate.
    pub(super) client: (SocketAddr, Arc<[String]>),
    pub(super) ours: Option<IpAddr>,
}

impl QuicWork {
    /// Follows the rules and the TLS in force: a reload may change who is served, what is spoken, and which certificates
    /// of clients count. In the last case the connections end, and clients show their certificates anew.
    pub(super) fn turn_to<N: Network>(
        &mut self,
        service: &Service<N>,
        door: &QuicDoor<N>,
        now: Instant,
    ) {
        let rules = service.rules();
        self.access = rules.access_list(door.listener, Transport::Quic);
        let place = door.listener.or(self.bound);
        let spoken = place.and_then(|place| rules.spoken_at(place));
        // A socket may outlive the configuration that wanted it, where a service manager gave the others.
        if spoken.is_none() {
            self.http3 = None;
        }
        let spoken = spoken.unwrap_or(&self.spoken);
        let tls = door.tls.at(place, spoken.transport());
        let is_same_tls = tls.as_ref().map(Arc::as_ptr) == self.tls.as_ref().map(Arc::as_ptr);
        if !is_same_tls {
            self.server.close_all(now);
            self.tls = None;
        }
        if !is_same_tls || *spoken != self.spoken {
            let random = &service.worker().shared().random;
            if let Some((tls, terms)) = tls.and_then(|own| {
                let terms = own.quic(spoken.protocol(), random)?;
                Some((own, terms))
            }) {
                self.server.turn_to(terms);
                self.tls = Some(tls);
                self.http3 = Http3Door::open(spoken, door);
                self.spoken = spoken.clone();
            }
        }
        if let Some(http3) = &mut self.http3 {
            http3.access = rules.access_list(Some(http3.listener), Transport::Https);
        }
    }

    /// Answers a request, at once or after a recursion.
    pub(super) fn handle_request(&mut self, asking: Asking, at_work: &AtWork) {
        let Asking { stream, request, client, ours } = asking;
        let Some(door) = &self.http3 else {
            return self.server.give_up(stream, CloseCode::ExcessiveLoad);
        };
        let local = ours.or(self.bound.map(|bound| bound.ip()));
        let local = local.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let mut answering = Box::pin(door.site.clone().answer_over_http3(request, client, local));
        // A hit needs no task.
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(octets) = answering.as_mut().poll(&mut context) {
            return self.server.answer(stream, &octets);
        }
        let (replies, at_work) = (self.replies.clone(), at_work.clone());
        let recursion = tokio::spawn(async move {
            let octets = answering.await;
            let _ = replies.send((stream, LateAnswer::Stream(octets), at_work)).await;
        });
        self.recursions.insert(stream, recursion.abort_handle());
    }
}

impl Http3Door {
    /// HTTP/3 where it is spoken.
    pub(super) fn open<N: Network>(spoken: &QuicSpoken, door: &QuicDoor<N>) -> Option<Self> {
        let Http3Listener { address: listener, path } = spoken.http3.as_ref()?;
        let doh = DohTerms::new(door.current.clone(), door.tls.clone(), door.activity.clone());
        let current = door.current.clone();
        let observer = move |event| current.load().count(counter(event));
        let site = doh.site(*listener, path, door.descriptors.clone(), observer);
        let (site, access) = (Arc::new(site), AccessList::SERVER);
        Some(Http3Door { site, listener: *listener, access })
    }
}
