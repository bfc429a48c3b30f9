//! From a question to an answer.
//!
//! The algorithm of RFC 1034 section 5.3.3, in files by idea and in the order a question meets
//! them: [`Worker::resolve`] takes the client's question, [`mod@known`] looks into the cache,
//! [`mod@flights`] joins those who ask the same, [`mod@alias`] follows CNAME and DNAME,
//! [`mod@iterate`] walks from the deepest known zone cut down, [`mod@race`] asks the servers of a
//! zone beside each other, [`mod@candidates`] chooses whom, [`mod@exchange`] asks one,
//! [`mod@scrub`] drops what a server had no right to say and [`mod@judge`] says what the rest
//! means.
//!
//! The resolver is `async` and generic over [`zoners_dns::Network`]. It opens no socket, starts no
//! thread and reads no environment; its randomness and its clock are handed in, and its timers are
//! tokio's. So the same seed gives the same trace.

mod aggressive;
pub mod alias;
pub mod answer;
pub mod budget;
pub mod candidates;
pub mod clock_doubt;
pub mod context;
mod cookies;
mod ds;
pub mod exchange;
pub mod flights;
mod habits;
pub mod iterate;
pub mod judge;
pub mod known;
mod line;
mod lines;
pub mod minimise;
pub mod nameservers;
pub mod negative_anchors;
pub mod nursery;
pub mod passage;
pub mod paths;
mod pending;
mod prefetch;
mod pricing;
pub mod priming;
mod questions;
mod quotas;
pub mod race;
mod recent;
mod renewals;
mod repeats;
pub mod reports;
pub mod scrub;
mod second_level;
mod sentinel;
pub mod settings;
pub mod shared;
pub mod silences;
mod spare;
mod stale;
pub mod standing;
mod strangers;
mod together;
pub mod trace;
mod tries;
mod trust;
mod validate;
pub mod verdict;
mod verification;
mod witness;
mod work;
pub mod worker;

pub use answer::{Answer, Cause, Unresolved};
pub use known::Lack;
pub use settings::{Glue, Limits, Settings};
pub use shared::{Event, Shared};
pub use silences::SilentZone;
pub use standing::Standing;
pub use trace::{Hop, Step, Trace};
pub use worker::{Resolution, Worker};
