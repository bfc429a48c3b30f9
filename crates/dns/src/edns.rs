//! EDNS (RFC 6891) and extended errors (RFC 8914).

use std::fmt;

use bytes::{BufMut, Bytes};

use crate::name::Name;

/// The UDP payload size that we offer and accept: larger answers come over TCP, since fragments
/// get lost and can be forged (RFC 9715).
pub const UDP_PAYLOAD_SIZE: u16 = 1232;

/// Options that a message may carry before it is refused.
pub const MAX_OPTIONS: usize = 32;

/// The flags of an OPT record, in the lower half of its TTL field: DO (RFC 3225) and CO (RFC 9824
/// section 5.1).
pub(crate) const DNSSEC_OK: u16 = 0x8000;
pub(crate) const COMPACT_OK: u16 = 0x4000;

pub(crate) const COOKIE: u16 = 10;
pub(crate) const KEEPALIVE: u16 = 11;
const EXTENDED_ERROR: u16 = 15;
const REPORT_CHANNEL: u16 = 18;

/// The OPT record of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edns {
    /// The sender's UDP payload size.
    pub udp_payload_size: u16,
    /// Version; anything above 0 is answered with BADVERS.
    pub version: u8,
    /// DO: the sender wants DNSSEC records.
    pub dnssec_ok: bool,
    /// CO: the sender knows compact denials, and takes NXDOMAIN with them (RFC 9824 section 5.1).
    pub compact_ok: bool,
    /// COOKIE option (RFC 7873), as it came.
    pub cookie: Option<Bytes>,
    /// TCP keepalive option (RFC 7828): the sender would like the connection to stay.
    pub keepalive: bool,
    /// Extended errors.
    pub errors: Vec<Ede>,
    /// Report-Channel option: the domain of the zone's monitoring agent (RFC 9567 section 5);
    /// never the root.
    pub report_channel: Option<Name>,
}

impl Edns {
    /// Reads the options of an OPT record; the header fields are the caller's.
    ///
    /// `None` if the options are torn, too many, or one that may come once comes twice.
    pub(crate) fn read_options(&mut self, octets: &[u8]) -> Option<()> {
        for option in options(octets) {
            match option? {
                (COOKIE, _) if self.cookie.is_some() => return None,
                (COOKIE, cookie) => self.cookie = Some(Bytes::copy_from_slice(cookie)),
                (KEEPALIVE, _) => self.keepalive = true,
                (EXTENDED_ERROR, error) => self.errors.push(Ede::read(error)?),
                // A broken domain is left out, and the rest of the message stands.
                (REPORT_CHANNEL, agent) if self.report_channel.is_none() => {
                    let agent = Name::from_octets(Bytes::copy_from_slice(agent)).ok();
                    self.report_channel = agent.filter(|agent| !agent.is_root());
                }
                _ => {}
            }
        }
        Some(())
    }
}

/// The options of an OPT record, each its code and its value; `None` once where they are torn or
/// too many, and nothing after it.
pub(crate) fn options(mut octets: &[u8]) -> impl Iterator<Item = Option<(u16, &[u8])>> {
    let mut left = MAX_OPTIONS;
    std::iter::from_fn(move || {
        if octets.is_empty() {
            return None;
        }
        let option = read_option(octets).filter(|_| left > 0);
        left = left.saturating_sub(1);
        octets = option.map_or(&[], |(_, _, rest)| rest);
        Some(option.map(|(code, value, _)| (code, value)))
    })
}

fn read_option(octets: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (code, rest) = octets.split_first_chunk::<2>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((u16::from_be_bytes(*code), value, rest))
}

/// The OPT record of a reply.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResponseOpt<'a> {
    /// DO, mirrored (RFC 4035 section 3).
    pub dnssec_ok: bool,
    /// CO, mirrored: the RCODE is NXDOMAIN where NXNAME says so (RFC 9824 section 5.1).
    pub compact_ok: bool,
    /// The upper eight bits of the RCODE.
    pub extended_rcode: u8,
    /// Why the answer is what it is.
    pub error: Option<&'a Ede>,
    /// Client and server cookie (RFC 7873).
    pub cookie: Option<&'a [u8]>,
    /// For how long an idle connection stays, in units of 100 ms (RFC 7828).
    pub keepalive: Option<u16>,
}

