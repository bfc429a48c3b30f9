//! DNS cookies for clients (RFC 7873) in the interoperable form of RFC 9018. A client that shows the cookie of an
//! earlier reply has not forged its address.

mod secrets;

use std::net::IpAddr;
use std::sync::Arc;

use siphasher::sip::SipHasher24;
use zoners_dns::Random;

use secrets::Secrets;

/// Octets of a client cookie.
const CLIENT_OCTETS: usize = 8;
/// Octets of a client cookie and a server cookie.
const BOTH_OCTETS: usize = 24;
/// The lifetime of a server cookie (RFC 9018 section 4.3).
const LIFETIME_SECONDS: u32 = 3600;
/// The age after which a client gets a new server cookie.
const RENEW_AFTER_SECONDS: u32 = 1800;
/// A cookie may come from the future by the error of a clock.
const MAX_CLOCK_AHEAD_SECONDS: u32 = 300;

/// Makes and checks cookies; clones share the secrets.
#[derive(Clone)]
pub struct Cookies(Arc<Secrets>);

/// The COOKIE option of a query, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    /// There is no COOKIE option.
    Absent,
    /// The option is malformed: FORMERR (RFC 7873 section 5.2.2).
    Malformed,
    /// The client shows no server cookie, or one that is not ours or too old; with the cookies for the reply.
    New([u8; BOTH_OCTETS]),
    /// The client shows a valid server cookie; with the cookies for the reply.
    Known([u8; BOTH_OCTETS]),
}

impl Cookie {
    /// The cookies for the reply.
    pub(super) fn reply(&self) -> Option<&[u8]> {
        match self {
            Cookie::New(both) | Cookie::Known(both) => Some(both),
            Cookie::Absent | Cookie::Malformed => None,
        }
    }

    /// Whether the client has proven to receive replies at this address.
    pub(super) fn is_known(&self) -> bool {
        matches!(self, Cookie::Known(_))
    }
}

impl Cookies {
    /// Cookies with a new secret.
    #[must_use]
    pub fn new(random: &Random) -> Self {
        Cookies(Arc::new(Secrets::new(random)))
    }

    /// Checks the option that `client` sent at `now`, in seconds since 1970.
    pub(super) fn check(&self, option: Option<&[u8]>, client: IpAddr, now: u64) -> Cookie {
        let Some(option) = option else { return Cookie::Absent };
        let (Some(own), 8 | 16..=40) = (option.first_chunk::<CLIENT_OCTETS>(), option.len()) else {
            return Cookie::Malformed;
        };
        let now = now as u32;
        let made = option.get(12..16).and_then(|made| made.first_chunk::<4>());
        let made = u32::from_be_bytes(made.copied().unwrap_or_default());
        let new = || Cookie::New(self.make(own, client, now));
        let Some(secret) = self.0.of(made.into(), now.into()) else { return new() };
        if option.len() != BOTH_OCTETS || option != make(secret, own, client, made) {
            return new();
        }
        // The difference of two moments on a clock that wraps (RFC 1982).
        let age = now.wrapping_sub(made) as i32;
        match age {
            _ if age < -(MAX_CLOCK_AHEAD_SECONDS as i32) || age > LIFETIME_SECONDS as i32 => new(),
            _ if age > RENEW_AFTER_SECONDS as i32 => Cookie::Known(self.make(own, client, now)),
            _ => Cookie::Known(make(secret, own, client, made)),
        }
    }

    fn make(&self, own: &[u8; CLIENT_OCTETS], client: IpAddr, now: u32) -> [u8; BOTH_OCTETS] {
        // There always is a secret of the present moment.
        let secret = self.0.of(now.into(), now.into()).unwrap_or_default();
        make(secret, own, client, now)
    }
}

