//! `[[zone]]`: zones of which we have a copy.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use zoners_dns::Name;

use super::readers::{octets, text};
use super::route::servers;

/// The octets that a zone may take: the default, and the least and greatest value.
const MAX_SIZE: u64 = 64 << 20;
const MAX_SIZE_RANGE: std::ops::RangeInclusive<u64> = 64 << 10..=4 << 30;

/// `[[zone]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ZoneConfig {
    /// The apex of the zone.
    #[serde(deserialize_with = "text")]
    pub zone: Name,
    /// The zone file, read again when the file changes.
    pub file: Option<PathBuf>,
    /// The primaries from which the zone is transferred, each an address or address and port.
    #[serde(default, deserialize_with = "servers")]
    pub primaries: Vec<SocketAddr>,
    /// The name of the key that signs the messages from and to the primaries.
    #[serde(default, deserialize_with = "some_name")]
    pub tsig_key: Option<Name>,
    /// The memory that the zone may take, in octets; on the disk for a policy list.
    #[serde(default = "default_size", deserialize_with = "size")]
    pub max_size: u64,
    /// Hold the answers against the chain of trust from above; most private zones have none.
    #[serde(default)]
    pub validate: bool,
}

fn some_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Name>, D::Error> {
    text(deserializer).map(Some)
}

fn default_size() -> u64 {
    MAX_SIZE
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    octets(deserializer, MAX_SIZE_RANGE)
}
