//! Signed messages between servers: TSIG (RFC 8945).
//!
//! `domain` has TSIG too, but on `ring`, as a second crypto library beside aws-lc-rs.

mod stream;

use std::fmt;

use aws_lc_rs::hmac;
use zoners_dns::message::TsigRecord;
use zoners_dns::{Name, Rtype, name};

pub use stream::TsigStream;

/// Seconds by which the clocks of the two servers may differ (RFC 8945 section 10).
const FUDGE: u16 = 300;
/// The class ANY of a TSIG record, and its TTL of 0.
const CLASS_AND_TTL: [u8; 6] = [0, 255, 0, 0, 0, 0];
const HEADER_OCTETS: usize = 12;

/// The algorithm of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TsigAlgorithm {
    /// hmac-sha256
    HmacSha256,
    /// hmac-sha384
    HmacSha384,
    /// hmac-sha512
    HmacSha512,
}

/// A key shared by two servers.
#[derive(Clone, PartialEq, Eq)]
pub struct TsigKey {
    name: Name,
    algorithm: TsigAlgorithm,
    secret: Box<[u8]>,
}

/// Why a message does not count as signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TsigFault {
    /// The message has no TSIG record, where one is due.
    Unsigned,
    /// The TSIG record is malformed.
    Malformed,
    /// The message is signed with a different key or algorithm.
    OtherKey,
    /// The signature does not fit.
    BadSignature,
    /// The message was signed too long ago, or in the future.
    BadTime,
    /// The other server rejects our signature, with this error code (RFC 8945 section 3).
    Rejected(u16),
}

/// The fields of a TSIG record.
struct TsigFields<'a> {
    algorithm: &'a [u8],
    signed_at: u64,
    fudge: u16,
    mac: &'a [u8],
    original_id: [u8; 2],
    error: u16,
    /// Error, length of the other data, and the other data, as they are signed.
    tail: &'a [u8],
}

impl TsigAlgorithm {
    /// The algorithm of a name such as `hmac-sha256`.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "hmac-sha256" => Some(TsigAlgorithm::HmacSha256),
            "hmac-sha384" => Some(TsigAlgorithm::HmacSha384),
            "hmac-sha512" => Some(TsigAlgorithm::HmacSha512),
            _ => None,
        }
    }

    /// The name of the algorithm on the wire.
    fn wire(self) -> &'static [u8] {
        match self {
            TsigAlgorithm::HmacSha256 => b"\x0Bhmac-sha256\0",
            TsigAlgorithm::HmacSha384 => b"\x0Bhmac-sha384\0",
            TsigAlgorithm::HmacSha512 => b"\x0Bhmac-sha512\0",
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            TsigAlgorithm::HmacSha256 => hmac::HMAC_SHA256,
            TsigAlgorithm::HmacSha384 => hmac::HMAC_SHA384,
            TsigAlgorithm::HmacSha512 => hmac::HMAC_SHA512,
        }
    }
}

impl TsigKey {
    /// A key with the name that both servers give it.
    #[must_use]
    pub fn new(name: &Name, algorithm: TsigAlgorithm, secret: &[u8]) -> Self {
        TsigKey { name: name::lowercase(name), algorithm, secret: secret.into() }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Signs a request at `now`, in seconds since 1970. Returns the MAC, to which the signatures of the replies refer.
    pub fn sign_request(&self, message: &mut Vec<u8>, now: u64) -> Vec<u8> {
        self.sign(message, &[], now)
    }

    /// Signs the only reply to a request with this MAC.
    pub fn sign_reply(&self, message: &mut Vec<u8>, request_mac: &[u8], now: u64) {
        self.sign(message, &with_length(request_mac), now);
    }

    /// Checks the signature of a request; returns the MAC.
    ///
    /// # Errors
    /// The message is not signed with this key, or not now.
    pub fn verify_request(
        &self,
        message: &[u8],
        tsig: Option<&TsigRecord>,
        now: u64,
    ) -> Result<Vec<u8>, TsigFault> {
        let tsig = tsig.ok_or(TsigFault::Unsigned)?;
        let fields = self.fields(tsig)?;
        let mut signed = without_tsig(message, tsig, &fields).ok_or(TsigFault::Malformed)?;
        signed.extend(self.variables(&fields));
        self.verify(&signed, &fields, now)?;
        Ok(fields.mac.to_vec())
    }

    fn sign(&self, message: &mut Vec<u8>, prior: &[u8], now: u64) -> Vec<u8> {
        let time = now.to_be_bytes();
        let time = time.get(2..).unwrap_or_default();
        let fudge = FUDGE.to_be_bytes();
        // No error and no other data.
        let variables =
            [self.name.as_slice(), &CLASS_AND_TTL, self.algorithm.wire(), time, &fudge, &[0; 4]];
        let mac = self.mac(&[prior, message, &variables.concat()].concat());
        let id: Vec<u8> = message.iter().take(2).copied().collect();
        let rdata =
            [self.algorithm.wire(), time, &fudge, &with_length(&mac), &id, &[0; 4]].concat();
        message.extend_from_slice(self.name.as_slice());
        message.extend_from_slice(&Rtype::TSIG.to_int().to_be_bytes());
        message.extend_from_slice(&CLASS_AND_TTL);
        message.extend_from_slice(&with_length(&rdata));
        add_to_additional(message, 1);
        mac
    }

    /// The fields of a TSIG record of this key.
    fn fields<'a>(&self, tsig: &'a TsigRecord) -> Result<TsigFields<'a>, TsigFault> {
        let fields = TsigFields::read(&tsig.record.rdata).ok_or(TsigFault::Malformed)?;
        let is_ours = tsig.record.owner == self.name
            && fields.algorithm.eq_ignore_ascii_case(self.algorithm.wire());
        match (is_ours, fields.error) {
            // A server without the key signs nothing (RFC 8945 section 5.3.2).
            (_, error) if error != 0 && fields.mac.is_empty() => Err(TsigFault::Rejected(error)),
            (false, _) => Err(TsigFault::OtherKey),
            (true, _) => Ok(fields),
        }
    }

    /// The variables under a signature, beside the message (RFC 8945 section 4.3.3).
    fn variables(&self, fields: &TsigFields<'_>) -> Vec<u8> {
        let algorithm = self.algorithm.wire();
        let timers = fields.timers();
        [self.name.as_slice(), &CLASS_AND_TTL, algorithm, &timers, fields.tail].concat()
    }

    fn verify(&self, signed: &[u8], fields: &TsigFields<'_>, now: u64) -> Result<(), TsigFault> {
        // A shortened MAC (RFC 8945 section 5.2.2.1) fails, too.
        let key = hmac::Key::new(self.algorithm.hmac(), &self.secret);
        hmac::verify(&key, signed, fields.mac).map_err(|_| TsigFault::BadSignature)?;
        if fields.signed_at.abs_diff(now) > u64::from(fields.fudge) {
            return Err(TsigFault::BadTime);
        }
        match fields.error {
            0 => Ok(()),
            error => Err(TsigFault::Rejected(error)),
        }
    }

    fn mac(&self, signed: &[u8]) -> Vec<u8> {
        let key = hmac::Key::new(self.algorithm.hmac(), &self.secret);
        hmac::sign(&key, signed).as_ref().to_vec()
    }
}

