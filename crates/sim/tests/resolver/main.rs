//! The resolver on a simulated Internet, in virtual time. One test program, since each program
//! links every crate anew; `cargo test -p zoners-sim --test resolver dnssec::` runs a part.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

mod calibration;
mod common;

/// Answers on a healthy Internet, and the servers that are asked.
mod resolution {
    mod addresses;
    mod answers;
    mod configured;
    mod dns64;
    mod parent_side;
    mod second_level;
    mod shown;
    mod switches;
}

mod dnssec {
    mod anchors;
    mod chains;
    mod compact;
    mod denials;
    mod limits;
    mod overreach;
    mod proofs;
    mod renewals;
    mod reports;
    mod synthesis;
}

/// Servers, links and networks that fail or lie.
mod faults {
    mod beset;
    mod dead_zones;
    mod encrypted;
    mod interruptions;
    mod never_stuck;
    mod opportunistic;
    mod paths;
    mod portal;
    mod refused;
    mod servers;
    mod sockets;
    mod streams;
}

/// The cost of many queries, large replies and attacks.
mod load {
    mod adversary;
    mod amplification;
    mod heavy;
    mod limits;
    mod mass;
    mod quotas;
    mod single_flight;
}
