use super::*;
use crate::name;
use crate::zonefile::parse;
use proptest::prelude::*;

/// The RDATA of the only record.
fn rdata(text: &str) -> Vec<u8> {
    let sets = parse(text, &name::root()).unwrap();
    assert_eq!((sets.len(), sets[0].records.len()), (1, 1), "{text}");
    sets[0].records.first().unwrap().to_vec()
}

#[test]
fn algorithms_and_digests_have_mnemonics() {
    for (algorithm, number) in [
        ("RSAMD5", 1),
        ("DSA", 3),
        ("RSASHA1", 5),
        ("DSA-NSEC3-SHA1", 6),
        ("NSEC3DSA", 6),
        ("RSASHA1-NSEC3-SHA1", 7),
        ("NSEC3RSASHA1", 7),
        ("RSASHA256", 8),
        ("RSASHA512", 10),
        ("ECC-GOST", 12),
        ("ECCGOST", 12),
        ("ECDSAP256SHA256", 13),
        ("ecdsap384sha384", 14),
        ("ED25519", 15),
        ("Ed448", 16),
        ("PRIVATEDNS", 253),
        ("8", 8),
        ("200", 200),
    ] {
        assert_eq!(rdata(&format!("a. DS 1 {algorithm} 2 AB"))[2], number, "{algorithm}");
        assert_eq!(rdata(&format!("a. DNSKEY 257 3 {algorithm} AQID"))[3], number, "{algorithm}");
        let rrsig = format!("a. RRSIG A {algorithm} 1 60 20300101000000 20200101000000 1 a. AQID");
        assert_eq!(rdata(&rrsig)[2], number, "{algorithm}");
    }
    for (digest, number) in [
        ("SHA-1", 1),
        ("sha1", 1),
        ("SHA-256", 2),
        ("SHA256", 2),
        ("GOST", 3),
        ("SHA-384", 4),
        ("SHA384", 4),
        ("4", 4),
    ] {
        assert_eq!(
            rdata(&format!("a. CDS 1 RSASHA256 {digest} AB"))[2..4],
            [8, number],
            "{digest}"
        );
    }
}

#[test]
fn records_are_found_in_every_notation() {
    let expected = [&[1, 1, 3, 8][..], &[1, 2, 3]].concat();
    for text in [
        ". DNSKEY 257 3 RSASHA256 AQID",
        ".\t172800\tIN\tDNSKEY\t257\t3\tRSASHA256\tAQID",
        ". IN 172800 DNSKEY 257 3 RSASHA256 AQID",
        ". 172800 dnskey 257 3 rsasha256 AQ ID ; a comment (with RSASHA1",
        ". IN DNSKEY 257 3 RSASHA256 ( ; begins\n  AQ\n  ID ) ; ends",
        ". IN DNSKEY ( 257 3 ; a comment\n RSASHA256\n AQID )\r\n",
        "; DNSKEY 257 3 RSASHA999 AQID\n\n. DNSKEY 257 3 RSASHA256 AQID\n",
        "$TTL 60\n$ORIGIN .\n@ DNSKEY 257 3 RSASHA256 AQID\n",
        // The format of Unbound's auto-trust-anchor-file.
        "; autotrust trust anchor file\n;;id: . 1\n.\t86400\tIN\tDNSKEY\t257 3 RSASHA256 AQID ;{id = \
         20326 (ksk), size = 2048b} ;;state=2 [  VALID  ] ;;count=0 ;;Thu Jan  1 00:00:00 2026\n",
    ] {
        assert_eq!(rdata(text), expected, "{text}");
    }
    let indented = "a. DS 1 8 2 AB\n  DS 2 ED25519 SHA-256 CD\n";
    let sets = parse(indented, &name::root()).unwrap();
    assert_eq!(sets[0].records.iter().nth(1).unwrap().to_vec(), [0, 2, 15, 2, 0xCD]);
}

#[test]
fn words_that_are_not_mnemonics_stay() {
    for text in [
        "ds. TXT RSASHA256 SHA-256 \"DS 1 RSASHA1 SHA-1\"",
        "RSASHA256. A 192.0.2.1",
        "a. TXT \"a ; b \\\" ( \" ED25519",
        "a\\ DS.b. TXT DS 1 RSASHA256 SHA-1",
        "a. DS \\# 5 0001 0802AB",
    ] {
        assert!(matches!(to_numbers(text), Ok((Cow::Borrowed(_), _))), "{text}");
        assert!(parse(text, &name::root()).is_ok(), "{text}");
    }
}

#[test]
fn unknown_mnemonics_are_errors_with_their_line() {
    let told = |text: &str| parse(text, &name::root()).unwrap_err().to_string();
    let error = told(". DS 1 8 2 AB\n\n. DNSKEY 257 3 (\n RSASHA999 AQID )");
    assert_eq!(error, "near line 4: `RSASHA999` is no DNSSEC algorithm");
    let error = told("a. DS 1 RSASHA256 SHA-2 AB");
    assert_eq!(error, "near line 1: `SHA-2` is no digest type of a DS record");
}

proptest! {
    #[test]
    fn scanning_never_panics(text in "[ a.\"\\\\;()\t\nDS18RSé]{0,60}") {
        let _ = to_numbers(&text);
    }
}