impl ResponseOpt<'_> {
    /// Appends the record to a message; the caller counts it in ARCOUNT.
    pub(crate) fn append_to(&self, message: &mut Vec<u8>) {
        message.put_slice(&[0, 0, 41]);
        message.put_u16(UDP_PAYLOAD_SIZE);
        message.put_slice(&[self.extended_rcode, 0]);
        let flag = |set: bool, flag: u16| if set { flag } else { 0 };
        message.put_u16(flag(self.dnssec_ok, DNSSEC_OK) | flag(self.compact_ok, COMPACT_OK));
        let length_at = message.len();
        message.put_u16(0);
        if let Some(cookie) = self.cookie {
            put_option(message, COOKIE, &[cookie]);
        }
        if let Some(keepalive) = self.keepalive {
            put_option(message, KEEPALIVE, &[&keepalive.to_be_bytes()]);
        }
        if let Some(error) = self.error {
            let text = error.text.as_bytes();
            let text = &text[..text.len().min(Ede::MAX_TEXT)];
            put_option(message, EXTENDED_ERROR, &[&error.code.0.to_be_bytes(), text]);
        }
        let length = (message.len() - length_at - 2) as u16;
        message[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
    }
}

/// Appends an option; all that we send are far shorter than an option may be.
fn put_option(message: &mut Vec<u8>, code: u16, value: &[&[u8]]) {
    message.put_u16(code);
    message.put_u16(value.iter().map(|part| part.len()).sum::<usize>() as u16);
    value.iter().for_each(|part| message.put_slice(part));
}

/// An extended error: why an answer is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ede {
    /// The INFO-CODE.
    pub code: EdeCode,
    /// EXTRA-TEXT for a person; cut at [`Ede::MAX_TEXT`] octets.
    pub text: String,
}

impl Ede {
    /// The longest text that is sent: with the question it fits any reply.
    pub const MAX_TEXT: usize = 160;

    /// An extended error with a text.
    pub fn new(code: EdeCode, text: impl Into<String>) -> Self {
        let mut text = text.into();
        while text.len() > Self::MAX_TEXT {
            text.pop();
        }
        Ede { code, text }
    }

    fn read(value: &[u8]) -> Option<Self> {
        let (code, text) = value.split_first_chunk::<2>()?;
        let code = EdeCode(u16::from_be_bytes(*code));
        Some(Ede::new(code, String::from_utf8_lossy(text)))
    }
}

impl fmt::Display for Ede {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EDE {} ({})", self.code.0, self.code.meaning())?;
        if !self.text.is_empty() {
            write!(f, ": {}", self.text.escape_debug())?;
        }
        Ok(())
    }
}

/// An INFO-CODE of the registry that RFC 8914 began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EdeCode(pub u16);

impl EdeCode {
    /// Nothing more exact applies.
    pub const OTHER: EdeCode = EdeCode(0);
    /// The answer has expired.
    pub const STALE_ANSWER: EdeCode = EdeCode(3);
    /// Signatures do not fit.
    pub const BOGUS: EdeCode = EdeCode(6);
    /// The failure was remembered, not met anew.
    pub const CACHED_ERROR: EdeCode = EdeCode(13);
    /// The question is answered by local policy.
    pub const PROHIBITED: EdeCode = EdeCode(18);
    /// The denial has expired.
    pub const STALE_NXDOMAIN: EdeCode = EdeCode(19);
    /// The servers of the zone answer, but not for the zone or not sensibly.
    pub const NO_REACHABLE_AUTHORITY: EdeCode = EdeCode(22);
    /// No packet came back, or the network refused to carry ours.
    pub const NETWORK_ERROR: EdeCode = EdeCode(23);
    /// What the servers sent makes no sense.
    pub const INVALID_DATA: EdeCode = EdeCode(24);
    /// The keys of a zone are not to be had.
    pub const DNSKEY_MISSING: EdeCode = EdeCode(9);
    /// The type asked for is none that a name can have (RFC 9824 section 9).
    pub const INVALID_QUERY_TYPE: EdeCode = EdeCode(30);

