//! Connections to servers, kept open and shared as real connections are.

use std::time::Duration;

use tokio::time::Instant;
use zoners_dns::{ConnectionState, Endpoint};

use super::Internet;
use super::tls::HANDSHAKE;
use crate::link::{Link, TlsManner};

/// A stream without a query is closed after this, if the server does not close the stream before.
const IDLE: Duration = Duration::from_secs(10);
/// The same, of an encrypted stream.
const IDLE_ENCRYPTED: Duration = Duration::from_secs(60);

/// An open stream.
#[derive(Debug)]
pub(crate) struct Stream {
    number: u64,
    opened: Duration,
    used: Duration,
    /// Replies received on the stream.
    heard: u64,
    /// A reply is late on the stream: later queries use a new stream.
    suspect: bool,
}

/// A query's place on a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aboard {
    number: u64,
    opened: Duration,
    heard: u64,
}

impl Aboard {
    /// When the stream was opened.
    pub(crate) fn opened(&self) -> Duration {
        self.opened
    }
}

impl Stream {
    fn takes_queries(&self, at: Duration, idle: Duration) -> bool {
        !self.suspect && at.saturating_sub(self.used) < idle
    }
}

impl Internet {
    /// The time without a query after which a stream is closed.
    fn idle(&self, to: Endpoint) -> Duration {
        let ours = if to.transport.is_encrypted() { IDLE_ENCRYPTED } else { IDLE };
        self.hosts.get(&to.address.ip()).map_or(ours, |host| host.link.keeps_idle.min(ours))
    }

    /// The stream on which a query to `to` would be put now.
    pub(crate) fn connection_state(&self, to: Endpoint) -> ConnectionState {
        let at = Instant::now() - self.started;
        let idle = self.idle(to);
        let usable = |stream: &&Stream| stream.takes_queries(at, idle);
        let Some(stream) = self.streams.get(&to).filter(usable) else {
            return ConnectionState::Closed;
        };
        let link = self.hosts.get(&to.address.ip()).map(|host| &host.link);
        let is_open = |link: &Link| {
            let since = at.saturating_sub(stream.opened);
            stream.heard > 0 || link.tls == TlsManner::Good && since >= link.latency * HANDSHAKE
        };
        match link.is_some_and(is_open) {
            true => ConnectionState::Open,
            false => ConnectionState::Opening,
        }
    }

    /// Puts a query on the stream to `to` if the stream is newer than `before`, else on a new
    /// stream.
    pub(crate) fn board(&mut self, to: Endpoint, before: Option<Aboard>, at: Duration) -> Aboard {
        let newer = |stream: &Stream| before.is_none_or(|before| before.number < stream.number);
        let idle = self.idle(to);
        let fit = |stream: &&mut Stream| newer(stream) && stream.takes_queries(at, idle);
        if let Some(Stream { number, opened, used, heard, .. }) =
            self.streams.get_mut(&to).filter(fit)
        {
            *used = at;
            return Aboard { number: *number, opened: *opened, heard: *heard };
        }
        self.opened += 1;
        let number = self.opened;
        let stream = Stream { number, opened: at, used: at, heard: 0, suspect: false };
        self.streams.insert(to, stream);
        Aboard { number, opened: at, heard: 0 }
    }

    /// Reports a late reply on a stream. Returns whether the stream has been silent since the query
    /// was sent, and was not suspected before.
    pub(crate) fn suspect(&mut self, to: Endpoint, aboard: Aboard) -> bool {
        let silent = aboard.heard > 0;
        match self.streams.get_mut(&to).filter(|stream| stream.number == aboard.number) {
            Some(stream) if silent && stream.heard == aboard.heard => {
                stream.suspect = true;
                true
            }
            // A newer stream has replaced this stream.
            None => silent,
            Some(_) => false,
        }
    }

    /// A reply has come on a stream.
    pub(crate) fn heard_on(&mut self, to: Endpoint, aboard: Aboard) {
        let known = self.streams.get_mut(&to).filter(|stream| stream.number == aboard.number);
        if let Some(stream) = known {
            (stream.heard, stream.suspect) = (stream.heard + 1, false);
        }
    }
}
