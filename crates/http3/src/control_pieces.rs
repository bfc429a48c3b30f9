//! The control stream of a client (RFC 9114 section 6.2.1): settings first, then what the client tells of pushes.

use crate::budget::Budget;
use crate::{Http3Fault, settings, varint};

/// Octets of the longest frame that is kept: settings.
pub const MAX_CONTROL_FRAME: usize = 1024;

const CANCEL_PUSH: u64 = 0x03;
const SETTINGS: u64 = 0x04;
const GOAWAY: u64 = 0x07;
const MAX_PUSH_ID: u64 = 0x0D;

/// What has come of a control stream.
#[derive(Debug, Default)]
pub(crate) struct ControlPieces {
    has_settings: bool,
    /// The frame under way, and how many of its octets are missing.
    frame: Option<(Content, u64)>,
    head: Vec<u8>,
    payload: Vec<u8>,
    goaway: Option<u64>,
    max_push: Option<u64>,
}

/// What a frame is for.
#[derive(Clone, Copy, Debug)]
enum Content {
    Settings,
    Goaway,
    MaxPush,
    Ignored,
}

impl ControlPieces {
    /// Octets in memory.
    pub(crate) fn held(&self) -> usize {
        self.head.len() + self.payload.len()
    }

    pub(crate) fn put(&mut self, mut piece: &[u8], budget: &mut Budget) -> Result<(), Http3Fault> {
        while let Some((first, rest)) = piece.split_first() {
            match self.frame {
                Some((content, missing)) => {
                    let length = usize::try_from(missing).unwrap_or(usize::MAX).min(piece.len());
                    let (octets, rest) = piece.split_at(length);
                    if !matches!(content, Content::Ignored) {
                        self.payload.extend_from_slice(octets);
                    }
                    self.frame = Some((content, missing - length as u64));
                    piece = rest;
                }
                None => {
                    self.head.push(*first);
                    piece = rest;
                    self.begin(budget)?;
                }
            }
            self.finish()?;
        }
        Ok(())
    }

    /// Begins a frame once its head is whole.
    fn begin(&mut self, budget: &mut Budget) -> Result<(), Http3Fault> {
        let mut head = &self.head[..];
        let (Some(kind), Some(length)) = (varint::read(&mut head), varint::read(&mut head)) else {
            return Ok(());
        };
        self.head.clear();
        budget.take_frame()?;
        let content = self.content(kind)?;
        if let Content::Ignored = content {
            budget.ignore(length)?;
        } else if length > MAX_CONTROL_FRAME as u64 {
            return Err(Http3Fault::ControlFrameTooLong);
        }
        self.frame = Some((content, length));
        Ok(())
    }

    /// What a kind of frame means here (RFC 9114 section 7.2).
    fn content(&mut self, kind: u64) -> Result<Content, Http3Fault> {
        if !self.has_settings && kind != SETTINGS {
            return Err(Http3Fault::MissingSettings);
        }
        match kind {
            SETTINGS if !self.has_settings => {
                self.has_settings = true;
                Ok(Content::Settings)
            }
            GOAWAY => Ok(Content::Goaway),
            MAX_PUSH_ID => Ok(Content::MaxPush),
            // No push was ever promised (RFC 9114 section 7.2.3).
            CANCEL_PUSH => Err(Http3Fault::Identifier),
            // Settings again, frames of requests, and those of HTTP/2.
            0x00..=0x09 => Err(Http3Fault::FrameUnexpected),
            _ => Ok(Content::Ignored),
        }
    }

    /// Ends a frame of which nothing is missing.
    fn finish(&mut self) -> Result<(), Http3Fault> {
        let Some((content, 0)) = self.frame else { return Ok(()) };
        self.frame = None;
        let payload = std::mem::take(&mut self.payload);
        match content {
            Content::Settings => settings::judge(&payload),
            Content::Goaway => {
                let id = read_identifier(&payload)?;
                let before = self.goaway.replace(id);
                judge_order(before.is_none_or(|before| id <= before))
            }
            Content::MaxPush => {
                let id = read_identifier(&payload)?;
                let before = self.max_push.replace(id);
                judge_order(before.is_none_or(|before| id >= before))
            }
            Content::Ignored => Ok(()),
        }
    }
}

/// The one integer of a frame.
fn read_identifier(mut payload: &[u8]) -> Result<u64, Http3Fault> {
    let identifier = varint::read(&mut payload).ok_or(Http3Fault::FrameMalformed)?;
    if payload.is_empty() { Ok(identifier) } else { Err(Http3Fault::FrameMalformed) }
}

/// GOAWAY only falls and MAX_PUSH_ID only grows (RFC 9114 section 5.2 and 7.2.7).
fn judge_order(is_kept: bool) -> Result<(), Http3Fault> {
    if is_kept { Ok(()) } else { Err(Http3Fault::Identifier) }
}
