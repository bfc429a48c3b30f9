//! A private certificate authority (CA), for names and addresses that no public CA certifies.
//!
//! Name constraints (RFC 5280 section 4.2.1.10) allow certificates for a few names, and for addresses of networks at
//! home, alone: a device risks little by trusting the authority.

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, SanType, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;

use crate::certificate::validity;
use crate::provider;

/// Years for which an authority is valid: a new authority must be installed on each device.
const AUTHORITY_YEARS: i16 = 10;
/// Days for which a certificate is valid: devices of Apple accept 825 at most.
const CERTIFICATE_DAYS: i16 = 820;
/// Permitted names, beside the names of the first certificate: for homes and private networks (RFC 8375; reserved by
/// ICANN; RFC 6762).
const PRIVATE_NAMES: [&str; 3] = ["home.arpa", "internal", "local"];
/// Permitted addresses, beside the addresses of the first certificate (RFC 1918, RFC 6598, RFC 3927, RFC 4193,
/// RFC 4291).
const PRIVATE_ADDRESSES: [(&str, u8); 9] = [
    ("10.0.0.0", 8),
    ("172.16.0.0", 12),
    ("192.168.0.0", 16),
    ("100.64.0.0", 10),
    ("169.254.0.0", 16),
    ("127.0.0.0", 8),
    ("fc00::", 7),
    ("fe80::", 10),
    ("::1", 128),
];

/// An authority, with its private key.
#[derive(Debug)]
pub struct PrivateAuthority {
    certificate: CertificateDer<'static>,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// The names and addresses of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateSubjects {
    /// Names, without wildcards.
    pub names: Vec<String>,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
}

/// A new certificate, in PEM form.
#[derive(Debug)]
pub struct MadeCertificate {
    /// The certificate.
    pub chain: String,
    /// The private key.
    pub key: String,
    /// The last day on which the certificate is valid.
    pub last_day: Date,
}

/// Why there is no authority, or no certificate.
#[derive(Debug)]
pub enum AuthorityFault {
    /// The certificate or the key of the authority cannot be used.
    Authority(String),
    /// A name is no host name.
    Name(String),
    /// The constraints of the authority do not allow a name or an address.
    NotAllowed,
    /// The library failed.
    Library(rcgen::Error),
}

impl fmt::Display for AuthorityFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuthorityFault::Authority(what) => {
                write!(f, "the authority there cannot be used: {what}")
            }
            AuthorityFault::Name(name) => write!(f, "{name:?} is no name of a host"),
            AuthorityFault::NotAllowed => {
                f.write_str("the authority there may not certify these names and addresses")
            }
            AuthorityFault::Library(error) => write!(f, "no certificate can be made: {error}"),
        }
    }
}

impl std::error::Error for AuthorityFault {}

impl From<rcgen::Error> for AuthorityFault {
    fn from(error: rcgen::Error) -> Self {
        AuthorityFault::Library(error)
    }
}

impl PrivateAuthority {
    /// A new authority, permitted to certify the subjects and private networks.
    ///
    /// # Errors
    /// A name is no host name.
    pub fn new(subjects: &CertificateSubjects, today: Date) -> Result<Self, AuthorityFault> {
        let key = KeyPair::generate()?;
        let mut params = authority_params(&key);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        set_validity(&mut params, today, after(today, AUTHORITY_YEARS.years()));
        params.name_constraints = Some(constraints(subjects)?);
        let certificate = params.self_signed(&key)?;
        let (pem, certificate) = (certificate.pem(), certificate.der().clone());
        Ok(PrivateAuthority { certificate, pem, issuer: Issuer::new(params, key) })
    }

