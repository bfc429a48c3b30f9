use super::*;
use zoners_dns::zonefile;

fn records(text: &str) -> LocalRecords {
    let mut builder = Builder::default();
    let sets = zonefile::parse(text, &name::root()).unwrap();
    sets.into_iter().for_each(|set| builder.add_set(set));
    builder.build(|_| false)
}

/// The RCODE, and the records as lines.
fn answer(records: &LocalRecords, asked: &str, rtype: Rtype) -> Option<String> {
    let answer = records.answer(name::parse(asked).unwrap().for_slice(), rtype)?;
    let lines = answer.answer.iter().map(ToString::to_string);
    let denied = answer.authority.iter().map(|set| format!("{} of {}", set.rtype, set.owner));
    let lines = lines.chain(denied).collect::<Vec<_>>().join("; ");
    Some(format!("{}: {lines}", answer.rcode))
}

fn types(text: &str, asked: &str, rtype: Rtype) -> Option<String> {
    let asked = name::parse(asked).unwrap();
    let answer = records(text).answer(asked.for_slice(), rtype)?;
    let lines = answer.answer.iter().chain(&answer.authority);
    Some(lines.map(|set| set.rtype.to_string()).collect::<Vec<_>>().join(" "))
}

#[test]
fn names_that_are_ours_are_answered_whole() {
    let text = "nas.lan. 60 A 192.168.1.2\nnas.lan. 60 A 192.168.1.3\nfiles.lan. CNAME NAS.lan.\n\
                loop.lan. CNAME loop.lan.\nout.lan. CNAME www.example.com.\n";
    assert_eq!(types(text, "NAS.lan", Rtype::A).as_deref(), Some("A"));
    assert_eq!(types(text, "nas.lan", Rtype::MX).as_deref(), Some("SOA"), "denied");
    assert_eq!(types(text, "files.lan", Rtype::A).as_deref(), Some("CNAME A"));
    assert_eq!(types(text, "out.lan", Rtype::A).as_deref(), Some("CNAME"));
    assert!(types(text, "loop.lan", Rtype::A).is_some(), "it ends");
    assert_eq!(types(text, "lan", Rtype::A), None);
}

#[test]
fn a_wildcard_answers_for_all_below_its_parent() {
    let ours = records("*.dev.home. 60 A 192.168.1.5\n*.dev.home. 60 TXT \"any\"\n");
    for asked in ["a.dev.home", "a.b.c.dev.home", "A.DEV.Home"] {
        let right = format!("NOERROR: {asked}. 60 IN A 192.168.1.5");
        assert_eq!(answer(&ours, asked, Rtype::A), Some(right), "in the name that was asked");
    }
    assert_eq!(
        answer(&ours, "a.dev.home", Rtype::AAAA).as_deref(),
        Some("NOERROR: SOA of dev.home"),
        "the name is there, the type is not"
    );
    // The wildcard itself may be asked for; names not below its parent are not local.
    let own = Some("NOERROR: *.dev.home. 60 IN A 192.168.1.5");
    assert_eq!(answer(&ours, "*.dev.home", Rtype::A).as_deref(), own);
    for asked in ["dev.home", "home", "xdev.home", "a.dev.home.org", "."] {
        assert_eq!(answer(&ours, asked, Rtype::A), None, "{asked}");
    }
}

#[test]
fn what_exists_hides_a_wildcard_as_in_a_zone() {
    // After RFC 4592 section 2.2.1.
    let ours = records(
        "*.example. 60 TXT \"wild\"\n*.example. 60 MX 10 host1.example.\nsub.*.example. 60 TXT \"sub\"\n\
         host1.example. 60 A 192.0.2.1\n_ssh._tcp.host1.example. 60 A 192.0.2.2\n\
         deep.a.b.example. 60 A 192.0.2.3\n*.a.b.example. 60 A 192.0.2.4\n",
    );
    let told = |asked: &str, rtype: Rtype| answer(&ours, asked, rtype).unwrap();
    assert_eq!(
        told("host3.example", Rtype::MX),
        "NOERROR: host3.example. 60 IN MX 10 host1.example."
    );
    assert_eq!(told("host3.example", Rtype::A), "NOERROR: SOA of example");
    assert_eq!(told("foo.bar.example", Rtype::TXT), "NOERROR: foo.bar.example. 60 IN TXT \"wild\"");
    assert_eq!(told("host1.example", Rtype::MX), "NOERROR: SOA of host1.example");
    assert_eq!(told("sub.*.example", Rtype::MX), "NOERROR: SOA of sub.*.example");
    // Empty non-terminals.
    for asked in ["_tcp.host1.example", "b.example", "a.b.example"] {
        assert_eq!(told(asked, Rtype::TXT), "NOERROR: SOA of example", "{asked}");
    }
    // Names below an existing name without a wildcard of its own.
    for asked in ["_telnet._tcp.host1.example", "x.host1.example", "y.b.example", "ghost.*.example"]
    {
        assert_eq!(told(asked, Rtype::TXT), "NXDOMAIN: SOA of example", "{asked}");
    }
    // The closest wildcard counts.
    assert_eq!(told("x.a.b.example", Rtype::A), "NOERROR: x.a.b.example. 60 IN A 192.0.2.4");
    assert_eq!(told("x.a.b.example", Rtype::TXT), "NOERROR: SOA of a.b.example");
    assert_eq!(told("x.deep.a.b.example", Rtype::A), "NXDOMAIN: SOA of a.b.example");
}

