//! The strategy on each network: how questions become answers where the network blocks, intercepts or captures DNS.
//!
//! [`StrategyMachine`] takes in evidence ([`NetworkEvidence`]) and says which [`Strategy`] is in force and which probes
//! ([`Probe`]) are due. Nothing here sends a packet or reads a clock: the time is an argument, so that hours of a network
//! are tested in no time.
//!
//! # Examples
//!
//! A network blocks DNS to foreign servers, and its own resolver passes DNSSEC records on:
//!
//! ```
//! use zoners_dns::Moment;
//! use zoners_networks::{
//!     NetworkEvidence, Probe, RecursionOutcome, ResolverQuality, Strategy, StrategyMachine, StrategyTerms,
//! };
//!
//! let (terms, now) = (StrategyTerms::default(), Moment::from_millis(1));
//! let mut machine = StrategyMachine::new(terms);
//! machine.enter(Some("1f3a".to_owned()), now);
//! assert_eq!(machine.due(now), [Probe::Portal, Probe::Resolver, Probe::Recursion]);
//!
//! machine.observe(NetworkEvidence::Recursion(RecursionOutcome::Unanswered), now);
//! machine.observe(NetworkEvidence::Resolver(ResolverQuality::Validatable), now);
//! assert_eq!(machine.strategy(), Strategy::ForwardValidating);
//! ```

mod backoff;
mod evidence;
mod machine;
mod memory;
mod portal;
mod portal_session;
mod strategy;

pub use evidence::{
    NetworkEvidence, PathCondition, PortalVerdict, Probe, RecursionOutcome, ResolverQuality,
};
pub use machine::{StrategyMachine, StrategyTerms};
pub use memory::{MAX_NETWORKS, NetworkMemory, RememberedNetwork};
pub use portal::{PortalReply, host_of, judge_reply};
pub use portal_session::{NO_PORTAL_API, PORTAL_API_TYPE, PortalSession};
pub use strategy::Strategy;
