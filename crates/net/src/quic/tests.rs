//! A server and clients in memory, in virtual time.

mod faults;
mod http3;
mod http3_faults;
mod http3_limits;
mod limits;
mod peers;
mod queries;
