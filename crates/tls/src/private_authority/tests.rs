//! Certificates of a private authority, as clients see them.

use jiff::civil::date;
use rustls::pki_types::ServerName;

use super::*;
use crate::{CertificateChain, CertificateFiles};

const TODAY: Date = date(2026, 11, 27);

fn subjects(names: &[&str], addresses: &[&str]) -> CertificateSubjects {
    let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
    CertificateSubjects { names: names.iter().map(|&name| name.to_owned()).collect(), addresses }
}

#[test]
fn a_certificate_is_for_its_names_and_addresses_and_is_accepted() {
    let wanted = subjects(&["dns.home.arpa"], &["192.168.1.2", "fd00::2"]);
    let authority = PrivateAuthority::new(&wanted, TODAY).unwrap();
    let made = authority.certify(&wanted, TODAY).unwrap();
    assert_eq!(made.last_day, date(2029, 2, 24));
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("chain.pem"), &made.chain).unwrap();
    std::fs::write(at("key.pem"), &made.key).unwrap();
    let certificate =
        CertificateFiles { chain: at("chain.pem"), key: at("key.pem") }.read().unwrap();
    assert_eq!(certificate.names(), ["dns.home.arpa"]);
    let chain = CertificateChain::read(&at("chain.pem")).unwrap();
    assert_eq!(chain.names(), ["dns.home.arpa"]);
    assert!(chain.is_signed_by(authority.pem()));
    let other = PrivateAuthority::new(&wanted, TODAY).unwrap();
    assert!(!chain.is_signed_by(other.pem()) && !chain.is_signed_by("no certificate"));
    for (host, expected) in [
        ("dns.home.arpa", true),
        ("192.168.1.2", true),
        ("fd00::2", true),
        ("192.168.1.3", false),
        ("other.home.arpa", false),
    ] {
        assert_eq!(certificate.covers(&ServerName::try_from(host).unwrap()), expected, "{host}");
    }
}

#[test]
fn a_stored_authority_certifies_private_subjects_again_and_no_foreign_ones() {
    let first = subjects(&["dns.example.net"], &["192.168.1.2", "203.0.113.7"]);
    let made = PrivateAuthority::new(&first, TODAY).unwrap();
    let again = PrivateAuthority::from_pem(made.pem(), &made.key_pem()).unwrap();
    let later = date(2028, 6, 1);
    for allowed in [
        first,
        subjects(&["sub.dns.example.net", "nas.home.arpa"], &["10.0.0.1", "::1"]),
        subjects(&[], &["203.0.113.7"]),
    ] {
        assert!(again.certify(&allowed, later).is_ok(), "{allowed:?}");
    }
    for foreign in [subjects(&["bank.example"], &[]), subjects(&["a.local"], &["203.0.113.8"])] {
        let refused = again.certify(&foreign, later);
        assert!(matches!(refused, Err(AuthorityFault::NotAllowed)), "{refused:?}");
    }
    let private = subjects(&["a.local"], &[]);
    let last_years = again.certify(&private, date(2035, 10, 1)).unwrap();
    assert_eq!(last_years.last_day, date(2036, 11, 27), "that of the authority");
    assert!(again.certify(&private, date(2036, 11, 27)).is_ok(), "its last day");
    let over = again.certify(&private, date(2036, 11, 28));
    assert!(matches!(over, Err(AuthorityFault::Authority(_))), "{over:?}");
    let expired = again.certify(&subjects(&["a.local"], &[]), date(2037, 1, 1));
    assert!(matches!(expired, Err(AuthorityFault::Authority(_))), "{expired:?}");
}

#[test]
fn a_moment_has_a_day() {
    for (seconds, expected) in [(0, date(1970, 1, 1)), (1_795_651_200, date(2026, 11, 26))] {
        assert_eq!(day_of(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        let last_second = seconds + 86_399;
        assert_eq!(day_of(SystemTime::UNIX_EPOCH + Duration::from_secs(last_second)), expected);
    }
}

#[test]
fn names_that_are_none_and_foreign_keys_are_refused() {
    for name in ["", "a b", "*.home.arpa", "ä.home.arpa", "a..b"] {
        let refused = PrivateAuthority::new(&subjects(&[name], &[]), TODAY);
        assert!(matches!(refused, Err(AuthorityFault::Name(_))), "{name:?}");
    }
    let own = subjects(&["dns.home.arpa"], &[]);
    let (one, other) = (PrivateAuthority::new(&own, TODAY), PrivateAuthority::new(&own, TODAY));
    let mixed = PrivateAuthority::from_pem(one.unwrap().pem(), &other.unwrap().key_pem()).unwrap();
    let refused = mixed.certify(&own, TODAY);
    assert!(matches!(refused, Err(AuthorityFault::Authority(_))), "{refused:?}");
    assert!(PrivateAuthority::from_pem("", "").is_err());
}
