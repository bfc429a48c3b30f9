//! What is wrong with the octets of a peer, and the code that tells the peer.

/// A fault in a request, or in the streams beside the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http3Fault {
    /// A frame has no place on this stream, or not at this point of the message.
    FrameUnexpected,
    /// The stream ends within a frame.
    FrameIncomplete,
    /// The stream ends before the fields of the request.
    RequestIncomplete,
    /// The fields of the request are malformed.
    Message,
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
    /// The content of a frame is not what its kind asks for.
    FrameMalformed,
    /// A second critical stream of one kind, or a push from a client.
    StreamUnexpected,
    /// A stream ends that lives as long as the connection.
    CriticalStreamClosed,
    /// The control stream begins without settings.
    MissingSettings,
    /// A setting of HTTP/2, or one setting twice.
    Settings,
    /// An identifier that goes back on an earlier one, or a push that was never promised.
    Identifier,
    /// Something on QPACK's encoder stream that an empty dynamic table forbids.
    EncoderStream,
    /// Something on QPACK's decoder stream that an empty dynamic table forbids.
    DecoderStream,
    /// A control frame exceeds [`MAX_CONTROL_FRAME`](crate::MAX_CONTROL_FRAME).
    ControlFrameTooLong,
    /// More frames than [`MAX_CONTROL_FRAMES`](crate::MAX_CONTROL_FRAMES) without a request.
    TooManyControlFrames,
    /// More octets than [`MAX_CONTROL_IGNORED`](crate::MAX_CONTROL_IGNORED) without a request.
    TooManyControlIgnored,
    /// More unidirectional streams than [`MAX_CLIENT_STREAMS`](crate::MAX_CLIENT_STREAMS) without a request.
    TooManyStreams,
    /// The client leaves no room for the control stream of the server.
    NoControlStream,
}

impl Http3Fault {
    /// The error code of RFC 9114 section 8.1 or RFC 9204 section 6.
    pub fn code(self) -> u64 {
        match self {
            Self::NoControlStream => 0x101,
            Self::FrameUnexpected => 0x105,
            Self::FrameIncomplete | Self::FrameMalformed => 0x106,
            Self::StreamUnexpected => 0x103,
            Self::CriticalStreamClosed => 0x104,
            Self::Identifier => 0x108,
            Self::Settings => 0x109,
            Self::MissingSettings => 0x10A,
            Self::RequestIncomplete => 0x10D,
            Self::Message => 0x10E,
            Self::Compression => 0x200,
            Self::EncoderStream => 0x201,
            Self::DecoderStream => 0x202,
            Self::SectionTooLong
            | Self::TooManyFields
            | Self::BodyTooLong
            | Self::TooManyFrames
            | Self::TooManyIgnored
            | Self::ControlFrameTooLong
            | Self::TooManyControlFrames
            | Self::TooManyControlIgnored
            | Self::TooManyStreams => 0x107,
        }
    }

    /// Whether a limit was exceeded, and no rule broken.
    pub fn is_excess(self) -> bool {
        self.code() == 0x107
    }

    /// Whether the connection ends, and not the stream alone.
    ///
    /// The streams beside the requests belong to the whole connection; the limits of a request bind its stream alone.
    pub fn ends_connection(self) -> bool {
        !matches!(
            self,
            Self::RequestIncomplete
                | Self::Message
                | Self::SectionTooLong
                | Self::TooManyFields
                | Self::BodyTooLong
                | Self::TooManyFrames
                | Self::TooManyIgnored
        )
    }
}

impl std::fmt::Display for Http3Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::FrameUnexpected => "a frame without a place here",
            Self::FrameIncomplete => "the stream ends within a frame",
            Self::RequestIncomplete => "the stream ends before the fields",
            Self::Message => "malformed fields",
            Self::Compression => "fields that are not QPACK",
            Self::SectionTooLong => "fields too long",
            Self::TooManyFields => "too many fields",
            Self::BodyTooLong => "body too long",
            Self::TooManyFrames => "too many frames",
            Self::TooManyIgnored => "too many octets without meaning",
            Self::FrameMalformed => "a frame with the wrong content",
            Self::StreamUnexpected => "a stream without a place here",
            Self::CriticalStreamClosed => "a critical stream closed",
            Self::MissingSettings => "no settings first",
            Self::Settings => "a forbidden setting",
            Self::Identifier => "an identifier out of order",
            Self::EncoderStream => "an encoder with a dynamic table",
            Self::DecoderStream => "a decoder with a dynamic table",
            Self::ControlFrameTooLong => "a control frame too long",
            Self::TooManyControlFrames => "too many control frames",
            Self::TooManyControlIgnored => "too many octets beside requests",
            Self::TooManyStreams => "too many streams beside requests",
            Self::NoControlStream => "no room for a control stream",
        })
    }
}

impl std::error::Error for Http3Fault {}
