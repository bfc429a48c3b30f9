//! The pipeline of a query over a simulated Internet: octets of clients in, octets of responses
//! out. One test program, since each program links every crate anew; `cargo test -p zoners-server
//! --test service scenarios::` runs a part.

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

/// Responses to clients.
mod clients {
    mod compact;
    mod events;
    mod groups;
    mod history;
    mod large;
    mod lists;
    mod local;
    mod local_root;
    mod order;
    mod pipeline;
    mod policy;
    mod rebinding;
    mod timeline;
    mod upstreams;
    mod zones;
}

/// More questions than there is room for, and forged packets.
mod load {
    mod forgery;
    mod overload;
    mod reflection;
}

/// Servers and links that fail, and entries that expire meanwhile.
mod outages {
    mod interruptions;
    mod lines;
    mod portal;
    mod prefetch;
    mod settling;
    mod stale;
    mod verdicts;
}
