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
pub mod time_parts;

pub use baseline::{Environment, SavedRun, Store};
pub use compare::{Circumstances, Comparison, ComparisonVerdict};
pub use diagnosis::{Diagnosis, Suspect};
pub use figures::{Domain, Figures, Summary};
pub use names::NameList;
pub use nameservers::Nameserver;
pub use providers::Provider;
pub use ramp::Ramp;
pub use report::BenchReport;
pub use run::{LoadShape, Plan, Stop, Watcher};
pub use sample::{Phase, Sample};
pub use target::{
    AnswerHop, Came, ExchangeEnd, Part, QuestionOutcome, Target, TargetAnswer, UpstreamExchange,
};
pub use time_parts::TimeParts;
