//! `[limits]`: bounds on the work caused by a client, or by an attacker.

use serde::{Deserialize, Deserializer};
use zoners_resolver::Limits;

use super::readers::octets;

/// `[limits]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LimitsConfig {
    /// Queries for one client query, of any kind.
    pub queries: u32,
    /// Octets received for one client query.
    #[serde(deserialize_with = "any_octets")]
    pub bytes: u64,
    /// Queries over TCP for one client query.
    pub tcp: u32,
    /// Look-ups of nameserver addresses for one client query.
    pub lookups: u32,
    /// Hedges and probes for one client query.
    pub hedges: u32,
    /// Queries for one question.
    pub queries_per_question: u32,
    /// Steps down towards one name.
    pub steps: u32,
    /// Look-ups to find the servers of one zone.
    pub lookups_per_zone: u32,
    /// Look-ups without a result for one zone.
    pub empty_lookups: u32,
    /// Concurrent look-ups for one zone.
    pub lookups_at_once: usize,
    /// Nameservers kept of one delegation.
    pub nameservers: usize,
    /// Nameservers in play at a time.
    pub nameservers_in_play: usize,
    /// Addresses kept of one nameserver.
    pub addresses_per_nameserver: usize,
    /// Addresses asked for one question.
    pub addresses: usize,
    /// Look-ups of nameservers inside each other.
    pub depth: u8,
    /// Aliases followed.
    pub aliases: usize,
    /// Signatures verified for one client query.
    pub verifications: u32,
    /// Signatures verified for one reply.
    pub verifications_per_reply: u32,
    /// Failed verifications for one client query.
    pub failed_verifications: u32,
    /// Blocks hashed for NSEC3 for one client query.
    pub hash_blocks: u32,
    /// Labels below a signed zone asked for DS records.
    pub ds_labels: usize,
    /// Saved-up queries to try out servers.
    pub probe_budget: u32,
    /// Recursions of one thread at a time.
    pub pending: usize,
    /// Stragglers of one thread.
    pub stragglers: usize,
    /// Queries to one server at a time, at first.
    pub queries_per_server: u32,
    /// Questions to one zone at a time, at first.
    pub questions_per_zone: u32,
    /// Prefetched answers without a client.
    pub prefetched: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let limits = Limits::default();
        LimitsConfig {
            queries: limits.queries,
            bytes: limits.bytes,
            tcp: limits.tcp,
            lookups: limits.lookups,
            hedges: limits.hedges,
            queries_per_question: limits.queries_per_question,
            steps: limits.steps,
            lookups_per_zone: limits.lookups_per_zone,
            empty_lookups: limits.empty_lookups,
            lookups_at_once: limits.lookups_at_once,
            nameservers: limits.servers,
            nameservers_in_play: limits.servers_in_play,
            addresses_per_nameserver: limits.addresses_per_server,
            addresses: limits.addresses,
            depth: limits.depth,
            aliases: limits.aliases,
            verifications: limits.verifications,
            verifications_per_reply: limits.verifications_per_reply,
            failed_verifications: limits.failed_verifications,
            hash_blocks: limits.hash_blocks,
            ds_labels: limits.ds_labels,
            probe_budget: limits.probe_budget,
            pending: limits.pending,
            stragglers: limits.stragglers,
            queries_per_server: limits.queries_per_server,
            questions_per_zone: limits.questions_per_zone,
            prefetched: limits.prefetched,
        }
    }
}

impl LimitsConfig {
    /// The limits of the resolver, with default times.
    pub(in crate::config) fn of_resolver(&self) -> Limits {
        let Limits { exchange, race, recursion, client, .. } = Limits::default();
        Limits {
            queries: self.queries,
            queries_per_question: self.queries_per_question,
            hedges: self.hedges,
            bytes: self.bytes,
            tcp: self.tcp,
            lookups: self.lookups,
            lookups_per_zone: self.lookups_per_zone,
            empty_lookups: self.empty_lookups,
            lookups_at_once: self.lookups_at_once,
            depth: self.depth,
            aliases: self.aliases,
            steps: self.steps,
            servers: self.nameservers,
            servers_in_play: self.nameservers_in_play,
            addresses_per_server: self.addresses_per_nameserver,
            addresses: self.addresses,
            verifications: self.verifications,
            verifications_per_reply: self.verifications_per_reply,
            failed_verifications: self.failed_verifications,
            hash_blocks: self.hash_blocks,
            ds_labels: self.ds_labels,
            pending: self.pending,
            queries_per_server: self.queries_per_server,
            questions_per_zone: self.questions_per_zone,
            probe_budget: self.probe_budget,
            stragglers: self.stragglers,
            prefetched: self.prefetched,
            exchange,
            race,
            recursion,
            client,
        }
    }
}

fn any_octets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    octets(deserializer, 0..=u64::MAX)
}
