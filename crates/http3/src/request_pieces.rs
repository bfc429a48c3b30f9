//! A request from the pieces of its stream (RFC 9114 section 4.1): fields, a body, and perhaps trailers.

use crate::{Field, Http3Fault, MAX_SECTION, read_fields, varint};

/// Octets of the longest body: the longest DNS message.
pub const MAX_BODY: usize = 65_535;

/// Frames on the stream of a request. Clients send one or two for a query.
pub const MAX_FRAMES: usize = 128;

/// Octets of frames without meaning to us, trailers among them.
pub const MAX_IGNORED: usize = 4 * 1024;

/// Octets of the longest head of a frame: two integers.
const LONGEST_HEAD: usize = 16;

/// A whole request, its fields as sent and not yet judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The fields in their order.
    pub fields: Vec<Field>,
    /// The body, empty without one.
    pub body: Vec<u8>,
}

/// What has come of a request.
#[derive(Debug, Default)]
pub struct RequestPieces {
    stage: Stage,
    /// The frame under way, and how many of its octets are missing.
    frame: Option<(Content, usize)>,
    /// The head of a frame, as far as it has come.
    head: Vec<u8>,
    section: Vec<u8>,
    fields: Vec<Field>,
    body: Vec<u8>,
    frames: usize,
    ignored: usize,
}

/// How far the message has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Start,
    Body,
    Trailers,
}

/// Where the octets of a frame go.
#[derive(Clone, Copy, Debug)]
enum Content {
    Section,
    Body,
    Ignored,
}

impl RequestPieces {
    /// Takes the next octets of the stream.
    ///
    /// # Errors
    ///
    /// The fault in the octets; nothing may be put after a fault.
    pub fn put(&mut self, mut piece: &[u8]) -> Result<(), Http3Fault> {
        while let Some((first, rest)) = piece.split_first() {
            match self.frame {
                Some((content, missing)) => {
                    let (octets, rest) = piece.split_at(missing.min(piece.len()));
                    self.take(content, octets);
                    self.frame = Some((content, missing - octets.len()));
                    piece = rest;
                }
                None => {
                    self.head.push(*first);
                    piece = rest;
                    self.begin()?;
                }
            }
            self.finish()?;
        }
        Ok(())
    }

    /// Octets in memory; at most [`MAX_SECTION`] twice, [`MAX_BODY`] and a head.
    pub fn held(&self) -> usize {
        let fields: usize = self.fields.iter().map(Field::size).sum();
        self.head.len() + self.section.len() + self.body.len() + fields
    }

    /// The request at the end of the stream.
    ///
    /// # Errors
    ///
    /// [`Http3Fault::FrameIncomplete`] within a frame; [`Http3Fault::RequestIncomplete`] before the fields.
    pub fn into_request(self) -> Result<Request, Http3Fault> {
        if self.frame.is_some() || !self.head.is_empty() {
            return Err(Http3Fault::FrameIncomplete);
        }
        if self.stage == Stage::Start {
            return Err(Http3Fault::RequestIncomplete);
        }
        Ok(Request { fields: self.fields, body: self.body })
    }

    /// Begins a frame once its head is whole; no frame exceeds what is left of its limit.
    fn begin(&mut self) -> Result<(), Http3Fault> {
        debug_assert!(self.head.len() <= LONGEST_HEAD);
        let mut head = &self.head[..];
        let (Some(kind), Some(length)) = (varint::read(&mut head), varint::read(&mut head)) else {
            return Ok(());
        };
        self.head.clear();
        self.frames += 1;
        if self.frames > MAX_FRAMES {
            return Err(Http3Fault::TooManyFrames);
        }
        let content = self.content(kind)?;
        let (left, fault) = match content {
            Content::Section => (MAX_SECTION, Http3Fault::SectionTooLong),
            Content::Body => (MAX_BODY - self.body.len(), Http3Fault::BodyTooLong),
            Content::Ignored => (MAX_IGNORED - self.ignored, Http3Fault::TooManyIgnored),
        };
        let length = usize::try_from(length).ok().filter(|length| *length <= left).ok_or(fault)?;
        self.frame = Some((content, length));
        Ok(())
    }

    /// What a kind of frame means here (RFC 9114 section 7.2).
    fn content(&mut self, kind: u64) -> Result<Content, Http3Fault> {
        match (kind, self.stage) {
            (0x00, Stage::Body) => Ok(Content::Body),
            (0x01, Stage::Start) => {
                self.stage = Stage::Body;
                Ok(Content::Section)
            }
            (0x01, Stage::Body) => {
                self.stage = Stage::Trailers;
                Ok(Content::Ignored)
            }
            // Frames of the control stream and of servers, and those of HTTP/2 (RFC 9114 section 7.2.8).
            (0x00..=0x09 | 0x0D, _) => Err(Http3Fault::FrameUnexpected),
            _ => Ok(Content::Ignored),
        }
    }

    fn take(&mut self, content: Content, octets: &[u8]) {
        match content {
            Content::Section => self.section.extend_from_slice(octets),
            Content::Body => self.body.extend_from_slice(octets),
            Content::Ignored => self.ignored += octets.len(),
        }
    }

    /// Ends a frame of which nothing is missing.
    fn finish(&mut self) -> Result<(), Http3Fault> {
        let Some((content, 0)) = self.frame else { return Ok(()) };
        self.frame = None;
        if let Content::Section = content {
            self.fields = read_fields(&std::mem::take(&mut self.section))?;
        }
        Ok(())
    }
}
