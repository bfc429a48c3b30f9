//! Past resolutions in little memory, and verdicts on the cause of a slow or failed answer.
//!
//! A [`ResolutionRecord`] is a client question: one that was no plain hit, or one of a sample of hits. The record has the
//! hops on the way to the end, and the state of the line at that time. [`History`] keeps records as octets, the last
//! hundred thousand in less than 10 MB, and finds the records of a name, a client or a time in milliseconds. [`judge`] is
//! pure: from a record and the records around it ([`Surroundings`]) to a verdict in a sentence, with the evidence.
//!
//! # How records lie in memory
//!
//! Records lie in segments. Each segment has dictionaries for names, servers and clients, so that the oldest segment can
//! be dropped as a whole. A record is a sequence of variable-length numbers: numbers of dictionary entries, and times in
//! tenths of a millisecond. Before a segment is dropped, the failed and the slowest records of each hour are copied to a
//! segment for this hour; a quarter of the memory is for such segments.
//!
//! Nothing here reads a clock, opens a file or starts a thread. Unreadable records are left out.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//!
//! use zoners_api::{DnssecStatus, QueryOutcome};
//! use zoners_dns::{OptRcode, Rtype, Transport, name};
//! use zoners_history::{History, LineState, RecordFilter, ResolutionRecord};
//!
//! let mut history = History::new(1 << 20);
//! let name = name::parse("www.example.com").unwrap();
//! history.add(&ResolutionRecord {
//!     received_s: 1_800_000_000,
//!     client: "192.0.2.7".parse().unwrap(),
//!     transport: Transport::Udp,
//!     name: name.clone(),
//!     rtype: Rtype::A,
//!     outcome: QueryOutcome::Recursed,
//!     rcode: Some(OptRcode::NOERROR),
//!     reason: None,
//!     failure: None,
//!     dnssec: DnssecStatus::Insecure,
//!     took: Duration::from_millis(31),
//!     line: LineState::default(),
//!     hops: Vec::new(),
//!     more_hops: 0,
//! });
//! let found = history.find(&RecordFilter { name: Some(name), ..RecordFilter::default() }, 10);
//! assert_eq!(found[0].took, Duration::from_millis(31));
//! ```

mod history;
mod hop;
pub mod octets;
mod ranking;
mod record;
mod report;
mod segment;
mod surroundings;
mod verdict;
mod waits;
mod worst;

pub use history::{History, HistorySnapshot, MAX_RECORDS, RecordFilter, RestoredRecords};
pub use hop::{AskReason, HopEnd, HopEvent, HopRecord, ReplyEnd, ServerRecord, ServerTrouble};
pub use ranking::{TroubleKind, ranking};
pub use record::{FailureKind, LineObstacle, LineState, MAX_HOPS, ResolutionRecord};
pub use report::{past_query, resolution_report};
pub use surroundings::{SURROUNDING_SECONDS, Surroundings};
pub use verdict::judge;
pub use waits::own_time;