/// The secret stays out of the log.
impl fmt::Debug for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TsigKey({} {:?})", self.name, self.algorithm)
    }
}

impl<'a> TsigFields<'a> {
    fn read(rdata: &'a [u8]) -> Option<Self> {
        let mut end = 0;
        while let length @ 1..=63 = *rdata.get(end)? {
            end += 1 + usize::from(length);
        }
        let (algorithm, rest) = rdata.split_at_checked(end + 1)?;
        let ([t0, t1, t2, t3, t4, t5, f0, f1, m0, m1], rest) = rest.split_first_chunk::<10>()?;
        let (mac, rest) = rest.split_at_checked(u16::from_be_bytes([*m0, *m1]).into())?;
        let (original_id, tail) = rest.split_first_chunk::<2>()?;
        let error = u16::from_be_bytes(*tail.first_chunk::<2>()?);
        Some(TsigFields {
            algorithm,
            signed_at: u64::from_be_bytes([0, 0, *t0, *t1, *t2, *t3, *t4, *t5]),
            fudge: u16::from_be_bytes([*f0, *f1]),
            mac,
            original_id: *original_id,
            error,
            tail,
        })
    }

    /// The time and the fudge, as they are signed.
    fn timers(&self) -> Vec<u8> {
        let time = self.signed_at.to_be_bytes();
        [time.get(2..).unwrap_or_default(), &self.fudge.to_be_bytes()].concat()
    }
}

impl fmt::Display for TsigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TsigFault::Unsigned => f.write_str("not signed (TSIG)"),
            TsigFault::Malformed => f.write_str("the TSIG record is malformed"),
            TsigFault::OtherKey => f.write_str("signed with another key (TSIG)"),
            TsigFault::BadSignature => f.write_str("the signature (TSIG) does not fit"),
            TsigFault::BadTime => f.write_str("signed at another time (TSIG): the clocks differ"),
            TsigFault::Rejected(error) => {
                let why = match error {
                    16 => "BADSIG: the secrets differ",
                    17 => "BADKEY: the server does not know the key",
                    18 => "BADTIME: the clocks differ",
                    22 => "BADTRUNC",
                    _ => "an unknown error",
                };
                write!(f, "the server rejects our signature (TSIG): {why}")
            }
        }
    }
}

/// A message as it was signed: without the TSIG record, and with the ID of the signer.
fn without_tsig(message: &[u8], tsig: &TsigRecord, fields: &TsigFields<'_>) -> Option<Vec<u8>> {
    let mut signed = message.get(..tsig.at)?.to_vec();
    signed.get_mut(..2)?.copy_from_slice(&fields.original_id);
    add_to_additional(&mut signed, u16::MAX);
    Some(signed)
}

/// Adds to the count of additional records, modulo 2^16.
fn add_to_additional(message: &mut [u8], by: u16) {
    let count = message.get_mut(HEADER_OCTETS - 2..HEADER_OCTETS);
    if let Some(count) = count.and_then(|count| count.first_chunk_mut::<2>()) {
        *count = u16::from_be_bytes(*count).wrapping_add(by).to_be_bytes();
    }
}

fn with_length(octets: &[u8]) -> Vec<u8> {
    let length = u16::try_from(octets.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), octets].concat()
}

#[cfg(test)]
mod tests;
