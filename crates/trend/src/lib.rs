//! A year of latencies by provider and server, and what changed when.
//!
//! A [`Baseline`] takes in the resolutions of the history ([`Baseline::observe`]) and keeps, for each ten minutes of three
//! days and each hour of a year, the median round trip to each server and the resolver's own time. As an hour ends, the
//! hour is compared with the usual latencies of the same network, and a lasting difference becomes a [`LatencyChange`]: of
//! a provider, of the line, of IPv4 or IPv6 alone, or of the resolver. [`Baseline::report`] says in words what changed.
//!
//! # How a change is found
//!
//! Each server is its own control, as in `bench`: a latency counts as the difference from the server's usual latency. The
//! difference common to all providers belongs to the line, and what a provider differs beyond belongs to the provider.
//! The rhythm of the day is subtracted. A change must pass three tests over the last 8, 16 or 24 hours with replies: the
//! signed ranks of `bench` exclude chance, a user would feel the difference, and the difference is greater than everything
//! that the same subject did in the month before in as many hours. The last test stands in for a model of the noise:
//! latencies of neighbouring hours depend on each other, which the signed ranks do not know.
//!
//! # What lies on the disk
//!
//! The file has numbers and no names: servers, providers and networks are keyed hashes ([`Numbering`]). A provider of a
//! single domain would stand for a name that a client asked for, so a provider is written only after replies for three
//! zones, none above another, or for a top-level domain. A name is known again after a reply of the provider.
//!
//! Nothing here reads a clock, opens a file or starts a thread.

mod archive;
mod baseline;
mod change;
mod detection;
mod directory;
mod latency;
mod levels;
mod measurement;
mod numbering;
mod period;
mod report;
mod saved;
mod series;
mod words;

pub use baseline::Baseline;
pub use change::{LatencyChange, TrendSubject};
pub use numbering::Numbering;
pub use saved::RestoredBaseline;
