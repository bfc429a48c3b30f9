use super::*;
use std::fs;
use zoners_dns::OptRcode;

const NOW: u64 = 1_800_000_000;

fn lease(address: &str, name: &str, client: &str, ends: Option<u64>) -> DeviceLease {
    let (name, client) = (name.to_owned(), client.to_owned());
    DeviceLease { address: address.parse().unwrap(), name, client, ends }
}

fn names(leases: Vec<DeviceLease>) -> LeaseNames {
    LeaseNames::at(name::parse("lan").ok(), leases.into(), NOW)
}

fn asked(names: &LeaseNames, text: &str, rtype: Rtype) -> Vec<String> {
    let answer = names.answer(name::parse(text).unwrap().for_slice(), rtype);
    let answer = answer.map(|answer| answer.answer).unwrap_or_default();
    answer
        .iter()
        .flat_map(|set| set.to_string().lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
fn a_device_has_addresses_and_a_name_in_reverse() {
    let names = names(vec![
        lease("192.168.1.5", "Katze", "aa", None),
        lease("fd00::5", "katze.example.com", "01:02", Some(NOW + 60)),
    ]);
    assert_eq!(asked(&names, "KATZE.lan", Rtype::A), ["KATZE.lan. 10 IN A 192.168.1.5"]);
    assert_eq!(asked(&names, "katze.lan", Rtype::AAAA), ["katze.lan. 10 IN AAAA fd00::5"]);
    let reverse = "5.1.168.192.in-addr.arpa";
    assert_eq!(asked(&names, reverse, Rtype::PTR), [format!("{reverse}. 10 IN PTR katze.lan.")]);
    let reverse = name::reverse("fd00::5".parse().unwrap());
    assert_eq!(asked(&names, &reverse.to_string(), Rtype::PTR).len(), 1);
    let denied = names.answer(name::parse("katze.lan").unwrap().for_slice(), Rtype::TXT).unwrap();
    assert_eq!((denied.rcode, denied.answer.len()), (OptRcode::NOERROR, 0));
    assert_eq!((names.devices(), names.remarks().len()), (1, 0));
    assert_eq!(asked(&names, "katze.example.com", Rtype::AAAA), [""; 0], "no other domain");
}

#[test]
fn a_lease_counts_until_its_end() {
    let all = vec![
        lease("192.168.1.5", "short", "aa", Some(NOW + 1)),
        lease("192.168.1.6", "long", "bb", Some(NOW + 9)),
        lease("192.168.1.7", "over", "cc", Some(NOW)),
    ];
    let before = names(all);
    assert_eq!((before.devices(), before.next_end()), (2, Some(NOW + 1)));
    assert_eq!(asked(&before, "over.lan", Rtype::A), [""; 0]);
    let after = before.moved_to(NOW + 1);
    assert_eq!((after.devices(), after.next_end()), (1, Some(NOW + 9)));
    assert_eq!(asked(&after, "short.lan", Rtype::A), [""; 0]);
    assert_eq!(asked(&after, "5.1.168.192.in-addr.arpa", Rtype::PTR), [""; 0]);
    let ended = after.moved_to(NOW + 9);
    assert_eq!((ended.devices(), ended.next_end()), (0, None));
    // A clock that is set back, as at a start without a battery, ends nothing.
    assert_eq!(ended.moved_to(0).devices(), 3);
}

#[test]
fn a_name_belongs_to_one_device_with_all_addresses_of_its_own() {
    let six = |last: usize| lease(&format!("fd00::{last:x}"), "phone", "duid", Some(NOW + 60));
    let mut all = vec![
        lease("192.168.1.5", "phone", "former", Some(NOW + 10)),
        lease("192.168.1.6", "phone", "present", Some(NOW + 60)),
        lease("192.168.1.7", "phone", "present", Some(NOW + 50)),
        lease("192.168.1.8", "odd", "", Some(NOW + 60)),
        lease("192.168.1.9", "odd", "", Some(NOW + 50)),
    ];
    all.extend((1..=MAX_ADDRESSES + 1).map(six));
    let names = names(all);
    let addresses = asked(&names, "phone.lan", Rtype::A);
    assert_eq!(addresses, ["phone.lan. 10 IN A 192.168.1.6", "phone.lan. 10 IN A 192.168.1.7"]);
    assert_eq!(asked(&names, "5.1.168.192.in-addr.arpa", Rtype::PTR), [""; 0]);
    assert_eq!(asked(&names, "odd.lan", Rtype::A), ["odd.lan. 10 IN A 192.168.1.8"]);
    assert_eq!(asked(&names, "phone.lan", Rtype::AAAA).len(), MAX_ADDRESSES);
}

#[test]
fn odd_names_and_addresses_are_not_served() {
    let one = names(vec![lease("192.168.1.5", "wpad", "aa", None)]);
    assert_eq!(one.remarks(), ["the name `wpad` of 192.168.1.5, which is reserved, is not served"]);
    let names = names(vec![
        lease("192.168.1.5", "\u{1b}[2Jx", "aa", None),
        lease("192.168.1.6", "isatap", "bb", None),
        lease("127.0.0.1", "inner", "cc", None),
        lease("0.0.0.0", "nothing", "cc", None),
        lease("ff02::1", "all", "cc", None),
    ]);
    assert_eq!(names.devices(), 0);
    let told = "2 names of devices are not served: `\\u{1b}[2Jx` of 192.168.1.5, which is no host name, and others";
    assert_eq!(names.remarks(), [told]);
}

#[test]
fn files_are_read_and_faults_of_files_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("dnsmasq"), "0 aa 192.168.1.5 katze *\nnonsense\n").unwrap();
    fs::write(path("kea"), "address,valid_lifetime,expire,hostname\n192.168.1.6,9,0,hund\n")
        .unwrap();
    fs::write(path("hosts"), "127.0.0.1 localhost\n").unwrap();
    fs::write(path("fresh"), "").unwrap();
    let files = ["dnsmasq", "kea", "hosts", "fresh", "missing"];
    let config = NetworkConfig { leases: files.map(path).into(), ..NetworkConfig::default() };
    let names = LeaseNames::read(&config, 0);
    assert_eq!(asked(&names, "katze.lan", Rtype::A).len(), 1);
    assert_eq!(names.devices(), 1, "a lease of 1970 has ended");
    let told: Vec<&str> =
        names.remarks().iter().map(|told| told.rsplit(": ").next().unwrap()).collect();
    let expected = [
        "1 entries cannot be understood",
        "no leases of dnsmasq, Kea or ISC dhcpd; the file is passed over",
        "No such file or directory (os error 2); its leases are not served",
    ];
    assert_eq!(told, expected);
    assert_eq!(watched(&config).len(), 4 * files.len());
    assert_eq!(names.moved_to(9).remarks(), names.remarks());
    assert!(LeaseNames::read(&NetworkConfig::default(), 0).domain.is_none());
}
