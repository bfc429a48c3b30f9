//! The resolver on a simulated Internet, in virtual time. One program for all, since each one more is linked
//! anew with all that they use; `cargo test -p zoners-sim --test resolver dnssec::` runs a part.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

mod calibration;
mod common;

/// What is found where all is well, and who is asked for it.
mod resolution {
    mod addresses;
    mod answers;
    mod configured;
    mod parent_side;
    mod second_level;
    mod shown;
    mod switches;
}

mod dnssec {
    mod chains;
    mod compact;
    mod denials;
    mod limits;
    mod overreach;
    mod proofs;
    mod renewals;
    mod reports;
}

/// Servers, lines and networks that fail or lie.
mod faults {
    mod beset;
    mod dead_zones;
    mod never_stuck;
    mod paths;
    mod portal;
    mod refused;
    mod servers;
    mod sockets;
    mod streams;
}

/// What many queries, large replies and attacks may cost.
mod load {
    mod adversary;
    mod amplification;
    mod heavy;
    mod limits;
    mod mass;
    mod quotas;
    mod single_flight;
}
