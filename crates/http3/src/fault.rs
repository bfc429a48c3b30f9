//! What is wrong with the octets of a peer, and the code that tells the peer.

/// A fault in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http3Fault {
    /// A frame has no place on this stream, or not at this point of the message.
    FrameUnexpected,
    /// The stream ends within a frame.
    FrameIncomplete,
    /// The stream ends before the fields of the request.
    RequestIncomplete,
    /// QPACK that no encoder without a dynamic table writes.
    Compression,
    /// The fields exceed [`MAX_SECTION`](crate::MAX_SECTION).
    SectionTooLong,
    /// More fields than [`MAX_FIELDS`](crate::MAX_FIELDS).
    TooManyFields,
    /// The body exceeds [`MAX_BODY`](crate::MAX_BODY).
    BodyTooLong,
    /// More frames than [`MAX_FRAMES`](crate::MAX_FRAMES).
    TooManyFrames,
    /// More octets without meaning than [`MAX_IGNORED`](crate::MAX_IGNORED).
    TooManyIgnored,
}

impl Http3Fault {
    /// The error code of RFC 9114 section 8.1 or RFC 9204 section 6.
    pub fn code(self) -> u64 {
        match self {
            Self::FrameUnexpected => 0x105,
            Self::FrameIncomplete => 0x106,
            Self::RequestIncomplete => 0x10D,
            Self::Compression => 0x200,
            Self::SectionTooLong
            | Self::TooManyFields
            | Self::BodyTooLong
            | Self::TooManyFrames
            | Self::TooManyIgnored => 0x107,
        }
    }

    /// Whether the connection ends, and not the stream alone.
    ///
    /// RFC 9114 section 7.1 and 7.2 and RFC 9204 section 2.2 ask for this; the limits bind a stream each.
    pub fn ends_connection(self) -> bool {
        matches!(self, Self::FrameUnexpected | Self::FrameIncomplete | Self::Compression)
    }
}

impl std::fmt::Display for Http3Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::FrameUnexpected => "a frame without a place here",
            Self::FrameIncomplete => "the stream ends within a frame",
            Self::RequestIncomplete => "the stream ends before the fields",
            Self::Compression => "fields that are not QPACK",
            Self::SectionTooLong => "fields too long",
            Self::TooManyFields => "too many fields",
            Self::BodyTooLong => "body too long",
            Self::TooManyFrames => "too many frames",
            Self::TooManyIgnored => "too many octets without meaning",
        })
    }
}

impl std::error::Error for Http3Fault {}
