//! A server and clients in memory, in virtual time.

mod faults;
mod limits;
mod peers;
mod queries;
