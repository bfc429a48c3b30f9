//! Nameservers with addresses to be looked up, and nameservers known from glue alone.

use super::Candidates;
use crate::env::lookups::AddressSource;

impl Candidates {
    /// The addresses of a server came from glue; if all fail, the server's own zone is asked.
    pub(crate) fn add_glue_only(&mut self, server: usize) {
        self.glue_only.push(server);
    }

    /// Takes the next nameserver to be looked up off the list.
    pub(crate) fn take_unresolved(&mut self) -> Option<(usize, AddressSource)> {
        if !self.unresolved.is_empty() {
            return Some((self.unresolved.remove(0), AddressSource::Glue));
        }
        if self.glue_only.is_empty() || self.has_fresh() {
            return None;
        }
        Some((self.glue_only.remove(0), AddressSource::OwnZone))
    }

    /// Whether names are left to be looked up.
    pub(crate) fn has_unresolved(&self) -> bool {
        !self.unresolved.is_empty() || (!self.glue_only.is_empty() && !self.has_fresh())
    }
}
