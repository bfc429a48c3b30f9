//! What a server echoes of a query and an off-path attacker cannot see: the client cookie (RFC
//! 7873) and the letter case of QNAME.

use bytes::BufMut;
use zoners_dns::Moment;

use crate::codec::ValueReader;

/// Octets of a client cookie.
pub const CLIENT_COOKIE: usize = 8;
/// Octets of the client cookie and the longest server cookie (RFC 7873 section 4).
const MAX_COOKIE_OCTETS: usize = 40;
/// From this number of replies on, a missing echo counts. Fewer may be forged.
const MIN_MISSING: u8 = 3;
/// Missing echoes are forgotten after this time, in milliseconds, because servers get repaired.
const MISSING_TTL_MS: u64 = 3_600_000;

/// What a server echoes of a query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EchoSupport {
    /// The last COOKIE option of the server, or an empty option.
    cookie: CookieOption,
    /// How often in a row a cookie was missing although the server sent one before, or a query with
    /// a cookie failed.
    cookies_missing: u8,
    /// How often in a row the server changed the letter case of QNAME.
    case_changes: u8,
    /// When an echo was last missing.
    at: u64,
}

/// The value of a COOKIE option: client cookie and server cookie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CookieOption {
    length: u8,
    octets: [u8; MAX_COOKIE_OCTETS],
}

/// An observation about what a server echoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EchoEvidence {
    /// The server sent this cookie.
    Cookie(CookieOption),
    /// The server sent no cookie although it sent one before, or could not read a query with a
    /// cookie.
    CookieMissing,
    /// The server changed the letter case of QNAME.
    CaseChanged,
}

impl CookieOption {
    /// The option with this value. `None` if the length is wrong for a client cookie and a server
    /// cookie.
    #[must_use]
    pub fn of(option: &[u8]) -> Option<Self> {
        if !(2 * CLIENT_COOKIE..=MAX_COOKIE_OCTETS).contains(&option.len()) {
            return None;
        }
        let mut octets = [0; MAX_COOKIE_OCTETS];
        octets.get_mut(..option.len())?.copy_from_slice(option);
        Some(CookieOption { length: option.len() as u8, octets })
    }

    /// The value of the option; empty if there is no cookie.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// Whether there is no cookie.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl Default for CookieOption {
    fn default() -> Self {
        CookieOption { length: 0, octets: [0; MAX_COOKIE_OCTETS] }
    }
}

/// Does not print the cookie, which is secret.
impl std::fmt::Debug for CookieOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cookie({} octets)", self.length)
    }
}

impl EchoSupport {
    /// The last cookie of the server; empty if the server sent none, or did not echo the cookie.
    #[must_use]
    pub fn cookie(&self) -> CookieOption {
        self.cookie
    }

    /// Whether queries to the server carry no cookie.
    #[must_use]
    pub fn mishandles_cookies(&self, now: Moment) -> bool {
        self.cookies_missing >= MIN_MISSING && self.is_fresh(now)
    }

    /// Whether a missing reply may be due to the cookie: a cookie was missing before, but too
    /// seldom for [`EchoSupport::mishandles_cookies`].
    #[must_use]
    pub fn may_mishandle_cookies(&self, now: Moment) -> bool {
        (1..MIN_MISSING).contains(&self.cookies_missing) && self.is_fresh(now)
    }

    /// Whether the server changes the letter case of QNAME.
    #[must_use]
    pub fn changes_case(&self, now: Moment) -> bool {
        self.case_changes >= MIN_MISSING && self.is_fresh(now)
    }

    fn is_fresh(&self, now: Moment) -> bool {
        now.as_millis() < self.at.saturating_add(MISSING_TTL_MS)
    }

    pub(super) fn learn(&mut self, repeated: EchoEvidence, now: Moment) {
        if !self.is_fresh(now) {
            (self.cookies_missing, self.case_changes) = (0, 0);
        }
        match repeated {
            EchoEvidence::Cookie(cookie) => self.cookie = cookie,
            // A reply without a cookie is accepted until the server sends a cookie again.
            EchoEvidence::CookieMissing => {
                (self.cookie, self.cookies_missing) =
                    (CookieOption::default(), self.cookies_missing.saturating_add(1));
                self.at = now.as_millis();
            }
            EchoEvidence::CaseChanged => {
                self.case_changes = self.case_changes.saturating_add(1);
                self.at = now.as_millis();
            }
        }
    }

