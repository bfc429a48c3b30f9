//! The file of the root's keys, `root-keys.json`: what was seen of each, in a list of JSON objects.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use zoners_dnssec::dnskey::Dnskey;
use zoners_dnssec::rollover::{KeyState, MAX_TRACKED_KEYS, TrackedKey};

/// A key as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    standing: String,
    since: u64,
    /// The DNSKEY's RDATA in hexadecimal digits.
    rdata: String,
}

/// Reads the keys out of a file; no more than [`MAX_TRACKED_KEYS`] are taken.
///
/// # Errors
/// The octets are no such list, or an entry is no key.
pub fn parse(octets: &[u8]) -> Result<Vec<TrackedKey>, String> {
    let written: Vec<Written> =
        serde_json::from_slice(octets).map_err(|error| error.to_string())?;
    written.iter().take(MAX_TRACKED_KEYS).map(Written::tracked).collect()
}

/// The text of a file with these keys.
#[must_use]
pub fn format(tracked: &[TrackedKey]) -> String {
    format!("{:#}", tracked.iter().map(written).collect::<Value>())
}

fn written(tracked: &TrackedKey) -> Value {
    let standing = match tracked.state {
        KeyState::Pending => "pending",
        KeyState::Valid => "valid",
        KeyState::Missing => "missing",
        KeyState::Revoked => "revoked",
    };
    let rdata: String = tracked.key.rdata.iter().map(|octet| format!("{octet:02x}")).collect();
    json!({ "standing": standing, "since": tracked.since, "rdata": rdata })
}

impl Written {
    fn tracked(&self) -> Result<TrackedKey, String> {
        let standing = match self.standing.as_str() {
            "pending" => KeyState::Pending,
            "valid" => KeyState::Valid,
            "missing" => KeyState::Missing,
            "revoked" => KeyState::Revoked,
            other => return Err(format!("`{other}` is no standing")),
        };
        let octet = |pair: &[u8]| {
            std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
        };
        let rdata: Option<Vec<u8>> = self.rdata.as_bytes().chunks(2).map(octet).collect();
        let key = rdata.and_then(|rdata| Dnskey::read(&Bytes::from(rdata)));
        let key = key.ok_or_else(|| format!("`{}` is no key", self.rdata))?;
        Ok(TrackedKey { key, state: standing, since: self.since })
    }
}
