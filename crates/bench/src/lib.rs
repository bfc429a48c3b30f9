//! Measuring resolvers as a person meets them: a list of names is asked for, and what came of it is
//! told, kept, and set beside what came of it before.
//!
//! Who is asked is a [`Target`]; this crate opens no socket.

pub mod baseline;
pub mod compare;
pub mod figures;
pub mod names;
pub mod run;
pub mod sample;
pub mod statistics;
pub mod target;

pub use baseline::{Environment, Record, Store};
pub use compare::{Comparison, Verdict};
pub use figures::{Domain, Figures, Summary};
pub use names::Names;
pub use run::{Load, Plan, Stop, Watcher};
pub use sample::{Phase, Sample};
pub use target::{Ending, Hop, Part, Target, Told};