    /// Moves the time to a clock that is ahead by `shift` milliseconds.
    pub(super) fn shift(&mut self, shift: i64) {
        self.at = self.at.saturating_add_signed(shift);
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>, more_follows: bool) {
        out.put_u8(self.cookie.length);
        out.put_slice(self.cookie.octets());
        // Most servers echo correctly, and need no octets for counters.
        if more_follows || (self.cookies_missing, self.case_changes) != (0, 0) {
            out.put_slice(&[self.cookies_missing, self.case_changes]);
            out.put_u64(self.at);
        }
    }

    pub(super) fn decode(value: &mut ValueReader<'_>) -> Option<Self> {
        // Snapshots of earlier versions have no cookie.
        let Some(length) = value.u8().map(usize::from) else { return Some(EchoSupport::default()) };
        let (cookie, rest) = value.0.split_at_checked(length)?;
        let cookie = if length == 0 { CookieOption::default() } else { CookieOption::of(cookie)? };
        value.0 = rest;
        if rest.is_empty() {
            return Some(EchoSupport { cookie, ..EchoSupport::default() });
        }
        Some(EchoSupport {
            cookie,
            cookies_missing: value.u8()?,
            case_changes: value.u8()?,
            at: value.u64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(length: usize) -> Option<CookieOption> {
        CookieOption::of(&vec![7; length])
    }

    #[test]
    fn a_cookie_option_has_the_length_of_both_cookies() {
        for (length, is_one) in
            [(0, false), (8, false), (15, false), (16, true), (40, true), (41, false)]
        {
            assert_eq!(cookie(length).is_some(), is_one, "{length}");
        }
        assert_eq!(cookie(24).unwrap().octets(), [7; 24]);
        assert!(CookieOption::default().is_empty());
    }

    #[test]
    fn echo_support_is_encoded_and_decoded() {
        let mut echo = EchoSupport::default();
        let read = |echo: &EchoSupport| {
            let mut out = Vec::new();
            echo.encode(&mut out, false);
            (EchoSupport::decode(&mut ValueReader(&out)), out.len())
        };
        assert_eq!(read(&echo), (Some(echo), 1), "an octet for most servers");
        let now = Moment::from_millis(9);
        echo.learn(EchoEvidence::Cookie(cookie(40).unwrap()), now);
        assert_eq!(read(&echo), (Some(echo), 41));
        echo.learn(EchoEvidence::CaseChanged, now);
        assert_eq!(read(&echo), (Some(echo), 51));
        for torn in [&[1, 2][..], &[16], &[0, 1]] {
            assert_eq!(EchoSupport::decode(&mut ValueReader(torn)), None);
        }
    }

    #[test]
    fn missing_echoes_count_from_three_on_and_are_forgotten_after_an_hour() {
        let (mut echo, at) = (EchoSupport::default(), Moment::from_millis);
        echo.learn(EchoEvidence::Cookie(cookie(24).unwrap()), at(1));
        for missing in 1..=MIN_MISSING {
            assert!(!echo.mishandles_cookies(at(5)), "{missing}");
            assert_eq!(echo.may_mishandle_cookies(at(5)), missing > 1, "{missing}");
            echo.learn(EchoEvidence::CookieMissing, at(5));
            assert!(echo.cookie().is_empty(), "none is looked for");
        }
        assert!(
            echo.mishandles_cookies(at(5 + MISSING_TTL_MS - 1))
                && !echo.mishandles_cookies(at(5 + MISSING_TTL_MS))
        );
        assert!(!echo.may_mishandle_cookies(at(5)), "it is known to");
        assert!(!echo.changes_case(at(5)));
        (0..MIN_MISSING)
            .for_each(|_| echo.learn(EchoEvidence::CaseChanged, at(5 + MISSING_TTL_MS)));
        assert!(
            echo.changes_case(at(5 + MISSING_TTL_MS))
                && !echo.mishandles_cookies(at(5 + MISSING_TTL_MS))
        );
    }
}
