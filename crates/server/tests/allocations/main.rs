//! Allocations of the thread that runs the test: the harness allocates on a thread of its own, when it reports a test
//! for example. A test program of its own, since the counter is the allocator of the program.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

mod hit;
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../service/lab.rs"]
mod lab;
mod replies;
