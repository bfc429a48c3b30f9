//! A simulated Internet.
//!
//! It implements [`zoners_dns::Network`] over zones written as short texts. Servers may be slow,
//! lossy, dead, lame or faulty, each address in its own way. Time is tokio's, so under a paused
//! clock thousands of lossy look-ups take seconds. Randomness is seeded, so the same seed gives the
//! same trace. Every exchange is recorded.
//!
//! [`scenario`] plays third-party scripts of a network's answers.

pub mod clock;
pub mod demo;
mod exchange;
pub mod internet;
pub mod link;
pub mod middlebox;
mod network;
pub mod scenario;
pub mod sign;
mod uplink;
pub mod world;
pub mod zone;

pub use clock::SimClock;
pub use exchange::SimExchange;
pub use internet::{Internet, Sent, SimNetwork};
pub use link::{Bad, Beset, CookieHabit, Link, Manner, Streams, TlsManner};
pub use middlebox::Middlebox;
pub use uplink::Uplink;
pub use zone::{Said, Zone};
