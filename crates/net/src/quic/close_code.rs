//! Error codes of DNS over QUIC, and of HTTP/3.

use quinn_proto::VarInt;

/// The reason for the end of a connection or a stream (RFC 9250 section 8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum CloseCode {
    /// DOQ_NO_ERROR: nothing is wrong.
    NoError = 0,
    /// DOQ_INTERNAL_ERROR: the server cannot answer.
    InternalError = 1,
    /// DOQ_PROTOCOL_ERROR: the client broke the rules of the protocol.
    ProtocolError = 2,
    /// DOQ_REQUEST_CANCELLED: the client wants no answer any more.
    RequestCancelled = 3,
    /// DOQ_EXCESSIVE_LOAD: the client takes more than its share.
    ExcessiveLoad = 4,
}

impl CloseCode {
    /// The code of HTTP/3 for this reason (RFC 9114 section 8.1).
    pub(super) fn over_http3(self) -> VarInt {
        VarInt::from_u32(match self {
            CloseCode::NoError => 0x100,
            CloseCode::ProtocolError => 0x101,
            CloseCode::InternalError => 0x102,
            CloseCode::ExcessiveLoad => 0x107,
            CloseCode::RequestCancelled => 0x10C,
        })
    }
}

impl From<CloseCode> for VarInt {
    fn from(code: CloseCode) -> Self {
        VarInt::from_u32(code as u32)
    }
}