    /// The authority with a certificate and a key in PEM form.
    ///
    /// # Errors
    /// The texts are no certificate and no key of [`PrivateAuthority::new`].
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, AuthorityFault> {
        let wrong = |what: &dyn fmt::Display| AuthorityFault::Authority(what.to_string());
        let key = KeyPair::from_pem(key).map_err(|error| wrong(&error))?;
        let der = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|error| wrong(&error))?;
        let params = authority_params(&key);
        let issuer = Issuer::new(params, key);
        Ok(PrivateAuthority { certificate: der, pem: certificate.to_owned(), issuer })
    }

    /// The certificate of the authority, in PEM form, for devices.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The private key of the authority, in PEM form.
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Makes a certificate with a new key.
    ///
    /// # Errors
    /// A name is no host name, or the constraints of the authority do not allow a subject.
    pub fn certify(
        &self,
        subjects: &CertificateSubjects,
        today: Date,
    ) -> Result<MadeCertificate, AuthorityFault> {
        let names = subjects.names.iter().map(|name| ia5(name).map(SanType::DnsName));
        let addresses = subjects.addresses.iter().map(|address| Ok(SanType::IpAddress(*address)));
        let own = validity(&self.certificate).map_err(AuthorityFault::Authority)?;
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(own.not_after);
        let last_day = after(today, CERTIFICATE_DAYS.days()).min(day_of(end));
        let mut params = CertificateParams::default();
        params.subject_alt_names = names.chain(addresses).collect::<Result<_, _>>()?;
        params.distinguished_name =
            common_name(subjects.names.first().map_or("Zoners", String::as_str));
        set_validity(&mut params, today, last_day);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let made = params.signed_by(&key, &self.issuer)?;
        self.check(made.der(), today)?;
        Ok(MadeCertificate { chain: made.pem(), key: key.serialize_pem(), last_day })
    }

    /// Checks a new certificate as a client does.
    fn check(&self, made: &CertificateDer<'_>, today: Date) -> Result<(), AuthorityFault> {
        let wrong = |error: rustls::Error| AuthorityFault::Authority(error.to_string());
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).map_err(wrong)?;
        let parsed = ParsedCertificate::try_from(made).map_err(wrong)?;
        let algorithms = provider().signature_verification_algorithms.all;
        let now = today.duration_since(Date::constant(1970, 1, 1));
        let now = Duration::try_from(now).unwrap_or_default();
        // webpki does not look at the validity of a trust anchor.
        let own = validity(&self.certificate).map_err(AuthorityFault::Authority)?;
        if !own.contains(now.as_secs()) {
            return Err(AuthorityFault::Authority("it has expired".to_owned()));
        }
        let now = UnixTime::since_unix_epoch(now);
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &[], now, algorithms).map_err(
            |error| match error {
                rustls::Error::InvalidCertificate(rustls::CertificateError::Other(_)) => {
                    AuthorityFault::NotAllowed
                }
                error => wrong(error),
            },
        )
    }
}

/// The parts of an authority that depend on the key.
fn authority_params(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    // Devices show the name: two authorities of a network need different names.
    let mark = params.key_identifier(key).iter().take(3).fold(String::new(), |mut text, octet| {
        use fmt::Write as _;
        let _ = write!(text, "{octet:02x}");
        text
    });
    params.distinguished_name = common_name(&format!("Zoners authority {mark}"));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// What the authority may certify.
fn constraints(subjects: &CertificateSubjects) -> Result<NameConstraints, AuthorityFault> {
    let private = PRIVATE_NAMES.into_iter();
    let names = private.chain(subjects.names.iter().map(String::as_str));
    let mut permitted = Vec::new();
    for name in names {
        ia5(name)?;
        permitted.push(GeneralSubtree::DnsName(name.to_owned()));
    }
    let private = PRIVATE_ADDRESSES.into_iter();
    let private = private.filter_map(|(address, bits)| Some((address.parse().ok()?, bits)));
    let own = subjects.addresses.iter().map(|address| (*address, bits(*address)));
    let subnets = private.chain(own);
    permitted.extend(subnets.map(|(address, bits)| {
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, bits))
    }));
    Ok(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() })
}

/// A host name in the letters of a certificate.
fn ia5(name: &str) -> Result<Ia5String, AuthorityFault> {
    let is_host = rustls::pki_types::DnsName::try_from(name).is_ok();
    let text = Ia5String::try_from(name).ok().filter(|_| is_host);
    text.ok_or_else(|| AuthorityFault::Name(name.to_owned()))
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn after(today: Date, span: Span) -> Date {
    today.checked_add(span).unwrap_or(Date::MAX)
}

/// The validity from the day before today on, as clocks of devices may be slow, to the end of the last day.
fn set_validity(params: &mut CertificateParams, today: Date, last_day: Date) {
    let moment = |day: Date| {
        date_time_ymd(day.year().into(), day.month().unsigned_abs(), day.day().unsigned_abs())
    };
    params.not_before = moment(today.yesterday().unwrap_or(today));
    params.not_after = moment(last_day.tomorrow().unwrap_or(last_day)) - Duration::from_secs(1);
}

/// The day of a moment, in UTC.
#[must_use]
pub fn day_of(moment: SystemTime) -> Date {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let days = i32::try_from(since.as_secs() / 86_400).unwrap_or_default();
    after(Date::constant(1970, 1, 1), days.days())
}

/// The fingerprint of the first certificate of a text in PEM form, by SHA-256, as devices show it: octets with colons.
#[must_use]
pub fn fingerprint(pem: &str) -> Option<String> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &certificate);
    let octets: Vec<String> = digest.as_ref().iter().map(|octet| format!("{octet:02X}")).collect();
    Some(octets.join(":"))
}
