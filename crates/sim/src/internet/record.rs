//! What was sent, as tests look at it afterwards.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use zoners_dns::{Endpoint, Question};

use super::SimNetwork;

/// A query that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Since the start.
    pub at: Duration,
    /// The exchange that it belongs to: over UDP a socket, and so a port. A query that is sent again
    /// on it has the same number.
    pub exchange: u64,
    /// The query's ID.
    pub id: u16,
    /// Where and how.
    pub to: Endpoint,
    /// What was asked.
    pub question: Question,
    /// With an OPT record.
    pub edns: bool,
    /// The UDP payload size in it; 0 without one.
    pub udp_payload_size: u16,
    /// DO.
    pub dnssec_ok: bool,
    /// CO.
    pub compact_ok: bool,
    /// RD.
    pub recursion_desired: bool,
    /// The value of the COOKIE option; empty without one.
    pub cookie: Bytes,
}

impl SimNetwork {
    /// From now on what is sent is not recorded: a demonstration may run for days.
    pub fn stop_recording(&self) {
        self.0.lock().records = false;
    }

    /// All that was sent so far.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.0.lock().sent.clone()
    }

    /// When exchanges ended, by their number, with a reply to their query or because no asker waited any
    /// more. Those that are under way have no end.
    #[must_use]
    pub fn ended(&self) -> BTreeMap<u64, Duration> {
        self.0.lock().ended.clone()
    }

    /// Forgets what was sent so far.
    pub fn forget_sent(&self) {
        let mut internet = self.0.lock();
        (internet.sent, internet.ended) = (Vec::new(), BTreeMap::new());
    }

    /// How many queries went to an address.
    #[must_use]
    pub fn sent_to(&self, address: &str) -> usize {
        let sent = self.sent();
        sent.iter().filter(|sent| sent.to.address.ip().to_string() == address).count()
    }

    /// How many streams were opened so far.
    #[must_use]
    pub fn streams(&self) -> u64 {
        self.0.lock().opened
    }
}
