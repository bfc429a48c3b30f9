//! The daemon as a chain of states, each made from the one before:
//!
//! - [`Configured`]: a valid configuration with everything made from it. Nothing of the machine is taken.
//! - [`Bound`]: sockets, state folder, control socket, user and sandbox are in place. The process has one thread.
//! - [`Running`]: workers serve clients, each a thread with a runtime and listeners, until a signal ends the daemon. A
//!   reload turns one [`Generation`](generation::Generation) into the next.
//!
//! A step that is possible in one state alone is a method of the state.

mod access_key_files;
mod acme_keeper;
mod acme_state;
mod allotment;
mod at_work;
mod attend;
mod bind;
mod bound;
mod cache_file;
mod configured;
mod connections;
mod control_socket;
mod dashboard;
mod day;
mod dnstap_writer;
mod doh;
mod first_recursion;
mod generation;
mod hand_over;
mod hand_over_requests;
mod http;
mod http_routes;
mod keeper;
mod kept_sockets;
mod lease_keeper;
mod list_downloads;
mod list_requests;
mod listeners;
mod listening;
mod network_zones;
mod networks;
mod operator_rules;
mod origin;
mod overseer;
mod owner;
mod policy_keeper;
mod privileges;
mod pulse;
mod query_logger;
mod quic;
mod recorders;
mod recursion_trial;
mod reload;
mod reload_requests;
mod required_certificates;
mod rollover;
mod run_history;
mod running;
mod sandbox;
mod second_level;
mod secret_file;
mod served_tls;
mod serving;
mod shed;
mod signals;
mod single;
mod single_policy;
mod state_folder;
mod strategy;
mod surroundings;
mod take_over;
mod tcp;
mod tracked_keys;
mod udp;
mod uplink_log;
mod upstream_memories;
mod wake;
mod watched_files;
mod worker;
mod workers;
mod zone_keeper;

use std::sync::Arc;

use arc_swap::ArcSwap;
use zoners_net::Sockets;

use crate::pipeline::Service;
pub use bound::Bound;
pub use configured::Configured;
pub use first_recursion::FirstRecursion;
pub use listening::ListenStatus;
pub use running::Running;
pub use single::{SingleStart, serve_on};

/// The service of one worker, replaced as a whole by a reload.
pub type Snapshot = Service<Arc<Sockets>>;

/// The service in force, which a worker looks up anew for each batch.
type Current<N> = Arc<ArcSwap<Service<N>>>;
