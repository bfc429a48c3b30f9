//! Measures resolvers as a user meets them: asks a list of names, and reports, saves and compares
//! the results.
//!
//! A [`Target`] answers the questions; this crate opens no socket.

pub mod baseline;
pub mod compare;
pub mod diagnosis;
pub mod figures;
pub mod names;
pub mod nameservers;
pub mod providers;
pub mod ramp;
pub mod report;
pub mod run;
pub mod sample;
pub mod statistics;
pub mod target;
pub mod way;

pub use baseline::{Environment, Record, Store};
pub use compare::{Circumstances, Comparison, Verdict};
pub use diagnosis::{Finding, Suspect};
pub use figures::{Domain, Figures, Summary};
pub use names::Names;
pub use nameservers::Nameserver;
pub use providers::Provider;
pub use ramp::Ramp;
pub use report::Report;
pub use run::{Load, Plan, Stop, Watcher};
pub use sample::{Phase, Sample};
pub use target::{Came, Ending, Exchange, ExchangeEnd, Hop, Part, Target, Told};
pub use way::Way;
