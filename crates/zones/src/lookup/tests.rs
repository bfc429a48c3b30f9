use zoners_dns::{OptRcode, Rtype, name};

use crate::file;
use crate::reply::{ReplyKind, ZoneReply};

const ZONE: &str = "\
@ 3600 SOA ns hostmaster 7 3600 600 604800 300
@ 3600 NS ns
ns A 192.0.2.1
www CNAME host
host A 192.0.2.2
host AAAA 2001:db8::2
far CNAME www.other.test.
a.b.ent A 192.0.2.3
*.wild TXT x
*.wild MX 10 host
exists.wild A 192.0.2.4
*.alias CNAME host
sub NS ns.sub
sub NS ns.other.test.
ns.sub A 192.0.2.5
sub DS 1 13 2 00
into CNAME deep.sub
old DNAME new
x.new A 192.0.2.6
away DNAME other.test.
loop1 CNAME loop2
loop2 CNAME loop1
";

fn ask(asked: &str, rtype: Rtype) -> ZoneReply {
    let zone = file::load(&name::parse("example.test").unwrap(), ZONE, 1 << 20).unwrap();
    zone.reply(&name::parse(&format!("{asked}example.test")).unwrap(), rtype)
}

/// RCODE, kind, and the first words of the answer and authority sections.
fn seen(asked: &str, rtype: Rtype) -> String {
    let reply = ask(asked, rtype);
    let sets = |sets: &[zoners_dns::RRset]| {
        let sets = sets.iter().map(|set| format!("{} {}", set.owner, set.rtype));
        sets.collect::<Vec<_>>().join(", ").replace(".example.test", "")
    };
    let (answer, authority) = (sets(&reply.answer), sets(&reply.authority));
    format!("{} {:?}: {answer}; {authority}", reply.rcode, reply.kind)
}

#[test]
fn names_answer_with_their_records_and_denials_with_the_soa() {
    assert_eq!(seen("host.", Rtype::A), "NOERROR Answer: host A; ");
    assert_eq!(seen("HOST.", Rtype::A), "NOERROR Answer: HOST A; ");
    assert_eq!(seen("host.", Rtype::MX), "NOERROR Answer: ; example.test SOA");
    assert_eq!(seen("no.", Rtype::A), "NXDOMAIN Answer: ; example.test SOA");
    assert_eq!(seen("no.host.", Rtype::A), "NXDOMAIN Answer: ; example.test SOA");
    assert_eq!(seen("", Rtype::SOA), "NOERROR Answer: example.test SOA; ");
    assert_eq!(seen("", Rtype::NS), "NOERROR Answer: example.test NS; ");
    assert_eq!(seen("host.", Rtype::ANY), "NOERROR Answer: host A, host AAAA; ");
    assert_eq!(ask("no.", Rtype::A).authority[0].ttl, 300, "the least of TTL and MINIMUM");
}

#[test]
fn empty_non_terminals_exist() {
    for name in ["ent.", "b.ent."] {
        assert_eq!(seen(name, Rtype::A), "NOERROR Answer: ; example.test SOA", "{name}");
    }
    assert_eq!(seen("c.ent.", Rtype::A), "NXDOMAIN Answer: ; example.test SOA");
    assert_eq!(seen("en.", Rtype::A), "NXDOMAIN Answer: ; example.test SOA");
    assert_eq!(seen("ent-x.", Rtype::A), "NXDOMAIN Answer: ; example.test SOA");
}

#[test]
fn wildcards_answer_for_names_that_do_not_exist() {
    assert_eq!(seen("x.wild.", Rtype::TXT), "NOERROR Answer: x.wild TXT; ");
    assert_eq!(seen("y.x.wild.", Rtype::TXT), "NOERROR Answer: y.x.wild TXT; ");
    assert_eq!(seen("x.wild.", Rtype::A), "NOERROR Answer: ; example.test SOA");
    assert_eq!(seen("*.wild.", Rtype::TXT), "NOERROR Answer: *.wild TXT; ");
    // The closest encloser exists and has no wildcard (RFC 4592 section 2.2.1).
    assert_eq!(seen("x.exists.wild.", Rtype::TXT), "NXDOMAIN Answer: ; example.test SOA");
    assert_eq!(seen("exists.wild.", Rtype::TXT), "NOERROR Answer: ; example.test SOA");
    assert_eq!(seen("x.alias.", Rtype::A), "NOERROR Answer: x.alias CNAME, host A; ");
}

#[test]
fn aliases_are_followed_within_the_zone() {
    assert_eq!(seen("www.", Rtype::A), "NOERROR Answer: www CNAME, host A; ");
    assert_eq!(seen("www.", Rtype::CNAME), "NOERROR Answer: www CNAME; ");
    assert_eq!(seen("www.", Rtype::MX), "NOERROR Answer: www CNAME; example.test SOA");
    assert_eq!(seen("far.", Rtype::A), "NOERROR Alias: far CNAME; ");
    assert_eq!(seen("into.", Rtype::A), "NOERROR Alias: into CNAME; ");
    assert!(ask("loop1.", Rtype::A).answer.len() <= super::MAX_ALIASES);
}

#[test]
fn a_dname_redirects_the_names_below() {
    assert_eq!(seen("x.old.", Rtype::A), "NOERROR Answer: old DNAME, x.old CNAME, x.new A; ");
    assert_eq!(seen("no.old.", Rtype::A), {
        "NXDOMAIN Answer: old DNAME, no.old CNAME; example.test SOA"
    });
    assert_eq!(seen("old.", Rtype::A), "NOERROR Answer: ; example.test SOA");
    assert_eq!(seen("old.", Rtype::DNAME), "NOERROR Answer: old DNAME; ");
    assert_eq!(seen("x.away.", Rtype::A), "NOERROR Alias: away DNAME, x.away CNAME; ");
    assert_eq!(seen("x.away.", Rtype::CNAME), "NOERROR Answer: away DNAME, x.away CNAME; ");
    assert_eq!(seen("no.old.", Rtype::CNAME), "NOERROR Answer: old DNAME, no.old CNAME; ");
    let label = "a".repeat(60);
    let long = format!("{label}.{label}.{label}.{}.old.", "b".repeat(44));
    assert_eq!(ask(&long, Rtype::A).rcode, OptRcode::NXDOMAIN);
    let zone = "@ SOA ns h 1 2 3 4 5\n@ DNAME a-name-that-is-quite-long.example.\n";
    let zone = file::load(&name::parse("x.test").unwrap(), zone, 1 << 20).unwrap();
    let long = name::parse(&format!("{label}.{label}.{label}.{}.x.test", "b".repeat(44))).unwrap();
    assert_eq!(zone.reply(&long, Rtype::A).rcode, OptRcode::YXDOMAIN);
}

#[test]
fn names_below_a_zone_cut_are_referred() {
    let referral = ask("deep.sub.", Rtype::A);
    assert_eq!(referral.kind, ReplyKind::Referral);
    assert_eq!(seen("deep.sub.", Rtype::A), "NOERROR Referral: ; sub NS, sub DS");
    assert_eq!(seen("sub.", Rtype::NS), "NOERROR Referral: ; sub NS, sub DS");
    assert_eq!(seen("ns.sub.", Rtype::A), "NOERROR Referral: ; sub NS, sub DS");
    assert_eq!(referral.additional.len(), 1, "glue");
    assert_eq!(seen("sub.", Rtype::DS), "NOERROR Answer: sub DS; ", "DS is the parent's");
}
