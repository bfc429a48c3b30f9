//! EDNS (RFC 6891) and extended DNS errors (RFC 8914).

use std::fmt;

use bytes::{BufMut, Bytes};

use crate::name::Name;

/// The UDP payload size that Zoners offers and accepts. Larger messages use TCP, because IP
/// fragments get lost and can be forged (RFC 9715).
pub const UDP_PAYLOAD_SIZE: u16 = 1232;

/// The most options of a message; a message with more is rejected.
pub const MAX_OPTIONS: usize = 32;

/// Padded responses are a multiple of this long, in octets (RFC 8467 section 4.1).
pub const RESPONSE_BLOCK: usize = 468;

/// The flags of an OPT record, in the lower half of its TTL field: DO (RFC 3225) and CO (RFC 9824
/// section 5.1).
pub(crate) const DNSSEC_OK: u16 = 0x8000;
pub(crate) const COMPACT_OK: u16 = 0x4000;

pub(crate) const COOKIE: u16 = 10;
pub(crate) const KEEPALIVE: u16 = 11;
pub(crate) const PADDING: u16 = 12;
pub(crate) const EXTENDED_ERROR: u16 = 15;
const REPORT_CHANNEL: u16 = 18;
pub(crate) const STRUCTURED_ERROR: u16 = 26;
/// The way to an answer as a text, of the range for local use (RFC 6891 section 9): a client asks with an empty option.
pub const TIMELINE: u16 = 65_053;

/// The OPT record of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edns {
    /// The UDP payload size of the sender.
    pub udp_payload_size: u16,
    /// The version; a version above 0 is answered with BADVERS.
    pub version: u8,
    /// DO: the sender requests DNSSEC records.
    pub dnssec_ok: bool,
    /// CO: the sender understands compact denials, and accepts NXDOMAIN with a compact denial (RFC
    /// 9824 section 5.1).
    pub compact_ok: bool,
    /// The value of the COOKIE option (RFC 7873).
    pub cookie: Option<Bytes>,
    /// The TCP keepalive option (RFC 7828): the sender asks to keep the connection open.
    pub keepalive: bool,
    /// The padding option (RFC 7830).
    pub padding: bool,
    /// Of a query: the client wants the reason of a block as JSON, and says so by the option Structured DNS Error alone
    /// (draft-ietf-dnsop-structured-dns-error-22 section 5.2). Clients of earlier drafts sent an EDE.
    pub structured_errors: bool,
    /// Extended DNS errors.
    pub errors: Vec<Ede>,
    /// The Report-Channel option: the agent domain of the zone (RFC 9567 section 5), never the
    /// root.
    pub report_channel: Option<Name>,
}

impl Edns {
    /// Reads the options of an OPT record; the caller reads the header fields.
    ///
    /// `None` if an option is truncated, an option occurs twice that may occur once, or there are
    /// more than [`MAX_OPTIONS`].
    pub(crate) fn read_options(&mut self, octets: &[u8]) -> Option<()> {
        for option in options(octets) {
            match option? {
                (COOKIE, _) if self.cookie.is_some() => return None,
                (COOKIE, cookie) => self.cookie = Some(Bytes::copy_from_slice(cookie)),
                (KEEPALIVE, _) => self.keepalive = true,
                (PADDING, _) => self.padding = true,
                (EXTENDED_ERROR, error) => self.errors.push(Ede::read(error)?),
                (STRUCTURED_ERROR, _) => self.structured_errors = true,
                // A malformed agent domain is ignored; the message stays valid.
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

/// The code and the value of each option of an OPT record. A truncated option, or an option too
/// many, yields `None` and ends the iteration.
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

/// The OPT record of a response.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResponseOpt<'a> {
    /// DO, mirrored (RFC 4035 section 3).
    pub dnssec_ok: bool,
    /// CO, mirrored: the RCODE is NXDOMAIN for a denial with NXNAME (RFC 9824 section 5.1).
    pub compact_ok: bool,
    /// The upper eight bits of the RCODE.
    pub extended_rcode: u8,
    /// The extended DNS error that explains the response.
    pub error: Option<&'a Ede>,
    /// The client cookie followed by the server cookie (RFC 7873).
    pub cookie: Option<&'a [u8]>,
    /// How long an idle connection stays open, in units of 100 ms (RFC 7828).
    pub keepalive: Option<u16>,
    /// Pad the response to a multiple of [`RESPONSE_BLOCK`] octets, so that its length does not tell the name: over
    /// encrypted transports alone (RFC 7830 section 6).
    pub is_padded: bool,
}

impl ResponseOpt<'_> {
    /// Appends the record to a message. The caller increments ARCOUNT.
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
        if self.is_padded {
            // The longest messages have no room.
            let room = usize::from(u16::MAX).saturating_sub(message.len());
            let option = padding_octets(message.len(), RESPONSE_BLOCK).min(room);
            let padding = option.saturating_sub(OPTION_HEAD);
            put_option(message, PADDING, &[&[0; RESPONSE_BLOCK][..padding]]);
        }
        let length = (message.len() - length_at - 2) as u16;
        message[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
    }
}

/// Octets of an option beside the value: code and length.
pub const OPTION_HEAD: usize = 4;

/// Octets of the padding option by which a message of this length becomes a multiple of `block`, the head of the option
/// included.
pub(crate) const fn padding_octets(length: usize, block: usize) -> usize {
    (length + OPTION_HEAD).next_multiple_of(block) - length
}

/// Appends an option. Every option sent is shorter than 64 KiB.
pub(crate) fn put_option(message: &mut Vec<u8>, code: u16, value: &[&[u8]]) {
    message.put_u16(code);
    message.put_u16(value.iter().map(|part| part.len()).sum::<usize>() as u16);
    value.iter().for_each(|part| message.put_slice(part));
}

/// An extended DNS error, the reason for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ede {
    /// The INFO-CODE.
    pub code: EdeCode,
    /// The EXTRA-TEXT, read by people; cut at [`Ede::MAX_TEXT`] octets.
    pub text: String,
}

impl Ede {
    /// Octets of the longest text that is sent. Any response has room for the question and this
    /// text.
    pub const MAX_TEXT: usize = 160;

