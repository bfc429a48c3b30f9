//! The record of sent queries, for tests.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use zoners_dns::{Endpoint, Question};

use super::SimNetwork;

/// A query, as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Since the start.
    pub at: Duration,
    /// The exchange of the query: over UDP a socket, and so a port. A query sent again keeps the
    /// number.
    pub exchange: u64,
    /// The query's ID.
    pub id: u16,
    /// Where and how.
    pub to: Endpoint,
    /// The question.
    pub question: Question,
    /// With an OPT record.
    pub edns: bool,
    /// The UDP payload size of the query; 0 without EDNS.
    pub udp_payload_size: u16,
    /// DO.
    pub dnssec_ok: bool,
    /// CO.
    pub compact_ok: bool,
    /// RD.
    pub recursion_desired: bool,
    /// The COOKIE option of the query; empty without one.
    pub cookie: Bytes,
}

impl SimNetwork {
    /// Stops recording, since a demonstration may run for days.
    pub fn stop_recording(&self) {
        self.0.lock().records = false;
    }

    /// The queries sent so far.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.0.lock().sent.clone()
    }

    /// The end of each exchange by its number: a reply to its query, or the last asker gone.
    /// Exchanges under way are missing.
    #[must_use]
    pub fn ended(&self) -> BTreeMap<u64, Duration> {
        self.0.lock().ended.clone()
    }

    /// Clears the record.
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
