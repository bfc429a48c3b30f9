//! Nameservers with addresses to be looked up, and nameservers known from glue alone.

use std::net::SocketAddr;

use super::Candidates;
use super::candidate::Candidate;
use crate::env::lookups::AddressSource;

impl Candidates {
    /// The addresses of a server came from glue; if all fail, the server's own zone is asked.
    pub(crate) fn add_glue_only(&mut self, server: usize) {
        self.glue_only.push(server);
    }

    /// Several servers are late. If none of the zone has ever replied, its glue may be outdated: the servers' own
    /// zones are asked beside the addresses that are left.
    pub(crate) fn doubt_glue(&mut self) {
        self.doubts_glue |= !self.list.iter().any(Candidate::has_replied);
    }

    /// The addresses are those that the server's own zone gives.
    pub(crate) fn prefer_own(&mut self, addresses: &[SocketAddr]) {
        for candidate in &mut self.list {
            candidate.is_own |= addresses.contains(&candidate.address());
        }
    }

    /// Takes the next nameserver to be looked up off the list.
    pub(crate) fn take_unresolved(&mut self) -> Option<(usize, AddressSource)> {
        if !self.unresolved.is_empty() {
            return Some((self.unresolved.remove(0), AddressSource::Glue));
        }
        if self.glue_only.is_empty() || self.trusts_glue() {
            return None;
        }
        Some((self.glue_only.remove(0), AddressSource::OwnZone))
    }

    /// Whether names are left to be looked up.
    pub(crate) fn has_unresolved(&self) -> bool {
        !self.unresolved.is_empty() || (!self.glue_only.is_empty() && !self.trusts_glue())
    }

    /// Whether a look-up is worth its packets now: no untried address is left, or the addresses are doubtful.
    pub(crate) fn wants_look_up(&self) -> bool {
        !self.has_fresh() || self.doubts_glue
    }

    /// Whether addresses from glue may be outdated.
    pub(crate) fn doubts_glue(&self) -> bool {
        self.doubts_glue
    }

    fn trusts_glue(&self) -> bool {
        self.has_fresh() && !self.doubts_glue
    }
}
