//! Streams to servers, which are kept open and shared as real ones are.

use std::net::SocketAddr;
use std::time::Duration;

use super::Internet;

/// A stream without a query is closed after this.
const IDLE: Duration = Duration::from_secs(10);

/// A stream that is open.
#[derive(Debug)]
pub(crate) struct Stream {
    number: u64,
    opened: Duration,
    used: Duration,
    /// Replies that have come on it.
    heard: u64,
    /// A reply is late on it: later queries take another.
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

impl Internet {
    /// Puts a query on the stream to `to`, if it is newer than `before`, else on a new one.
    pub(crate) fn board(&mut self, to: SocketAddr, before: Option<Aboard>, at: Duration) -> Aboard {
        let newer = |stream: &Stream| before.is_none_or(|before| before.number < stream.number);
        let fit = |stream: &&mut Stream| {
            newer(stream) && !stream.suspect && at.saturating_sub(stream.used) < IDLE
        };
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

    /// A reply is late on a stream; whether that has been silent since the query was put there, and was not
    /// before.
    pub(crate) fn suspect(&mut self, to: SocketAddr, aboard: Aboard) -> bool {
        let silent = aboard.heard > 0;
        match self.streams.get_mut(&to).filter(|stream| stream.number == aboard.number) {
            Some(stream) if silent && stream.heard == aboard.heard => {
                stream.suspect = true;
                true
            }
            // Another has taken its place.
            None => silent,
            Some(_) => false,
        }
    }

    /// A reply has come on a stream.
    pub(crate) fn heard_on(&mut self, to: SocketAddr, aboard: Aboard) {
        let known = self.streams.get_mut(&to).filter(|stream| stream.number == aboard.number);
        if let Some(stream) = known {
            (stream.heard, stream.suspect) = (stream.heard + 1, false);
        }
    }
}
