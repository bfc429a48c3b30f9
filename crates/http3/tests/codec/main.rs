//! The examples of the RFCs, the limits at their edges, and properties of any octets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must say so")]

mod aioquic;
mod answer;
mod client_streams;
mod fields;
mod judged;
mod request;
