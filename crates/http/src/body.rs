//! Bodies of responses.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::mpsc;

/// The body of a response: complete when the response begins, or written on while the client reads.
#[derive(Debug, Default)]
pub struct HttpBody {
    octets: Bytes,
    further: Option<mpsc::Receiver<Bytes>>,
}

/// The writer of a body. The body ends when the writer is dropped.
#[derive(Debug)]
pub struct HttpBodyWriter(mpsc::Sender<Bytes>);

impl HttpBody {
    /// A body to be written on. At most `room` pieces wait for the client.
    #[must_use]
    pub fn written_on(room: usize) -> (HttpBodyWriter, Self) {
        let (writer, further) = mpsc::channel(room);
        (HttpBodyWriter(writer), HttpBody { octets: Bytes::new(), further: Some(further) })
    }

    /// The next piece; `None` at the end.
    pub async fn next_piece(&mut self) -> Option<Bytes> {
        let frame = poll_fn(|context| Pin::new(&mut *self).poll_frame(context)).await?;
        frame.ok()?.into_data().ok()
    }
}

impl HttpBodyWriter {
    /// Writes a piece; waits while the client has no room. False once the client has left.
    pub async fn write(&self, piece: impl Into<Bytes>) -> bool {
        self.0.send(piece.into()).await.is_ok()
    }

    /// Waits until the client has left.
    pub async fn is_left(&self) {
        self.0.closed().await;
    }
}

impl<T: Into<Bytes>> From<T> for HttpBody {
    fn from(octets: T) -> Self {
        HttpBody { octets: octets.into(), further: None }
    }
}

impl Body for HttpBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let octets = std::mem::take(&mut self.octets);
        if !octets.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(octets))));
        }
        let Some(further) = &mut self.further else { return Poll::Ready(None) };
        let piece = ready!(further.poll_recv(context));
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.octets.is_empty() && self.further.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.further {
            Some(_) => SizeHint::default(),
            None => SizeHint::with_exact(self.octets.len() as u64),
        }
    }
}
