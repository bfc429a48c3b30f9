//! Keys signing RRsets for the tests.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512,
};
use bytes::{BufMut, Bytes};
use zoners_dns::{RRset, Records, Rtype};

use super::parsed;
use crate::dnskey::Dnskey;
use crate::rrsig::{Rrsig, labels};
use crate::signed_data;

/// Flags of a key-signing key.
pub(super) const KSK: u16 = 0x0101;
/// The REVOKE flag.
pub(super) const REVOKED: u16 = 0x0080;

/// The first and the last second of a signature, unless a test sets others.
pub(super) const VALID: (u32, u32) = (1_000, 2_000);

enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A key of a zone with its private half.
pub(super) struct Signer {
    pair: Pair,
    pub(super) zone: String,
    pub(super) key: Dnskey,
}

/// The fields of a signature that tests vary.
#[derive(Clone, Copy)]
pub(super) struct SignatureTerms<'a> {
    pub(super) validity: (u32, u32),
    /// The labels field, if not the labels of the owner.
    pub(super) labels: Option<u8>,
    /// The signer, if not the zone of the key.
    pub(super) signer: Option<&'a str>,
    pub(super) original_ttl: u32,
}

impl Default for SignatureTerms<'_> {
    fn default() -> Self {
        SignatureTerms { validity: VALID, labels: None, signer: None, original_ttl: 300 }
    }
}

impl Signer {
    /// A key-signing key of `zone`. Ed25519 keys (15) depend on `seed` alone, other keys are random.
    pub(super) fn new(zone: &str, algorithm: u8, seed: u8) -> Self {
        let pair = match algorithm {
            8 | 10 => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
            13 => Pair::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()),
            14 => Pair::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap()),
            _ => Pair::Ed25519(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()),
        };
        let key = key(KSK, algorithm, &public(&pair));
        Signer { pair, zone: zone.to_owned(), key }
    }

    /// The DNSKEY RRset with this key alone, parsed.
    pub(super) fn keys(&self) -> &[Dnskey] {
        std::slice::from_ref(&self.key)
    }

    /// The same key with other flags.
    pub(super) fn with_flags(&self, flags: u16) -> Dnskey {
        key(flags, self.key.algorithm, &self.key.key)
    }

    /// The RRset with one more signature.
    pub(super) fn sign(&self, set: &RRset, terms: SignatureTerms<'_>) -> RRset {
        self.sign_as(&self.key, set, terms)
    }

    /// The RRset with one more signature, which names the tag of `key`.
    pub(super) fn sign_as(&self, key: &Dnskey, set: &RRset, terms: SignatureTerms<'_>) -> RRset {
        let mut rdata = Vec::from(set.rtype.to_int().to_be_bytes());
        rdata.put_slice(&[key.algorithm, terms.labels.unwrap_or(labels(&set.owner) as u8)]);
        rdata.put_u32(terms.original_ttl);
        rdata.put_u32(terms.validity.1);
        rdata.put_u32(terms.validity.0);
        rdata.put_u16(key.tag);
        rdata.put_slice(parsed(terms.signer.unwrap_or(&self.zone)).as_slice());
        let rrsig = Rrsig::read(&Bytes::from(rdata.clone())).unwrap();
        rdata.put_slice(&self.signature(&signed_data::compose(set, &rrsig)));
        let signatures = set.signatures.iter().chain([Bytes::from(rdata)]).collect();
        RRset { signatures, ..set.clone() }
    }

    fn signature(&self, data: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let hash =
                    if self.key.algorithm == 8 { &RSA_PKCS1_SHA256 } else { &RSA_PKCS1_SHA512 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(hash, &random, data, &mut signature).unwrap();
                signature
            }
            Pair::Ecdsa(pair) => pair.sign(&random, data).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(data).as_ref().to_vec(),
        }
    }
}

/// The public key in the format of DNSKEY records.
fn public(pair: &Pair) -> Vec<u8> {
    match pair {
        Pair::Rsa(pair) => {
            let exponent = pair.public_key().exponent().big_endian_without_leading_zero().to_vec();
            let modulus = pair.public_key().modulus().big_endian_without_leading_zero().to_vec();
            [&[exponent.len() as u8][..], &exponent, &modulus].concat()
        }
        // Without the first octet, which marks an uncompressed point.
        Pair::Ecdsa(pair) => pair.public_key().as_ref()[1..].to_vec(),
        Pair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
    }
}

fn key(flags: u16, algorithm: u8, public: &[u8]) -> Dnskey {
    let mut rdata = Vec::from(flags.to_be_bytes());
    rdata.put_slice(&[3, algorithm]);
    rdata.put_slice(public);
    Dnskey::read(&Bytes::from(rdata)).unwrap()
}

/// The DNSKEY RRset of keys, not signed.
pub(super) fn dnskey_rrset(zone: &str, keys: &[&Dnskey]) -> RRset {
    let records: Records = keys.iter().map(|key| &key.rdata).collect();
    RRset::new(parsed(zone), Rtype::DNSKEY, 300, records)
}
