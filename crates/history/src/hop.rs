//! A hop on the way to an answer.

use std::net::SocketAddr;
use std::time::Duration;

use zoners_dns::{Name, Rtype, Transport, name};

/// An enum without fields. The octet of a variant is its place in the list, so new variants are added at the end.
macro_rules! octet_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every variant.
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            pub(crate) const fn to_octet(self) -> u8 {
                self as u8
            }

            pub(crate) fn of_octet(octet: u8) -> Option<Self> {
                $name::ALL.get(usize::from(octet)).copied()
            }
        }
    };
}
pub(crate) use octet_enum;

/// Something on the way to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HopRecord {
    /// From the query to the beginning of the hop.
    pub begun: Duration,
    /// From the beginning to the end; of a hop under way, to the end of the query.
    pub took: Duration,
    /// How many look-ups of nameservers the hop is nested in, at most 7.
    pub depth: u8,
    /// The zone that was asked.
    pub zone: Name,
    /// The type in the question to its servers.
    pub rtype: Rtype,
    /// The event.
    pub event: HopEvent,
}

/// The event of a hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HopEvent {
    /// A server was asked.
    Asked {
        /// The server.
        server: ServerRecord,
        /// Why this server, and why then.
        reason: AskReason,
        /// How the query ended.
        end: HopEnd,
    },
    /// The same question was under way already, and was waited for.
    Waited,
    /// A server was left out, because of its earlier faults.
    Skipped {
        /// The server, without a name.
        server: ServerRecord,
        /// The fault.
        trouble: ServerTrouble,
    },
}

/// A server of a hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRecord {
    /// The name; the root where only the address is known.
    pub name: Name,
    /// The address.
    pub address: SocketAddr,
    /// The transport.
    pub transport: Transport,
}

impl ServerRecord {
    /// The operator of the server, as far as the name shows; else the address.
    #[must_use]
    pub fn provider(&self) -> String {
        if self.name.is_root() {
            return self.address.ip().to_string();
        }
        name::operator_domain(&self.name.to_string()).to_owned()
    }
}

octet_enum! {
    /// Why a server was asked.
    AskReason {
        /// The best by estimated latency.
        First,
        /// Further servers were late or failed.
        Next,
        /// Asked a second time.
        Again,
        /// To learn of an unknown server.
        Explore,
        /// To learn whether an address family or UDP works again.
        Probe,
        /// The only way known.
        Only,
        /// For another reason.
        Other,
    }
}

octet_enum! {
    /// Why a server was left out.
    ServerTrouble {
        /// No reply came.
        Timeout,
        /// The connection was refused.
        Refused,
        /// The address could not be reached.
        Unreachable,
        /// The server does not serve the zone.
        Lame,
        /// The reply was SERVFAIL.
        ServFail,
        /// The reply was FORMERR, or unreadable.
        FormErr,
        /// The reply could not be proven.
        Bogus,
        /// The server did not prove its identity.
        Untrusted,
        /// TLS failed.
        Handshake,
        /// The server over HTTPS sent no DNS message.
        Http,
    }
}

/// How a query to a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HopEnd {
    /// A useful or a useless reply, or none.
    Reply(ReplyEnd),
    /// A reply with an RCODE that says nothing about the name.
    Rcode(u8),
}

octet_enum! {
    /// The end of a query without a failing RCODE.
    ReplyEnd {
        /// No reply when the client's query ended.
        Pending,
        /// A different server was quicker.
        Outpaced,
        /// Records.
        Records,
        /// An alias.
        Alias,
        /// The name exists without the type.
        NoData,
        /// The name does not exist.
        NxDomain,
        /// A referral to a zone below.
        Referral,
        /// A limit of the client query ended the wait.
        Exhausted,
        /// No reply in time.
        Timeout,
        /// The port is closed.
        PortClosed,
        /// The address cannot be reached.
        Unreachable,
        /// The connection ended before the reply.
        ConnectionClosed,
        /// This machine had no socket left.
        NoSocket,
        /// The reply is unreadable.
        Malformed,
        /// No message was a reply to the query.
        NoReply,
        /// So many messages were no reply that the port was given up.
        Flooded,
        /// The server does not serve the zone.
        Lame,
        /// Neither answer nor denial nor referral.
        Empty,
        /// A bare NXDOMAIN, without AA and SOA.
        BareDenial,
        /// A referral to the zone of the server itself.
        Sideways,
        /// The server did not prove its identity, and was not asked.
        Untrusted,
        /// TLS failed.
        Handshake,
        /// The server over HTTPS sent no DNS message.
        Http,
    }
}

/// Codes from here on are those of RCODEs.
const FIRST_RCODE: u8 = 64;

impl HopEnd {
    pub(crate) fn to_octet(self) -> u8 {
        match self {
            HopEnd::Reply(end) => end.to_octet(),
            HopEnd::Rcode(code) => FIRST_RCODE.saturating_add(code),
        }
    }

    pub(crate) fn of_octet(octet: u8) -> Option<Self> {
        match octet.checked_sub(FIRST_RCODE) {
            Some(code) => Some(HopEnd::Rcode(code)),
            None => ReplyEnd::of_octet(octet).map(HopEnd::Reply),
        }
    }

    /// Whether the reply answered, denied or referred.
    #[must_use]
    pub fn is_useful(self) -> bool {
        use ReplyEnd::{Alias, NoData, NxDomain, Records, Referral};
        matches!(self, HopEnd::Reply(Records | Alias | NoData | NxDomain | Referral))
    }

    /// Whether nothing came from the server.
    #[must_use]
    pub fn is_silent(self) -> bool {
        use ReplyEnd::{Flooded, NoReply, Pending, Timeout};
        matches!(self, HopEnd::Reply(Pending | Timeout | NoReply | Flooded))
    }

    /// Whether the network said that the server cannot be reached.
    #[must_use]
    pub fn is_unreachable(self) -> bool {
        use ReplyEnd::{PortClosed, Unreachable};
        matches!(self, HopEnd::Reply(PortClosed | Unreachable))
    }

    /// Whether the server is at fault: a useless reply, a failed handshake, a connection closed early.
    #[must_use]
    pub fn is_faulty(self) -> bool {
        use ReplyEnd::{
            BareDenial, ConnectionClosed, Empty, Handshake, Http, Lame, Malformed, Sideways,
            Untrusted,
        };
        match self {
            HopEnd::Rcode(_) => true,
            HopEnd::Reply(
                BareDenial | ConnectionClosed | Empty | Lame | Malformed | Sideways | Handshake
                | Http | Untrusted,
            ) => true,
            HopEnd::Reply(_) => false,
        }
    }
}

impl HopRecord {
    /// The server that was asked, and the end of the query; `None` for other events.
    #[must_use]
    pub fn asked(&self) -> Option<(&ServerRecord, HopEnd)> {
        match &self.event {
            HopEvent::Asked { server, end, .. } => Some((server, *end)),
            HopEvent::Waited | HopEvent::Skipped { .. } => None,
        }
    }

    /// From the query to the end of the hop.
    #[must_use]
    pub fn ended(&self) -> Duration {
        self.begun + self.took
    }
}
