//! Server selection: the choice of the next server of a zone by estimated latency.
//!
//! Three verbs, and nothing beside them:
//!
//! - choose: [`Candidates::choose`](candidates::Candidates::choose) gives the next attempt at the servers of a zone, in
//!   the order of their estimates;
//! - observe: [`observe`](observation::observe) takes what an attempt shows of its server, for every estimate that
//!   learns from it;
//! - report: [`report`](report::report) tells people why a server is used or not.
//!
//! Imports `cached`, `env`, `infra` and `model`.

pub(crate) mod addresses;
pub(crate) mod candidates;
pub(crate) mod observation;
pub(crate) mod question_uplinks;
pub(crate) mod report;
#[cfg(test)]
mod test_env;
