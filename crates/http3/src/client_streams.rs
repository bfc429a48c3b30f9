//! The unidirectional streams of a client (RFC 9114 section 6.2, RFC 9204 section 4.2).

use crate::budget::Budget;
use crate::control_pieces::ControlPieces;
use crate::instructions::{DecoderInstructions, read_encoder};
use crate::{Http3Fault, varint};

/// What a connection knows of all unidirectional streams of its client.
#[derive(Debug, Default)]
pub struct ClientStreams {
    control: Option<ControlPieces>,
    decoder: Option<DecoderInstructions>,
    has_encoder: bool,
    budget: Budget,
}

/// One unidirectional stream of a client.
#[derive(Debug, Default)]
pub struct ClientStream {
    role: Option<Role>,
    /// The type of the stream, as far as its octets have come: at most eight.
    head: Vec<u8>,
}

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Control,
    Encoder,
    Decoder,
    Unknown,
}

impl ClientStreams {
    /// Notes that a stream has begun.
    ///
    /// # Errors
    ///
    /// [`Http3Fault::TooManyStreams`] beyond [`MAX_CLIENT_STREAMS`](crate::MAX_CLIENT_STREAMS) between two requests.
    pub fn begin(&mut self) -> Result<ClientStream, Http3Fault> {
        self.budget.take_stream()?;
        Ok(ClientStream::default())
    }

    /// Octets in memory: at most [`MAX_CONTROL_FRAME`](crate::MAX_CONTROL_FRAME) and a head.
    pub fn held(&self) -> usize {
        self.control.as_ref().map_or(0, ControlPieces::held)
    }

    /// Takes the next octets of a stream.
    ///
    /// # Errors
    ///
    /// The fault in the octets; every fault here ends the connection.
    pub fn put(&mut self, stream: &mut ClientStream, mut piece: &[u8]) -> Result<(), Http3Fault> {
        while stream.role.is_none() {
            let Some((first, rest)) = piece.split_first() else { return Ok(()) };
            stream.head.push(*first);
            piece = rest;
            if let Some(kind) = varint::read(&mut &stream.head[..]) {
                stream.role = Some(self.open(kind)?);
            }
        }
        match (stream.role, &mut self.control, &mut self.decoder) {
            (Some(Role::Control), Some(control), _) => control.put(piece, &mut self.budget),
            (Some(Role::Encoder), _, _) => read_encoder(piece, &mut self.budget),
            (Some(Role::Decoder), _, Some(decoder)) => decoder.put(piece, &mut self.budget),
            _ => self.budget.ignore(piece.len() as u64),
        }
    }

    /// Notes that a stream has ended or was reset.
    ///
    /// # Errors
    ///
    /// [`Http3Fault::CriticalStreamClosed`] for a stream that lives as long as the connection.
    pub fn end(&self, stream: &ClientStream) -> Result<(), Http3Fault> {
        match stream.role {
            None | Some(Role::Unknown) => Ok(()),
            Some(_) => Err(Http3Fault::CriticalStreamClosed),
        }
    }

    /// Notes a whole request: the limits count from here anew.
    pub fn renew(&mut self) {
        self.budget = Budget::default();
    }

    /// The role of a new stream; each critical stream comes once, and no client pushes.
    fn open(&mut self, kind: u64) -> Result<Role, Http3Fault> {
        let (role, is_new) = match kind {
            0x00 => (Role::Control, self.control.replace(ControlPieces::default()).is_none()),
            0x01 => return Err(Http3Fault::StreamUnexpected),
            0x02 => (Role::Encoder, !std::mem::replace(&mut self.has_encoder, true)),
            0x03 => (Role::Decoder, self.decoder.replace(DecoderInstructions::default()).is_none()),
            _ => (Role::Unknown, true),
        };
        if is_new { Ok(role) } else { Err(Http3Fault::StreamUnexpected) }
    }
}
