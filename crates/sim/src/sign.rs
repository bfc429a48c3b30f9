//! Signing the zones of a simulated Internet.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding,
};
use bytes::{BufMut, Bytes};
use zoners_dns::{Name, RRset, Records, Rtype, name};
use zoners_dnssec::algorithm::digest;
use zoners_dnssec::dnskey::Dnskey;
use zoners_dnssec::rrsig::{Rrsig, labels};
use zoners_dnssec::signed_data;

/// A key-signing key signing every RRset of its zone.
const FLAGS: u16 = 257;
/// SHA-256.
const DIGEST: u8 = 2;

/// The denial method of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denying {
    /// NSEC.
    Nsec,
    /// Compact denial: one NSEC record, made and signed for each denial, with NXNAME where the name
    /// does not exist (RFC 9824). Only with algorithm 15, since the key is derived from the zone's
    /// name.
    Compact {
        /// Whether the RCODE is NXDOMAIN, as in replies to queries with CO (RFC 9824 section 5.1).
        restores: bool,
    },
    /// NSEC3 with a number of iterations, with or without opt-out; the salt is `AB`.
    Nsec3 {
        /// Iterations beyond the first hash.
        iterations: u16,
        /// Unsigned delegations are left out of the chain.
        opt_out: bool,
    },
}

/// How a zone is signed.
#[derive(Clone, Copy, Debug)]
pub struct Signing {
    /// 8, 10, 13, 14 or 15.
    pub algorithm: u8,
    /// The denial method.
    pub denying: Denying,
    /// The first second in which signatures are valid.
    pub inception: u32,
    /// The last.
    pub expiration: u32,
}

impl Default for Signing {
    /// Algorithm 15, NSEC, valid from 2020 to 2040.
    fn default() -> Self {
        Signing {
            algorithm: 15,
            denying: Denying::Nsec,
            inception: 1_577_836_800,
            expiration: 2_208_988_800,
        }
    }
}

/// The private half of a zone's key.
#[derive(Debug)]
enum Private {
    Rsa(&'static RsaKeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A zone's key.
#[derive(Debug)]
pub struct Key {
    zone: Name,
    private: Private,
    /// The public half.
    pub public: Dnskey,
}

/// One RSA key for every zone, since key generation is slow.
static RSA: LazyLock<RsaKeyPair> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the fixture is a key")]
    RsaKeyPair::from_pkcs8(include_bytes!("../data/rsa.pk8")).expect("a key")
});

impl Key {
    /// A key of `zone`; keys of algorithms 8, 10 and 15 are always the same.
    ///
    /// # Panics
    /// If the algorithm is unknown, which is an error of the test.
    #[must_use]
    #[expect(clippy::panic, clippy::expect_used, reason = "a test that is wrong must say so")]
    pub fn new(zone: &Name, algorithm: u8) -> Self {
        let ecdsa = |kind| EcdsaKeyPair::generate(kind).expect("a key");
        let private = match algorithm {
            8 => Private::Rsa(&RSA, &RSA_PKCS1_SHA256),
            10 => Private::Rsa(&RSA, &RSA_PKCS1_SHA512),
            13 => Private::Ecdsa(ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING)),
            14 => Private::Ecdsa(ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING)),
            15 => {
                let seed = digest(DIGEST, &[zone.as_slice()]).expect("SHA-256 is known");
                let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref());
                Private::Ed25519(pair.expect("any seed will do"))
            }
            other => panic!("algorithm {other}: not one that is signed with"),
        };
        let mut rdata = Vec::from(FLAGS.to_be_bytes());
        rdata.put_slice(&[3, algorithm]);
        match &private {
            Private::Rsa(pair, _) => {
                let public = pair.public_key();
                let exponent = public.exponent().big_endian_without_leading_zero();
                rdata.put_u8(exponent.len() as u8);
                rdata.put_slice(exponent);
                rdata.put_slice(public.modulus().big_endian_without_leading_zero());
            }
            // Without the first octet, which marks an uncompressed point.
            Private::Ecdsa(pair) => rdata.put_slice(&pair.public_key().as_ref()[1..]),
            Private::Ed25519(pair) => rdata.put_slice(pair.public_key().as_ref()),
        }
        let public = Dnskey::read(&Bytes::from(rdata)).expect("it is not torn");
        Key { zone: zone.clone(), private, public }
    }

    /// The key with its REVOKE flag set (RFC 5011 section 2.1).
    ///
    /// # Panics
    /// If the key is no ECDSA key, which is an error of the test.
    #[must_use]
    #[expect(clippy::panic, clippy::expect_used, reason = "a test that is wrong must say so")]
    pub fn revoked(&self) -> Self {
        let Private::Ecdsa(pair) = &self.private else { panic!("only ECDSA keys are copied") };
        let kind = match self.public.algorithm {
            13 => &ECDSA_P256_SHA256_FIXED_SIGNING,
            _ => &ECDSA_P384_SHA384_FIXED_SIGNING,
        };
        let document = pair.to_pkcs8v1().expect("it can be written");
        let pair = EcdsaKeyPair::from_pkcs8(kind, document.as_ref()).expect("it was a key");
        let mut rdata = self.public.rdata.to_vec();
        rdata[1] |= 0x80;
        let public = Dnskey::read(&Bytes::from(rdata)).expect("it is not torn");
        Key { zone: self.zone.clone(), private: Private::Ecdsa(pair), public }
    }

    /// The DS record of the key.
    #[must_use]
    pub fn ds(&self) -> RRset {
        let lower = name::lowercase(&self.zone);
        let digest = digest(DIGEST, &[lower.as_slice(), &self.public.rdata]);
        let digest = digest.map(|digest| digest.as_ref().to_vec()).unwrap_or_default();
        let mut rdata = Vec::from(self.public.tag.to_be_bytes());
        rdata.put_slice(&[self.public.algorithm, DIGEST]);
        rdata.put_slice(&digest);
        RRset::new(self.zone.clone(), Rtype::DS, 3600, Records::from_iter([rdata]))
    }

    /// The DNSKEY RRset of the zone, not yet signed.
    #[must_use]
    pub fn dnskey(&self) -> RRset {
        let records = Records::from_iter([&self.public.rdata]);
        RRset::new(self.zone.clone(), Rtype::DNSKEY, 3600, records)
    }

    /// Signs an RRset of the zone.
    pub fn sign(&self, set: &mut RRset, signing: &Signing) {
        let mut rdata = Vec::from(set.rtype.to_int().to_be_bytes());
        rdata.put_slice(&[self.public.algorithm, labels(&set.owner) as u8]);
        rdata.put_u32(set.ttl);
        rdata.put_u32(signing.expiration);
        rdata.put_u32(signing.inception);
        rdata.put_u16(self.public.tag);
        rdata.put_slice(self.zone.as_slice());
        let Some(rrsig) = Rrsig::read(&Bytes::from(rdata.clone())) else { return };
        rdata.put_slice(&self.signature(&signed_data::compose(set, &rrsig)));
        set.signatures = Records::from_iter([rdata]);
    }

    #[expect(clippy::expect_used, reason = "signing in memory does not fail")]
    fn signature(&self, data: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.private {
            Private::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, data, &mut signature).expect("it signs");
                signature
            }
            Private::Ecdsa(pair) => pair.sign(&random, data).expect("it signs").as_ref().to_vec(),
            Private::Ed25519(pair) => pair.sign(data).as_ref().to_vec(),
        }
    }
}