    /// An extended DNS error; a longer text is cut at a character.
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

/// An INFO-CODE of the IANA registry (RFC 8914).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EdeCode(pub u16);

/// Defines the codes, and the list of them all.
macro_rules! ede_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        impl EdeCode {
            $($(#[$doc])* pub const $name: EdeCode = EdeCode($code);)*

            /// The codes that this server may send, in ascending order.
            pub const SENT: &[EdeCode] = &[$(EdeCode::$name),*];
        }
    };
}

ede_codes! {
    /// No other code applies.
    OTHER = 0;
    /// No algorithm of the zone's keys is supported.
    UNSUPPORTED_DNSKEY_ALGORITHM = 1;
    /// No digest of the zone's DS records is supported.
    UNSUPPORTED_DS_DIGEST = 2;
    /// The answer has expired.
    STALE_ANSWER = 3;
    /// Local policy changes the answer.
    FORGED = 4;
    /// A signature is invalid, or the chain of trust is broken.
    BOGUS = 6;
    /// A signature has expired.
    SIGNATURE_EXPIRED = 7;
    /// A signature is not yet valid.
    SIGNATURE_NOT_YET_VALID = 8;
    /// The DNSKEY RRset of a zone could not be fetched or has no matching key.
    DNSKEY_MISSING = 9;
    /// A signed zone gave no signature.
    RRSIGS_MISSING = 10;
    /// A key may not sign.
    NO_ZONE_KEY_BIT = 11;
    /// The proof of a denial is missing, or proves something else.
    NSEC_MISSING = 12;
    /// The failure comes from the cache.
    CACHED_ERROR = 13;
    /// The operator blocks the name.
    BLOCKED = 15;
    /// A third party demands the block.
    CENSORED = 16;
    /// The client asked for the block.
    FILTERED = 17;
    /// Local policy answers the question.
    PROHIBITED = 18;
    /// The denial has expired.
    STALE_NXDOMAIN = 19;
    /// The query has no RD, and the cache has no answer.
    NOT_AUTHORITATIVE = 20;
    /// The servers reply, but do not serve the zone or give unusable replies.
    NO_REACHABLE_AUTHORITY = 22;
    /// No reply came, or the network reported an error.
    NETWORK_ERROR = 23;
    /// The replies of the servers are malformed.
    INVALID_DATA = 24;
    /// The denial has more NSEC3 iterations than are computed (RFC 9276).
    UNSUPPORTED_NSEC3_ITERATIONS = 27;
    /// The queried type is a meta type that no name can have (RFC 9824 section 9).
    INVALID_QUERY_TYPE = 30;
}

impl EdeCode {
    /// Whether the code reports a DNSSEC failure, which does not concern clients that disable
    /// checking (CD).
    #[must_use]
    pub fn is_bogus(self) -> bool {
        matches!(self.0, 5..=12)
    }

    /// The name of the code in the registry.
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
    fn a_report_channel_is_read_and_a_malformed_one_ignored() {
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
    fn a_padded_message_has_whole_blocks() {
        for before in [12, 452, 453, 454, 700, 65_000] {
            let mut wire = vec![0; before];
            ResponseOpt { is_padded: true, ..ResponseOpt::default() }.append_to(&mut wire);
            assert_eq!(wire.len(), (before + 11 + 4).next_multiple_of(RESPONSE_BLOCK), "{before}");
            let mut edns = Edns::default();
            assert_eq!(edns.read_options(&wire[before + 11..]), Some(()));
        }
        let mut wire = vec![0; 65_510];
        ResponseOpt { is_padded: true, ..ResponseOpt::default() }.append_to(&mut wire);
        assert_eq!(wire.len(), 65_535);
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
