//! Asking the servers of one zone.
//!
//! A [`race`] sends a query to one server after the other, hedged where one is late; an [`exchange`] gets the reply
//! of one server; [`scrub`] drops records outside the bailiwick and [`classify`] says what the rest means.
//! [`interception`] finds out what this network does with DNS, and [`zone_copy`] asks a copy of the zone in place of the
//! servers. Imports `selection` and the rooms below. To be
//! read in that order.

pub(crate) mod classify;
pub(crate) mod exchange;
pub(crate) mod interception;
pub(crate) mod race;
pub(crate) mod scrub;
pub(crate) mod zone_copy;