    /// Whether it says that something is not signed as it must be: of no concern to those who
    /// disable checking.
    #[must_use]
    pub fn is_bogus(self) -> bool {
        matches!(self.0, 5..=12)
    }

    /// The registry's name for the code.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self.0 {
            0 => "Other",
            1 => "Unsupported DNSKEY Algorithm",
            2 => "Unsupported DS Digest Type",
            3 => "Stale Answer",
            4 => "Forged Answer",
            5 => "DNSSEC Indeterminate",
            6 => "DNSSEC Bogus",
            7 => "Signature Expired",
            8 => "Signature Not Yet Valid",
            9 => "DNSKEY Missing",
            10 => "RRSIGs Missing",
            11 => "No Zone Key Bit Set",
            12 => "NSEC Missing",
            13 => "Cached Error",
            14 => "Not Ready",
            15 => "Blocked",
            16 => "Censored",
            17 => "Filtered",
            18 => "Prohibited",
            19 => "Stale NXDOMAIN Answer",
            20 => "Not Authoritative",
            21 => "Not Supported",
            22 => "No Reachable Authority",
            23 => "Network Error",
            24 => "Invalid Data",
            27 => "Unsupported NSEC3 Iterations",
            30 => "Invalid Query Type",
            _ => "unassigned",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_bounded() {
        let mut edns = Edns::default();
        assert_eq!(edns.read_options(&[0, 15, 0, 3, 0, 22, b'x']), Some(()));
        assert_eq!(edns.errors, [Ede::new(EdeCode::NO_REACHABLE_AUTHORITY, "x")]);
        assert_eq!(Edns::default().read_options(&[0, 15, 0, 9, 0]), None, "torn");
        let at_limit = [0, 3, 0, 0].repeat(MAX_OPTIONS);
        assert_eq!(Edns::default().read_options(&at_limit), Some(()));
        let over = [0, 3, 0, 0].repeat(MAX_OPTIONS + 1);
        assert_eq!(Edns::default().read_options(&over), None);
        let twice = [0, 10, 0, 0].repeat(2);
        assert_eq!(Edns::default().read_options(&twice), None, "two cookies");
    }

    #[test]
    fn an_agent_is_read_and_one_that_is_no_name_is_nobody() {
        let agent = |options: &[u8]| {
            let mut edns = Edns::default();
            assert_eq!(edns.read_options(options), Some(()), "the message stands");
            edns.report_channel.map(|agent| agent.to_string())
        };
        let named = [&[0, 18, 0, 6][..], b"\x01a\x02er\x00"].concat();
        assert_eq!(agent(&named), Some("a.er".into()));
        let second = [&named[..], &[0, 18, 0, 3], b"\x01b\x00"].concat();
        assert_eq!(agent(&second), Some("a.er".into()), "the first counts");
        for none in [&[0, 18, 0, 1, 0][..], &[0, 18, 0, 0], &[0, 18, 0, 2, 5, b'a']] {
            assert_eq!(agent(none), None, "the root, nothing, torn");
        }
        let compressed = [0, 18, 0, 2, 0xC0, 12];
        assert_eq!(agent(&compressed), None);
        let trailing = [&[0, 18, 0, 4][..], b"\x01a\x00\x00"].concat();
        assert_eq!(agent(&trailing), None);
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let ede = Ede::new(EdeCode::OTHER, "é".repeat(200));
        assert_eq!(ede.text.len(), Ede::MAX_TEXT);
        let mut wire = Vec::new();
        ResponseOpt { error: Some(&ede), ..ResponseOpt::default() }.append_to(&mut wire);
        assert_eq!(wire.len(), 11 + 6 + Ede::MAX_TEXT);
    }
}
