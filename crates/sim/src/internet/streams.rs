//! Connections to servers, kept open and shared as real connections are.

use std::time::Duration;

use zoners_dns::Endpoint;

use super::Internet;

/// A stream without a query is closed after this.
const IDLE: Duration = Duration::from_secs(10);

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

impl Internet {
    /// Puts a query on the stream to `to` if the stream is newer than `before`, else on a new
    /// stream.
    pub(crate) fn board(&mut self, to: Endpoint, before: Option<Aboard>, at: Duration) -> Aboard {
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
