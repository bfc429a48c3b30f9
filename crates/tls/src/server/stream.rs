//! A stream within TLS, as the server sees it, without buffers of its own while nothing is under way.
//!
//! The stream is made of the API of rustls that leaves buffers to the caller: a buffered connection keeps 4 KiB for
//! reads for as long as it is open. Records are decrypted where they were read; only the beginning of a record is kept.
//! What is written goes out together with what TLS itself had to say: the session ticket and the first answer are one
//! segment, for which no client delays an acknowledgement.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::ServerConfig;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::certificate::names;

/// Octets of one read.
const READ: usize = 4096;
/// Octets of a record at most: 2^14 of content (RFC 8446 section 5.1), and the frame of TLS 1.2 around.
const MAX_RECORD: usize = (1 << 14) + 2048 + 5;
/// Octets that one record carries.
const MAX_CONTENT: usize = 1 << 14;

/// A connection of a client within TLS, after the handshake.
#[derive(Debug)]
pub struct ServerStream<S> {
    io: S,
    session: Session,
    /// Decrypted octets for which the reader had no room, and the number of those read since.
    unread: (Vec<u8>, usize),
    is_closed: bool,
}

/// The state of TLS, with the octets under way.
struct Session {
    tls: UnbufferedServerConnection,
    /// The beginning of a record.
    incoming: Vec<u8>,
    /// Encrypted octets, and the number of those sent.
    outgoing: (Vec<u8>, usize),
}

/// How far the received octets have brought a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The handshake needs more of the client.
    Handshake,
    /// Octets go to and fro.
    Open,
    /// The client has announced the end of sending (close_notify).
    Closed,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ServerStream<S> {
    /// Takes a client through the handshake. The caller bounds the time.
    ///
    /// # Errors
    /// The stream broke, or the octets are no TLS that the server speaks: then the error is of the kind `InvalidData`,
    /// and the client has got an alert, as far as the stream took it.
    pub async fn accept(mut io: S, config: Arc<ServerConfig>) -> io::Result<Self> {
        let tls = UnbufferedServerConnection::new(config).map_err(invalid)?;
        let mut session = Session { tls, incoming: Vec::new(), outgoing: (Vec::new(), 0) };
        let mut unread = Vec::new();
        loop {
            let received = poll_fn(|context| {
                session.poll_receive(&mut io, context, &mut |octets| {
                    unread.extend_from_slice(octets);
                })
            });
            let stage = match received.await {
                Ok(Some(stage)) => stage,
                Ok(None) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) => {
                    let _ = poll_fn(|context| session.poll_send(&mut io, context)).await;
                    return Err(error);
                }
            };
            match stage {
                // The rest of the handshake goes with the first answer.
                Stage::Open => break,
                Stage::Handshake => poll_fn(|context| session.poll_send(&mut io, context)).await?,
                Stage::Closed => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        Ok(ServerStream { io, session, unread: (unread, 0), is_closed: false })
    }

    /// The protocol that client and server have agreed on (RFC 7301).
    #[must_use]
    pub fn application_protocol(&self) -> Option<&[u8]> {
        self.session.tls.alpn_protocol()
    }

    /// The names (DNS) in the certificate that the client has shown, in the order of the certificate; none without a
    /// certificate, or if the server asks for none.
    #[must_use]
    pub fn client_names(&self) -> Vec<String> {
        names(self.session.tls.peer_certificates().unwrap_or_default())
    }

    /// The stream beneath.
    #[must_use]
    pub fn get_ref(&self) -> &S {
        &self.io
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("unsent", &self.unsent()).finish_non_exhaustive()
    }
}

impl Session {
    /// Reads once and takes in what has come; `None` at the end of the stream.
    fn poll_receive<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        io: &mut S,
        context: &mut Context<'_>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Poll<io::Result<Option<Stage>>> {
        let mut scratch = [MaybeUninit::uninit(); READ];
        let mut read = ReadBuf::uninit(&mut scratch);
        ready!(Pin::new(io).poll_read(context, &mut read))?;
        if read.filled().is_empty() {
            return Poll::Ready(Ok(None));
        }
        Poll::Ready(self.take_in(read.filled_mut(), sink).map(Some))
    }

    /// Takes received octets in, and keeps the beginning of a record.
    fn take_in(&mut self, octets: &mut [u8], sink: &mut dyn FnMut(&[u8])) -> io::Result<Stage> {
        if self.incoming.is_empty() {
            let (taken, stage) = self.advance(octets, sink)?;
            self.incoming.extend_from_slice(octets.get(taken..).unwrap_or_default());
            return Ok(stage);
        }
        let mut incoming = std::mem::take(&mut self.incoming);
        incoming.extend_from_slice(octets);
        let (taken, stage) = self.advance(&mut incoming, sink)?;
        incoming.drain(..taken);
        if incoming.len() > MAX_RECORD {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "too long a handshake"));
        }
        if !incoming.is_empty() {
            self.incoming = incoming;
        }
        Ok(stage)
    }

    /// Goes through all whole records: the content goes into `sink`. Returns the number of finished octets.
    fn advance(
        &mut self,
        octets: &mut [u8],
        sink: &mut dyn FnMut(&[u8]),
    ) -> io::Result<(usize, Stage)> {
        let mut taken = 0;
        loop {
            let rest = octets.get_mut(taken..).unwrap_or_default();
            let UnbufferedStatus { mut discard, state } = self.tls.process_tls_records(rest);
            let mut stage = None;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(invalid)?;
                        discard += record.discard;
                        sink(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    put(&mut self.outgoing.0, 0, |room| encode(&mut data, room))?;
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::BlockedHandshake) => stage = Some(Stage::Handshake),
                Ok(ConnectionState::WriteTraffic(_)) => stage = Some(Stage::Open),
                Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => {
                    stage = Some(Stage::Closed);
                }
                Ok(_) => return Err(io::Error::other("a state of TLS that was not asked for")),
                Err(error) => {
                    self.take_alert();
                    return Err(invalid(error));
                }
            }
            taken += discard;
            if let Some(stage) = stage {
                return Ok((taken, stage));
            }
        }
    }

    /// The alert after a fault.
    fn take_alert(&mut self) {
        if let Ok(ConnectionState::EncodeTlsData(mut data)) =
            self.tls.process_tls_records(&mut []).state
        {
            let _ = put(&mut self.outgoing.0, 0, |room| encode(&mut data, room));
        }
    }

    /// Encrypts content of one record, or the announcement of the end if there is none.
    fn encrypt(&mut self, content: &[u8]) -> io::Result<()> {
        let UnbufferedStatus { state, .. } = self.tls.process_tls_records(&mut self.incoming);
        let Ok(ConnectionState::WriteTraffic(mut traffic)) = state else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let encrypt = |room: &mut [u8]| {
            let outcome = match content.is_empty() {
                true => traffic.queue_close_notify(room),
                false => traffic.encrypt(content, room),
            };
            match outcome {
                Err(EncryptError::InsufficientSize(size)) => Err(Some(size.required_size)),
                outcome => outcome.map_err(|_| None),
            }
        };
        // The frame of a record has at most so many octets.
        put(&mut self.outgoing.0, content.len() + 64, encrypt)
    }

    /// Octets that are still to be sent.
    fn unsent(&self) -> usize {
        self.outgoing.0.len() - self.outgoing.1
    }

    /// Sends what is encrypted.
    fn poll_send<S: AsyncWrite + Unpin>(
        &mut self,
        io: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let (octets, sent) = &mut self.outgoing;
        while let Some(rest) = octets.get(*sent..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut *io).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                more => *sent += more,
            }
        }
        self.outgoing = (Vec::new(), 0);
        Poll::Ready(Ok(()))
    }
}

