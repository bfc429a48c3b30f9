use zoners_dns::name;

use super::load;

const SOA: &str = "@ 3600 SOA ns hostmaster 7 3600 600 604800 300\n";

fn fault(text: &str) -> String {
    load(&name::parse("example.test").unwrap(), text, 64 << 10).unwrap_err().to_string()
}

#[test]
fn faults_name_their_line() {
    let with = |text: &str| fault(&format!("{SOA}{text}"));
    assert!(with("\nhost.other. A 192.0.2.1\n").starts_with("near line 3: host.other."));
    assert!(
        with("a A 192.0.2.1\na CNAME b\n").starts_with("near line 3: a.example.test. has other")
    );
    assert!(
        with("a CNAME b\na A 192.0.2.1\n").starts_with("near line 3: a.example.test. has a CNAME")
    );
    assert!(with("a CNAME b\na CNAME c\n").contains("has a CNAME record already"));
    assert!(with("a DNAME b\na DNAME c\n").contains("has a DNAME record already"));
    assert!(with("a A 192.0.2.300\n").starts_with("near line 2: "));
    assert!(with("@ SOA ns hostmaster 8 1 1 1 1\n").contains("more than one SOA"));
    assert!(fault("a A 192.0.2.1\n").contains("has no SOA record"));
    assert!(fault("").contains("has no SOA record"));
}

#[test]
fn a_zone_takes_no_more_memory_than_allowed() {
    let records = |many: usize| -> String {
        let record = |number| format!("host{number} A 192.0.2.1\n");
        [SOA.to_owned(), (0..many).map(record).collect()].concat()
    };
    let apex = name::parse("example.test").unwrap();
    let zone = load(&apex, &records(100), 64 << 10).unwrap();
    assert!(zone.octets() > 100 * 300 && zone.octets() < 64 << 10, "{}", zone.octets());
    let error = load(&apex, &records(1000), 64 << 10).unwrap_err();
    assert!(error.what.contains("more than 65536 octets of memory"), "{error}");
    assert!(error.line > 100 && error.line < 400, "{error}");
}

#[test]
fn records_that_stand_twice_count_once_and_the_least_ttl_counts() {
    let text = format!("{SOA}a 60 A 192.0.2.1\nA 30 A 192.0.2.1\na 90 A 192.0.2.2\n");
    let zone = load(&name::parse("example.test").unwrap(), &text, 64 << 10).unwrap();
    let set = zone.rrset(&name::parse("a.example.test").unwrap(), zoners_dns::Rtype::A).unwrap();
    assert_eq!((set.records.len(), set.ttl), (2, 30));
}
