//! Third-party scenarios: scripts of what a network answers and what a resolver must then say, in
//! the dialect that Unbound's testbound and Deckard share.
//!
//! [`parse`] reads a file, [`entry`] matches and makes messages, [`network`] is the scripted
//! network. Whoever has a resolver drives the steps.

pub mod entry;
pub mod network;
pub mod parse;
mod records;

pub use entry::Entry;
pub use network::ScriptedNetwork;
pub use parse::{Action, Dialect, Range, Scenario, Step};
pub use records::records;