#[test]
fn aliases_and_wildcards_lead_to_each_other() {
    let ours = records(
        "*.web.lan. 60 CNAME www.lan.\nwww.lan. 60 A 192.168.1.6\n*.out.lan. 60 CNAME www.example.com.\n\
         files.lan. 60 CNAME x.dev.lan.\n*.dev.lan. 60 A 192.168.1.7\n*.loop.lan. 60 CNAME a.loop.lan.\n\
         gone.lan. 60 CNAME y.x.dev.lan.\nx.dev.lan. 60 TXT \"here\"\n",
    );
    let told = |asked: &str| answer(&ours, asked, Rtype::A).unwrap();
    assert_eq!(
        told("a.web.lan"),
        "NOERROR: a.web.lan. 60 IN CNAME www.lan.; www.lan. 60 IN A 192.168.1.6"
    );
    assert_eq!(told("a.out.lan"), "NOERROR: a.out.lan. 60 IN CNAME www.example.com.");
    assert_eq!(told("files.lan"), "NOERROR: files.lan. 60 IN CNAME x.dev.lan.; SOA of x.dev.lan");
    assert_eq!(told("gone.lan"), "NXDOMAIN: gone.lan. 60 IN CNAME y.x.dev.lan.; SOA of dev.lan");
    assert!(told("b.loop.lan").matches("CNAME").count() <= MOST_ALIASES, "it ends");
}

#[test]
fn a_root_wildcard_is_one_too() {
    let ours = records("*. 60 A 192.168.1.1\nlan. 60 A 192.168.1.2\n");
    assert_eq!(
        answer(&ours, "a.b", Rtype::A).as_deref(),
        Some("NOERROR: a.b. 60 IN A 192.168.1.1")
    );
    assert_eq!(answer(&ours, "x.lan", Rtype::A).as_deref(), Some("NXDOMAIN: SOA of ."));
    assert_eq!(answer(&ours, ".", Rtype::A), None);
}

#[test]
fn records_of_one_name_and_type_come_together_and_none_twice() {
    let ours = records(
        "a.lan. 60 A 192.168.1.1\nb.lan. 60 A 192.168.1.9\nA.lan. 60 A 192.168.1.2\na.lan. 60 A 192.168.1.1\n\
         a.lan. 60 AAAA fd00::1\n",
    );
    assert_eq!(
        answer(&ours, "a.lan", Rtype::A).as_deref(),
        Some("NOERROR: a.lan. 60 IN A 192.168.1.1\na.lan. 60 IN A 192.168.1.2")
    );
    assert_eq!(ours.len(), 2);
}

#[test]
fn names_above_others_are_known_where_it_matters() {
    let mut builder = Builder::default();
    let text = "1.1.10.in-addr.arpa. PTR nas.lan.\nwww.ads.example. A 0.0.0.0\n*.a.lan. A 192.168.1.1\n\
                x.y.a.lan. A 192.168.1.2\n";
    let sets = zonefile::parse(text, &name::root()).unwrap();
    sets.into_iter().for_each(|set| builder.add_set(set));
    let arpa = name::parse("10.in-addr.arpa").unwrap();
    let ours = builder.build(|owner| name::is_within(owner, &arpa));
    let has = |text: &str| ours.has_below(&name::parse(text).unwrap());
    assert!(has("1.10.in-addr.arpa") && has("10.in-addr.arpa") && has("y.a.lan") && has("a.lan"));
    assert!(!has("1.1.10.in-addr.arpa") && !has("2.10.in-addr.arpa"));
    assert!(!has("ads.example"), "of the names of a block list none is kept twice");
}
