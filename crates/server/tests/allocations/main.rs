//! Allocations of the thread that runs the test: the harness allocates on a separate thread, for example in the report
//! of a test. A separate test program, since the counter is the allocator of the program.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

mod hit;
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../service/lab.rs"]
mod lab;
mod replies;
