//! From a question to an answer.
//!
//! The algorithm of RFC 1034 section 5.3.3, in rooms. A room imports those above it in this list and no other; the test
//! `circles` of the crate `zoners` holds the rooms to this order:
//!
//! 1. `model`: the vocabulary: settings, budget, the context of a step, answers, replies, trace, flights.
//! 2. `infra`: the infra cache beside `zoners_cache`: RTT estimates, uplinks, reachability, quotas, silent zones.
//! 3. `env`: the environment of each step: network, shared state, settings, counters, single flight.
//! 4. `cached`: answers out of the cache alone, aggressive NSEC, and what goes into the cache.
//! 5. `selection`: server selection, the choice of the next server of a zone by estimated latency.
//! 6. `ask`: the race between servers of one zone, the exchange with one server, what its reply means.
//! 7. `iterate`: the walk from the deepest known zone cut down, with QNAME minimisation.
//! 8. `validate`: DNSSEC proofs, with keys built from a trust anchor down.
//! 9. `resolve`: from the client's question to the answer, along its aliases; serve-stale, prefetch, second level.
//!
//! The resolver is `async` and generic over [`zoners_dns::Network`]. It opens no socket, starts no
//! thread and reads no environment; randomness and clock are handed in, and timers are tokio's. So
//! the same seed gives the same trace.
//!
//! # Examples
//!
//! Two clients ask a simulated Internet for one name at the same time. They share one flight (single flight), and
//! the root server sees the top-level domain alone (QNAME minimisation):
//!
//! ```
//! use std::sync::Arc;
//!
//! use zoners_cache::{Cache, TtlLimits};
//! use zoners_dns::{Counter, Counters, Delegation, Question, Random, Rtype, name, zonefile};
//! use zoners_resolver::{Resolver, Settings, Shared};
//! use zoners_sim::{SimClock, world};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
//! let internet = world::small(1);
//! let hints = zonefile::root_hints(world::HINTS).unwrap();
//! let settings = Settings::new(Delegation::from_hints(&hints).unwrap());
//! let cache = Cache::new(8 << 20, TtlLimits::default(), [1, 2]);
//! let shared = Shared::new(cache, Arc::new(SimClock::new(None)), Random::seeded(3));
//! let counters = Arc::new(Counters::default());
//! let resolver = Resolver::new(shared, internet.clone(), Arc::new(settings), counters.clone());
//!
//! let question = Question::new(name::parse("www.example.com").unwrap(), Rtype::A);
//! let (first, second) =
//!     tokio::join!(resolver.resolve(&question, None), resolver.resolve(&question, None));
//! assert_eq!(first.unwrap().answer, second.unwrap().answer);
//! assert_eq!(counters.get(Counter::FlightJoined), 1);
//!
//! let first_query = internet.sent().into_iter().find(|query| query.question.rtype == Rtype::A);
//! assert_eq!(first_query.unwrap().question.name, name::parse("com").unwrap());
//! # });
//! ```

mod ask;
mod cached;
mod env;
mod infra;
mod iterate;
mod model;
mod resolve;
mod selection;
mod validate;

pub use ask::classify::classify;
pub use ask::scrub::Scrubbed;
pub use cached::answer_path::PathServer;
pub use cached::lookup::Lack;
pub use env::interception::{NetworkState, Obstacle};
pub use env::negative_anchors::{MAX_NEGATIVE_ANCHOR_SECONDS, MAX_NEGATIVE_ANCHORS};
pub use env::shared::{Event, Shared};

pub use env::report_agents::PER_AGENT;
pub use infra::reachability::BrokenPaths;
pub use infra::silent_zones::SilentZone;
pub use model::answer::{Answer, Cause, Resolution, Unresolved};
pub use model::hop_log::{LoggedEnd, LoggedEvent, LoggedHop, LoggedReply};
pub use model::settings::{Anchor, Dns64, Glue, Limits, NEVER_ASK, NeverAsk, Settings, never_ask};
pub use model::trace::{Hop, TimedHop, Trace};
pub use model::verdict::{Fault, Verdict};
pub use resolve::resolver::Resolver;
pub use selection::report::{ServerReport, trouble_in_words};
