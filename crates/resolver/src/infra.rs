//! The infra cache of the resolver: tables of what is known of servers, zones and the uplink, beside the records
//! of servers in `zoners_cache`.
//!
//! Each file is one table with its arithmetic; none sends a packet. Imports `model` alone. To be
//! read in this order: [`rtt_prior`], [`estimate`] and [`round_trips`] (the latency expected of a server),
//! [`uplink`], [`interruptions`], [`outages`], [`uplinks`], [`reachability`] and [`last_responder`] (what is our own fault), then
//! the limits for packets that outsiders can make us send: [`fetch_quotas`], [`silent_zones`],
//! [`unproven_addresses`], [`resend_limit`], [`probe_budget`], [`trial_budget`],
//! [`session_budget`], [`trial_look_ups`].

pub(crate) mod cookies;
pub(crate) mod estimate;
pub(crate) mod fetch_quotas;
pub(crate) mod interruptions;
pub(crate) mod last_responder;
pub(crate) mod outages;
pub(crate) mod probe_budget;
pub(crate) mod reachability;
pub(crate) mod recent_table;
pub(crate) mod resend_limit;
pub(crate) mod round_trips;
pub(crate) mod rtt_prior;
pub(crate) mod session_budget;
pub(crate) mod silent_zones;
pub(crate) mod trial_budget;
pub(crate) mod trial_look_ups;
pub(crate) mod unproven_addresses;
pub(crate) mod uplink;
pub(crate) mod uplink_state;
pub(crate) mod uplinks;
pub(crate) mod zone_silence;