/// Appends what `write` puts into a slice. `write` tells the octets put, or the octets needed.
fn put(
    out: &mut Vec<u8>,
    room: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Option<usize>>,
) -> io::Result<()> {
    let before = out.len();
    let mut room = room;
    loop {
        out.resize(before + room, 0);
        match write(out.get_mut(before..).unwrap_or_default()) {
            Ok(written) => {
                out.truncate(before + written);
                return Ok(());
            }
            Err(Some(needed)) if needed > room => room = needed,
            Err(_) => {
                out.truncate(before);
                return Err(io::Error::other("TLS cannot write any more"));
            }
        }
    }
}

/// Writes a message of the handshake or an alert, as [`put`] asks for it.
fn encode(
    data: &mut EncodeTlsData<'_, ServerConnectionData>,
    room: &mut [u8],
) -> Result<usize, Option<usize>> {
    data.encode(room).map_err(|error| match error {
        EncodeError::InsufficientSize(size) => Some(size.required_size),
        EncodeError::AlreadyEncoded => None,
    })
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for ServerStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let ServerStream { io, session, unread: (unread, read), is_closed } = self.get_mut();
        if let Some(rest) = unread.get(*read..).filter(|rest| !rest.is_empty()) {
            let now = rest.len().min(buffer.remaining());
            buffer.put_slice(rest.get(..now).unwrap_or_default());
            *read += now;
            if *read == unread.len() {
                (*unread, *read) = (Vec::new(), 0);
            }
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        while !*is_closed && buffer.filled().len() == before {
            let received = session.poll_receive(io, context, &mut |octets| {
                let (now, later) = octets.split_at(octets.len().min(buffer.remaining()));
                buffer.put_slice(now);
                unread.extend_from_slice(later);
            });
            match received {
                Poll::Ready(Ok(stage)) => *is_closed = matches!(stage, None | Some(Stage::Closed)),
                Poll::Ready(Err(error)) => {
                    let _ = session.poll_send(io, context);
                    return Poll::Ready(Err(error));
                }
                Poll::Pending => {
                    // What TLS has to say waits no longer.
                    if session.unsent() > 0
                        && let Poll::Ready(Err(error)) = session.poll_send(io, context)
                    {
                        return Poll::Ready(Err(error));
                    }
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ServerStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let ServerStream { io, session, .. } = self.get_mut();
        if session.unsent() >= MAX_CONTENT {
            ready!(session.poll_send(io, context))?;
        }
        let now = octets.get(..MAX_CONTENT).unwrap_or(octets);
        if !now.is_empty() {
            session.encrypt(now)?;
            if let Poll::Ready(Err(error)) = session.poll_send(io, context) {
                return Poll::Ready(Err(error));
            }
        }
        Poll::Ready(Ok(now.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ServerStream { io, session, .. } = self.get_mut();
        ready!(session.poll_send(io, context))?;
        Pin::new(io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ServerStream { io, session, .. } = self.get_mut();
        // A second announcement of the end is none.
        let _ = session.encrypt(&[]);
        ready!(session.poll_send(io, context))?;
        Pin::new(io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
