//! Answers to challenges of an ACME server within TLS (RFC 8737): the handshake itself proves who holds the names.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::ClientHello;
use rustls::sign::CertifiedKey;

use crate::provider;

/// The name of the protocol in ALPN (RFC 8737 section 6.2).
pub(crate) const ACME_TLS: &[u8] = b"acme-tls/1";
/// Challenges that are answered at a time: as many as an order of Zoners has names.
pub const MAX_CHALLENGES: usize = 16;

/// The challenges that servers answer; clones share the state.
#[derive(Clone, Default)]
pub struct AlpnChallenges(Arc<ArcSwap<Vec<AlpnChallenge>>>);

/// A challenge: the name in the handshake, and the certificate that answers.
#[derive(Clone)]
struct AlpnChallenge {
    name: String,
    certified: Arc<CertifiedKey>,
}

impl AlpnChallenges {
    /// Answers the challenge of a name or an address from now on. `digest` is the SHA-256 of the key authorization. The
    /// oldest challenge goes if there are more than [`MAX_CHALLENGES`].
    ///
    /// # Errors
    /// The crypto library makes no certificate of the name.
    pub fn add(&self, name: &str, digest: &[u8]) -> Result<(), String> {
        let certified = Arc::new(answer(name, digest)?);
        let added = AlpnChallenge { name: asked_name(name), certified };
        let mut all: Vec<AlpnChallenge> = self.0.load().to_vec();
        all.retain(|known| known.name != added.name);
        all.push(added);
        let surplus = all.len().saturating_sub(MAX_CHALLENGES);
        all.drain(..surplus);
        self.0.store(Arc::new(all));
        Ok(())
    }

    /// Answers no challenge any more.
    pub fn clear(&self) {
        self.0.store(Arc::default());
    }

    /// Whether a client speaks the protocol of challenges and no other, as an ACME server does.
    pub(super) fn is_asked(hello: &ClientHello<'_>) -> bool {
        let mut protocols = hello.alpn().into_iter().flatten();
        protocols.next() == Some(ACME_TLS) && protocols.next().is_none()
    }

    /// The certificate that answers, if the challenge is open.
    pub(super) fn answer(&self, hello: &ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name()?.to_ascii_lowercase();
        let all = self.0.load();
        all.iter().find(|open| open.name == name).map(|open| open.certified.clone())
    }
}

impl fmt::Debug for AlpnChallenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AlpnChallenges").field(&self.0.load().len()).finish()
    }
}

/// A certificate signed by its own key, with the digest in a critical extension (RFC 8737 section 3).
fn answer(name: &str, digest: &[u8]) -> Result<CertifiedKey, String> {
    let shown = |error: rcgen::Error| error.to_string();
    let mut params = CertificateParams::new(vec![name.to_owned()]).map_err(shown)?;
    params.distinguished_name = DistinguishedName::new();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate().map_err(shown)?;
    let made = params.self_signed(&key).map_err(shown)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let key = provider().key_provider.load_private_key(key.into());
    let key = key.map_err(|error| error.to_string())?;
    Ok(CertifiedKey::new(vec![made.der().clone()], key))
}

/// The name by which an ACME server asks: of an address, the name of its PTR record (RFC 8738 section 6).
fn asked_name(name: &str) -> String {
    match name.parse() {
        Ok(IpAddr::V4(v4)) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        Ok(IpAddr::V6(v6)) => {
            let nibbles = v6.octets().into_iter().rev().flat_map(|octet| [octet & 0xf, octet >> 4]);
            let labels: Vec<String> = nibbles.map(|nibble| format!("{nibble:x}")).collect();
            format!("{}.ip6.arpa", labels.join("."))
        }
        Err(_) => name.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_asked_for_by_its_name_in_the_tree_of_addresses() {
        assert_eq!(asked_name("203.0.113.7"), "7.113.0.203.in-addr.arpa");
        let v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        assert_eq!(asked_name("2001:db8::1"), v6);
        assert_eq!(asked_name("DNS.example"), "dns.example");
    }

    #[test]
    fn the_latest_challenges_are_open_until_the_end_of_the_order() {
        let open = AlpnChallenges::default();
        for number in 0..=MAX_CHALLENGES {
            open.add(&format!("n{number}.example"), &[7; 32]).unwrap();
        }
        let names: Vec<String> = open.0.load().iter().map(|open| open.name.clone()).collect();
        assert_eq!(names.len(), MAX_CHALLENGES);
        assert_eq!(names[0], "n1.example", "the oldest has gone");
        open.add("n1.example", &[8; 32]).unwrap();
        assert_eq!(open.0.load().len(), MAX_CHALLENGES, "a new challenge of the same name");
        open.clear();
        assert!(open.0.load().is_empty());
    }
}
