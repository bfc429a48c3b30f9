//! Third-party scenarios: scripts of a network's answers and of the replies expected from a
//! resolver, in the dialect that Unbound's testbound and Deckard share.
//!
//! [`parse`] reads a file, [`entry`] matches and makes messages, [`network`] is the scripted
//! network. The caller has the resolver and drives the steps.

pub mod entry;
pub mod network;
pub mod parse;
mod records;

pub use entry::Entry;
pub use network::ScriptedNetwork;
pub use parse::{Action, Dialect, Range, Scenario, ScenarioStep};
pub use records::records;
