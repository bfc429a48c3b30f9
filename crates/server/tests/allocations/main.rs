//! Allocations. A test program of its own in which one test runs at a time, since the counts cover
//! the whole process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

mod hit;
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../service/lab.rs"]
mod lab;
mod replies;

use tokio::sync::Mutex;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Held by the running test.
static ALONE: Mutex<()> = Mutex::const_new(());
