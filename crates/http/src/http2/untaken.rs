//! Requests under way on a connection, and responses that the client has not taken.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};
use zoners_net::held::Account;

use crate::site::HttpSite;
use crate::{HttpBody, HttpEvent};

/// The pace of a connection: whether requests are under way, and whether responses are taken.
#[derive(Debug)]
pub(super) struct Pace {
    state: Mutex<PaceState>,
    /// Octets of responses that the client has not taken.
    account: Account,
}

#[derive(Debug)]
struct PaceState {
    /// Requests without a response so far.
    under_way: usize,
    /// The moments at which responses were ready that the client has not taken; the number of the next.
    untaken: BTreeMap<u64, Instant>,
    next: u64,
    /// The end of the last request.
    last: Instant,
}

impl Pace {
    /// The pace of a new connection.
    pub(super) fn of(site: &HttpSite) -> Self {
        let (untaken, last) = (BTreeMap::new(), Instant::now());
        let state = PaceState { under_way: 0, untaken, next: 0, last };
        Pace { state: Mutex::new(state), account: site.untaken.account() }
    }

    /// A request begins.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        self.state.lock().under_way += 1;
        Busy(self.clone())
    }

    /// Ends once no request has been under way for `idle`, or the client has not taken a response for `write`. A response
    /// that becomes ready is noticed within `write`.
    pub(super) async fn over(&self, idle: Duration, write: Duration) {
        loop {
            let now = Instant::now();
            let end = self.state.lock().end(idle, write).unwrap_or(now + write);
            if end <= now {
                return;
            }
            sleep_until(end.min(now + write)).await;
        }
    }

    /// Ends once the connection is closed for the octets that the client has not taken.
    pub(super) async fn given_up(&self) {
        self.account.given_up().await;
    }
}

impl PaceState {
    /// The end of the connection if nothing happens; `None` while a request is under way alone.
    fn end(&self, idle: Duration, write: Duration) -> Option<Instant> {
        let oldest = self.untaken.first_key_value();
        let stuck = oldest.map(|(_, ready)| *ready + write);
        stuck.or_else(|| (self.under_way == 0).then(|| self.last + idle))
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Busy(Arc<Pace>);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.under_way -= 1;
        state.last = Instant::now();
    }
}

/// The body of a response. The octets of a complete body are untaken until the connection has sent them. A streamed body
/// is polled only while the flow-control window is open, so that no octets wait here.
#[derive(Debug)]
pub(super) struct UntakenBody {
    body: HttpBody,
    untaken: Option<Untaken>,
    _busy: Busy,
}

impl UntakenBody {
    /// The body of a response that is ready now.
    pub(super) async fn new(body: HttpBody, busy: Busy, site: &HttpSite) -> Self {
        let octets = body.size_hint().exact().and_then(|octets| usize::try_from(octets).ok());
        let untaken = match octets {
            None | Some(0) => None,
            Some(octets) => {
                let untaken = Untaken::new(octets, busy.0.clone());
                let closed = busy.0.account.add(octets);
                // If this connection is one of those closed, the wait below ends with the connection.
                (0..closed).for_each(|_| site.count(HttpEvent::UntakenClosed));
                busy.0.account.room().await;
                Some(untaken)
            }
        };
        UntakenBody { body, untaken, _busy: busy }
    }
}

/// A share of the octets that the client has not taken.
#[derive(Debug)]
struct Untaken {
    octets: usize,
    number: u64,
    pace: Arc<Pace>,
}

impl Untaken {
    fn new(octets: usize, pace: Arc<Pace>) -> Self {
        let mut state = pace.state.lock();
        let number = state.next;
        state.next += 1;
        state.untaken.insert(number, Instant::now());
        drop(state);
        Untaken { octets, number, pace }
    }
}

impl Drop for Untaken {
    fn drop(&mut self) {
        self.pace.account.free(self.octets);
        let mut state = self.pace.state.lock();
        state.untaken.remove(&self.number);
        state.last = Instant::now();
    }
}

/// Octets on the way to the client, with their share.
struct UntakenOctets {
    octets: Bytes,
    _untaken: Untaken,
}

impl AsRef<[u8]> for UntakenOctets {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

impl Body for UntakenBody {
    type Data = Bytes;
    type Error = <HttpBody as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let Some(untaken) = self.untaken.take() else { return Poll::Ready(frame) };
        // The library holds what the window of the client does not admit, and drops these octets once sent.
        let with_share = |octets| Bytes::from_owner(UntakenOctets { octets, _untaken: untaken });
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(with_share))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
