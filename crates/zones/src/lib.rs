//! Zones of which this process has a copy: from a zone file to the answers of an authoritative server.
//!
//! A [`ZoneBuilder`] collects records, of a [`file`](mod@file) for example. The finished [`AuthoritativeZone`] never
//! changes and answers as RFC 1034 section 4.3.2 says, with wildcards (RFC 4592), DNAME (RFC 6672), referrals, and the
//! proofs of a signed zone (RFC 4035 section 3.1, RFC 5155 section 7.2). A [`ZoneTable`] has all zones of a process.
//!
//! A zone may come from a primary server, too: [`transfer`] reads AXFR and IXFR, [`tsig`] signs and verifies messages,
//! [`RefreshSchedule`] says when to ask, [`saved`] keeps a copy, and [`zonemd`] verifies a zone as a whole. A zone whose
//! names nobody asks for is [`stored`] on the disk alone.
//!
//! This crate opens no file and no socket: texts and messages come in as octets, and no function reads a clock.
//!
//! ```
//! use zoners_dns::{Rtype, name};
//! use zoners_zones::{ReplyKind, file};
//!
//! let text = "@ 3600 SOA ns hostmaster 1 3600 600 604800 300\n@ NS ns\nns A 192.168.1.2\n*.dev CNAME ns\n";
//! let zone = file::load(&name::parse("home.example").unwrap(), text, 1 << 20).unwrap();
//! let reply = zone.reply(&name::parse("shop.dev.home.example").unwrap(), Rtype::A);
//! assert_eq!(reply.kind, ReplyKind::Answer);
//! assert_eq!(reply.answer.len(), 2, "the alias and its target");
//! ```

mod builder;
mod denial;
pub mod file;
mod lookup;
mod records;
mod refresh;
mod reply;
pub mod saved;
pub mod serial;
pub mod stored;
mod table;
pub mod transfer;
pub mod tsig;
mod version;
mod zone;
pub mod zonemd;

pub use builder::ZoneBuilder;
pub use refresh::RefreshSchedule;
pub use reply::{ReplyKind, ZoneReply};
pub use table::{ZoneCopy, ZoneTable};
pub use version::ZoneVersion;
pub use zone::{AuthoritativeZone, Soa};