/// Client cookie, version 1, three reserved octets, the time, the hash (RFC 9018 section 4).
fn make(
    secret: [u64; 2],
    own: &[u8; CLIENT_OCTETS],
    client: IpAddr,
    made: u32,
) -> [u8; BOTH_OCTETS] {
    let mut both = [0; BOTH_OCTETS];
    both[..CLIENT_OCTETS].copy_from_slice(own);
    both[8] = 1;
    both[12..16].copy_from_slice(&made.to_be_bytes());
    let mut hashed = [0; 32];
    hashed[..16].copy_from_slice(&both[..16]);
    let length = match client.to_canonical() {
        IpAddr::V4(ip) => {
            hashed[16..20].copy_from_slice(&ip.octets());
            20
        }
        IpAddr::V6(ip) => {
            hashed[16..].copy_from_slice(&ip.octets());
            32
        }
    };
    let hash = SipHasher24::new_with_keys(secret[0], secret[1]).hash(&hashed[..length]);
    both[16..].copy_from_slice(&hash.to_le_bytes());
    both
}

/// Hides the secrets.
impl std::fmt::Debug for Cookies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cookies(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrets::PERIOD_SECONDS;

    const NOW: u64 = 1_559_731_985;

    /// The example of RFC 9018 appendix A.1 and A.3.
    #[test]
    fn cookies_are_made_as_rfc_9018_shows() {
        let secret = 0xe5e9_73e5_a6b2_a43f_48e7_dc84_9e37_bfcf_u128.to_be_bytes();
        let half = |at: usize| u64::from_le_bytes(*secret[at..].first_chunk().unwrap());
        let own = 0x2464_c4ab_cf10_c957_u64.to_be_bytes();
        let both = make([half(0), half(8)], &own, [198, 51, 100, 100].into(), NOW as u32);
        let shown = 0x0100_0000_5cf7_9f11_1f81_30c3_eee2_9480_u128.to_be_bytes();
        assert_eq!(both[8..], shown);
    }

    #[test]
    fn known_new_old_and_malformed_cookies_are_recognised() {
        let cookies = Cookies::new(&Random::seeded(1));
        let (client, other) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let Cookie::New(both) = cookies.check(Some(b"12345678"), client, NOW) else { panic!() };
        let check = |option: &[u8], client, now| cookies.check(Some(option), client, now);
        assert_eq!(check(&both, client, NOW + 60), Cookie::Known(both), "kept while young");
        assert!(matches!(check(&both, client, NOW + 1801), Cookie::Known(newer) if newer != both));
        assert!(matches!(check(&both, client, NOW + 3601), Cookie::New(_)), "too old");
        assert!(matches!(check(&both, client, NOW - 301), Cookie::New(_)), "from the future");
        assert!(matches!(check(&both, other, NOW), Cookie::New(_)), "of another client");
        let foreign = Cookies::new(&Random::seeded(2));
        assert!(matches!(foreign.check(Some(&both), client, NOW), Cookie::New(_)));
        for length in [0, 7, 9, 15, 41] {
            assert_eq!(check(&vec![1; length], client, NOW), Cookie::Malformed, "{length}");
        }
        assert_eq!(cookies.check(None, client, NOW), Cookie::Absent);
    }

    #[test]
    fn a_new_secret_keeps_cookies_valid() {
        let (cookies, client) = (Cookies::new(&Random::seeded(1)), [192, 0, 2, 1].into());
        let midnight = (NOW / PERIOD_SECONDS + 1) * PERIOD_SECONDS;
        let Cookie::New(both) = cookies.check(Some(b"12345678"), client, midnight - 60) else {
            panic!()
        };
        for now in [midnight - 1, midnight, midnight + 1700] {
            assert_eq!(cookies.check(Some(&both), client, now), Cookie::Known(both), "{now}");
        }
        let renewed = cookies.check(Some(&both), client, midnight + 1800);
        assert!(matches!(renewed, Cookie::Known(newer) if newer != both));
        assert!(matches!(cookies.check(Some(&both), client, midnight + 3600), Cookie::New(_)));
    }
}
