use super::*;
use zoners_dns::compose::{Response as Wire, ResponseFlags, compose};
use zoners_dns::{NameServer, QueryMode, Transport, zonefile};

fn cut(zone: &str) -> Delegation {
    let servers = vec![NameServer::plain(name::parse("ns.test").unwrap(), vec![])];
    Delegation {
        zone: name::parse(zone).unwrap(),
        mode: QueryMode::Iterative,
        transport: Transport::Udp,
        servers,
        signing: DsStatus::Unknown,
        expires: Moment::from_millis(1_000_000),
    }
}

fn sets(text: &str) -> Vec<RRset> {
    zonefile::parse(text, &name::root()).unwrap()
}

struct Case {
    aa: bool,
    rcode: OptRcode,
    answer: &'static str,
    authority: &'static str,
    additional: &'static str,
}

const CASE: Case =
    Case { aa: true, rcode: OptRcode::NOERROR, answer: "", authority: "", additional: "" };
const SOA: &str = "example.test. 300 SOA ns.test. host.test. 1 2 3 4 60";

fn verdict_of(asked: &str, rtype: Rtype, case: Case) -> Result<Verdict, Fault> {
    let question = Question::new(name::parse(asked).unwrap(), rtype);
    let wire = compose(&Wire {
        question: &question,
        rcode: case.rcode,
        flags: ResponseFlags { aa: case.aa, ..ResponseFlags::default() },
        answer: &sets(case.answer),
        authority: &sets(case.authority),
        additional: &sets(case.additional),
        signatures: true,
    });
    let mut message = Message::parse(&wire.into()).unwrap();
    let cut = cut("example.test");
    let scrubbed = crate::ask::scrub::scrub(&mut message, &cut.zone);
    let settings = Settings::new(cut.clone());
    classify(&cut, &question, &message, scrubbed, &settings, Moment::from_millis(0))
}

fn reply_of(asked: &str, rtype: Rtype, case: Case) -> Reply {
    match verdict_of(asked, rtype, case) {
        Ok(Verdict::Answer(reply)) => reply,
        other => panic!("{other:?}"),
    }
}

#[test]
fn aliases_are_followed_within_the_zone_and_no_further() {
    let answer = "www.example.test. CNAME a.example.test.\na.example.test. CNAME b.other.\nb.other. A 192.0.2.66";
    let reply = reply_of("www.example.test", Rtype::A, Case { answer, ..CASE });
    assert_eq!(reply.aliases.len(), 2);
    assert_eq!(reply.finding, Finding::Alias(name::parse("b.other").unwrap()));
}

#[test]
fn a_dname_makes_the_cname_itself() {
    // The CNAME in the reply is not believed.
    let answer =
        "old.example.test. DNAME new.example.test.\nx.old.example.test. CNAME evil.example.test.";
    let reply = reply_of("x.old.example.test", Rtype::A, Case { answer, ..CASE });
    assert_eq!(reply.finding, Finding::Alias(name::parse("x.new.example.test").unwrap()));
    let apex = reply_of("old.example.test", Rtype::A, Case { answer, authority: SOA, ..CASE });
    assert!(matches!(apex.finding, Finding::NoData(_)), "a DNAME spares its own name");
}

#[test]
fn denials_need_an_soa_of_a_zone_around_the_name() {
    let nodata = reply_of("www.example.test", Rtype::A, Case { authority: SOA, ..CASE });
    assert!(matches!(nodata.finding, Finding::NoData(_)));
    let foreign = "sub.example.test. 300 SOA ns.test. host.test. 1 2 3 4 60";
    let case = Case { authority: foreign, aa: false, ..CASE };
    assert_eq!(verdict_of("www.example.test", Rtype::A, case), Err(Fault::Empty));
    let case = Case { authority: SOA, rcode: OptRcode::NXDOMAIN, ..CASE };
    assert!(matches!(reply_of("www.example.test", Rtype::A, case).finding, Finding::NxDomain(_)));
}

#[test]
fn an_nxdomain_needs_aa_or_an_soa() {
    let nxdomain = |aa| Case { aa, rcode: OptRcode::NXDOMAIN, ..CASE };
    let bare = verdict_of("www.example.test", Rtype::A, nxdomain(false));
    assert_eq!(bare, Err(Fault::BareDenial));
    let with_aa = reply_of("www.example.test", Rtype::A, nxdomain(true));
    assert!(matches!(with_aa.finding, Finding::NxDomain(_)));
}

#[test]
fn a_referral_goes_down_and_its_glue_is_weighed() {
    let authority = "sub.example.test. 300 NS ns.sub.example.test.\nsub.example.test. 300 NS ns.example.test.\n\
                     sub.example.test. 300 NS ns.other.";
    let additional = "ns.sub.example.test. A 203.0.114.1\nns.example.test. A 203.0.114.2\nns.other. A 203.0.114.66\n\
                      is_unproven.example.test. A 203.0.114.67\nns.sub.example.test. AAAA ::1";
    let case = Case { aa: false, authority, additional, ..CASE };
    let Ok(Verdict::Referral(child)) = verdict_of("www.sub.example.test", Rtype::A, case) else {
        panic!()
    };
    let counts: Vec<usize> = child.servers.iter().map(|server| server.addresses.len()).collect();
    assert_eq!(counts, [1, 1, 0], "in domain, sibling, neither");
    assert_eq!(child.expires, Moment::from_millis(300_000));
}

#[test]
fn a_delegation_expires_with_the_delegation_above() {
    let authority = "sub.example.test. 86400 NS ns.sub.example.test.";
    let Ok(Verdict::Referral(child)) =
        verdict_of("www.sub.example.test", Rtype::A, Case { aa: false, authority, ..CASE })
    else {
        panic!()
    };
    assert_eq!(child.expires, Moment::from_millis(1_000_000));
}

#[test]
fn lame_servers_are_recognised() {
    let case = |authority| Case { aa: false, authority, ..CASE };
    let fault = |authority| verdict_of("www.example.test", Rtype::A, case(authority));
    assert_eq!(fault("example.test. NS ns.example.test."), Err(Fault::Sideways));
    assert_eq!(fault(". NS a.root-servers.net."), Err(Fault::Lame), "upwards");
    assert_eq!(fault(""), Err(Fault::Empty), "nothing at all");
    let aa = Case { authority: ". NS a.root-servers.net.", ..CASE };
    assert_eq!(verdict_of("www.example.test", Rtype::A, aa), Err(Fault::Lame), "with AA too");
    let refused = Case { rcode: OptRcode::REFUSED, ..CASE };
    let fault = verdict_of("www.example.test", Rtype::A, refused).unwrap_err();
    assert!(fault.is_lameness());
}

#[test]
fn a_referral_to_the_name_itself_has_no_ds_for_it() {
    let authority = "sub.example.test. NS ns.sub.example.test.";
    let case = Case { aa: false, authority, ..CASE };
    let reply = reply_of("sub.example.test", Rtype::DS, case);
    assert!(matches!(reply.finding, Finding::NoData(_)));
}
