//! Why a transfer is of no use.

use std::fmt;

use zoners_dns::{MessageError, Rcode};

use crate::tsig::TsigFault;

/// Why a transfer is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferFault {
    /// A message cannot be read.
    Malformed(MessageError),
    /// A message is no reply to the request.
    NoReply,
    /// The primary refuses the transfer.
    Refused(Rcode),
    /// A message has no record.
    Empty,
    /// The transfer does not begin with the SOA record of the zone.
    NoSoa,
    /// An SOA record cannot be read.
    BrokenSoa,
    /// The SOA record at the end differs from the one at the beginning.
    ChangedMeanwhile,
    /// Records come after the end.
    AfterEnd,
    /// The differences do not fit the version at hand.
    Diverges,
    /// The transfer has more octets than this limit.
    TooLong(usize),
    /// The records are no zone, or too large a zone.
    Zone(String),
    /// The primary has an older version than we have.
    OlderSerial {
        /// The serial at hand.
        known: u32,
        /// The serial of the primary.
        received: u32,
    },
    /// A message is not signed as it must be.
    Tsig(TsigFault),
}

impl TransferFault {
    /// Whether a request for the whole zone may do where the request for differences did not.
    #[must_use]
    pub fn needs_whole_zone(&self) -> bool {
        match self {
            // A server without IXFR refuses with one of these RCODEs (RFC 1995 section 4).
            TransferFault::Refused(rcode) => {
                matches!(*rcode, Rcode::NOTIMP | Rcode::FORMERR | Rcode::REFUSED | Rcode::SERVFAIL)
            }
            TransferFault::Diverges
            | TransferFault::Zone(_)
            | TransferFault::Empty
            | TransferFault::AfterEnd
            | TransferFault::NoSoa => true,
            TransferFault::Malformed(_)
            | TransferFault::NoReply
            | TransferFault::BrokenSoa
            | TransferFault::ChangedMeanwhile
            | TransferFault::TooLong(_)
            | TransferFault::OlderSerial { .. }
            | TransferFault::Tsig(_) => false,
        }
    }
}

impl fmt::Display for TransferFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransferFault::Malformed(error) => write!(f, "a malformed message: {error}"),
            TransferFault::NoReply => f.write_str("a message that is no reply to the request"),
            TransferFault::Refused(rcode) => write!(f, "the primary refuses: {rcode}"),
            TransferFault::Empty => f.write_str("a message without a record"),
            TransferFault::NoSoa => f.write_str("does not begin with the SOA record of the zone"),
            TransferFault::BrokenSoa => f.write_str("a malformed SOA record"),
            TransferFault::ChangedMeanwhile => {
                f.write_str("ends with another SOA record than it began with")
            }
            TransferFault::AfterEnd => f.write_str("records after the end"),
            TransferFault::Diverges => {
                f.write_str("the differences do not fit the version at hand")
            }
            TransferFault::TooLong(limit) => write!(f, "longer than {limit} octets"),
            TransferFault::Zone(what) => f.write_str(what),
            TransferFault::OlderSerial { known, received } => {
                write!(f, "the primary has serial {received}, which is older than {known}")
            }
            TransferFault::Tsig(fault) => fault.fmt(f),
        }
    }
}

impl From<TsigFault> for TransferFault {
    fn from(fault: TsigFault) -> Self {
        TransferFault::Tsig(fault)
    }
}

impl From<MessageError> for TransferFault {
    fn from(error: MessageError) -> Self {
        TransferFault::Malformed(error)
    }
}
