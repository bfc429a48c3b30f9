//! A stream that comes in pieces.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, ReadBuf};

/// Gives `octets` in pieces of so many, over and over; a piece of none is a pause.
pub struct Pieces<'a> {
    octets: &'a [u8],
    sizes: std::iter::Cycle<std::slice::Iter<'a, u8>>,
}

impl<'a> Pieces<'a> {
    /// `sizes` are the lengths of the pieces; without any, all comes at once.
    pub fn new(octets: &'a [u8], sizes: &'a [u8]) -> Self {
        // Pauses alone would never end.
        let sizes = if sizes.iter().all(|size| *size == 0) { &[] } else { sizes };
        Pieces { octets, sizes: sizes.iter().cycle() }
    }

    /// Octets that have not come yet.
    pub fn left(&self) -> usize {
        self.octets.len()
    }
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let size = match self.sizes.next() {
            Some(0) => {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(size) => usize::from(*size),
            None => usize::MAX,
        };
        let (now, later) = self.octets.split_at(size.min(buffer.remaining()).min(self.left()));
        buffer.put_slice(now);
        self.octets = later;
        Poll::Ready(Ok(()))
    }
}

/// Polls once; none if there is nothing yet. What was polled goes away.
pub fn once<T>(work: impl Future<Output = T>) -> Option<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// Polls until it is done.
pub fn finish<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        if let Some(done) = once(work.as_mut()) {
            return done;
        }
    }
}
