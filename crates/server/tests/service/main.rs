//! The pipeline of a query over a simulated Internet: octets of clients in, octets of replies out. One program
//! for all, since each one more is linked anew with all that they use;
//! `cargo test -p zoners-server --test service scenarios::` runs a part.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must say so"
)]

mod corpora;
mod lab;
mod player;
mod scenarios;

/// What clients get for what they ask.
mod clients {
    mod compact;
    mod events;
    mod large;
    mod local;
    mod order;
    mod pipeline;
    mod policy;
}

/// More questions than there is room for, and forged packets.
mod load {
    mod forgery;
    mod overload;
    mod reflection;
}

/// Servers and lines that fail, and what expires meanwhile.
mod outages {
    mod lines;
    mod prefetch;
    mod stale;
}
