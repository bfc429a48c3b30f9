use super::*;
use proptest::prelude::*;
use std::fs;

/// After a report of a file with leases of both families (github.com/libremesh/lime-packages issue 969) and one with
/// devices without a name (pull request 975 there); the last line is as a dnsmasq without a clock writes.
const DNSMASQ: &str = "\
1674755797 28:d2:44:d8:3a:3b 10.51.147.44 katze 01:28:d2:44:d8:3a:3b
1675107518 12:34:65:3d:ce:2b 10.51.147.128 * 01:12:34:65:3d:ce:2b
0 06-aa:bb:cc:dd:ee:ff 10.51.147.9 drucker *
duid 00:01:00:01:2b:65:6d:6e:70:62:b8:4e:88:90
1674755842 1276192316 fd70:d3e4:df63:184d::ccbf katze 00:04:eb:cf:8f:90:ce:2c
1674755842 T2822075449 fd70:d3e4:df63:184d::7 katze 00:04:eb:cf:8f:90:ce:2c
43200 5c:cf:7f:00:00:01 10.51.147.60 esp *
";

/// After the test of Kea's clean-up (gitlab.isc.org/isc-projects/kea, memfile_lease_mgr_unittest.cc): a lease that is
/// renewed, one that is deleted, one that is declined, one without a name, and one without an end.
const KEA4: &str = "\
address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id
192.0.2.2,02:02:02:02:02:02,,200,1782000200,8,1,1,laptop.lan,0,,0
192.0.2.3,,01:03:03:03,200,1782000300,8,1,1,printer,0,{ \"bar\": true },0
192.0.2.4,04:04:04:04:04:04,,200,1782000300,8,1,1,gone,0,,0
192.0.2.5,05:05:05:05:05:05,,200,1782000300,8,1,1,declined,0,,0
192.0.2.6,06:06:06:06:06:06,,200,1782000300,8,1,1,,0,,0
192.0.2.7,07:07:07:07:07:07,,4294967295,6076967295,8,1,1,camera,0,,0
192.0.2.2,02:02:02:02:02:02,,200,1782000400,8,1,1,laptop.lan,0,,0
192.0.2.4,04:04:04:04:04:04,,0,1782000300,8,1,1,gone,0,,0
192.0.2.5,05:05:05:05:05:05,,200,1782000300,8,1,1,declined,1,,0
";

/// The columns of Kea 2 (as in the test above): an address, a prefix, and an address that a device has registered.
const KEA6: &str = "\
address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,hwaddr,state,user_context,hwtype,hwaddr_source,pool_id
2001:db8:1::50,00:01:02:03,4000,1782000000,1,3000,0,1,128,0,0,bravo,00:11:22:33:44:77,0,,1,0,0
2001:db8:1:a00::,00:03:00:01:aa,3600,1782000000,1,1800,2,1,60,0,0,router,aa:bb:cc:dd:ee:ff,0,,1,0,0
2001:db8:1::51,00:01:02:04,4000,1782000000,1,3000,0,2,128,0,0,tablet,,4,,,,0
";

/// After blocks in documents of users (netalertx/NetAlertX, the README of its plugin `dhcp_leases`; the README of the
/// npm package `dhcpd-leases`).
const ISC4: &str = r#"
# The format of this file is documented in the dhcpd.leases(5) manual page.
# This lease file was written by isc-dhcp-4.4.3-P1

authoring-byte-order little-endian;

server-duid "\000\001\000\0010zx\373\010\000'!}*";

failover peer "dhcp" state {
  my state normal at 4 2020/04/30 13:16:13;
}
lease 192.168.79.15 {
  starts 0 2016/08/21 13:25:45;
  ends 0 2016/08/21 19:25:45;
  cltt 0 2016/08/21 13:25:45;
  binding state active;
  next binding state free;
  rewind binding state free;
  hardware ethernet 8c:1a:bf:11:00:ea;
  uid "\001\214\032\277\021\000\352";
  option agent.circuit-id 0:17;
  client-hostname "android-8182e21c852776e7";
  on expiry { set x = "1"; }
}
lease 10.0.1.3 {
  starts 5 2015/05/15 02:16:01;
  ends never;
  binding state active;
  hardware ethernet 00:11:22:33:44:57;
  client-hostname "a\"; } lease 10.0.1.9 { \303\274";
}
lease 10.0.1.4 {
  ends 5 2015/05/15 02:16:01;
  binding state active;
  client-hostname "left";
}
lease 10.0.1.4 {
  ends 5 2015/05/15 02:16:01;
  binding state free;
  client-hostname "left";
}
lease 10.0.1.5 {
  ends epoch 1431656161; # Fri May 15 02:16:01 2015
  abandoned;
  client-hostname "odd";
}
lease 10.0.1.6 {
  ends epoch 1431656161; # Fri May 15 02:16:01 2015
  binding state active;
  set ddns-fwd-name = "desk.example.org";
}
"#;

/// The form of dhcpd.leases(5), section "The DHCPv6 DeviceLease (IA) Declaration".
const ISC6: &str = r#"
ia-na "\250\301\001\002\000\001\000\001" {
  cltt 2 2014/06/17 17:06:58;
  iaaddr 2001:db8::50 {
    binding state active;
    preferred-life 27000;
    max-life 43200;
    ends 3 2014/06/18 05:06:58;
    set ddns-fwd-name = "nas6.example.org";
  }
  iaaddr 2001:db8::51 {
    binding state expired;
    ends 3 2014/06/18 05:06:58;
    set ddns-fwd-name = "nas6.example.org";
  }
}
ia-pd "\001" {
  iaprefix 2001:db8:1::/48 {
    binding state active;
  }
}
"#;

const ALL: [&str; 5] = [DNSMASQ, KEA4, KEA6, ISC4, ISC6];

/// Address, name and end of each lease.
fn shown(list: &LeaseList) -> Vec<String> {
    let ends = |ends: Option<u64>| ends.map_or("never".to_owned(), |ends| ends.to_string());
    let lines = list.leases.iter();
    lines.map(|lease| format!("{} {} {}", lease.address, lease.name, ends(lease.ends))).collect()
}

fn of(text: &str) -> LeaseList {
    LeaseList::parse(text.as_bytes())
}

#[test]
fn leases_of_dnsmasq_are_read() {
    let list = of(DNSMASQ);
    assert_eq!(list.form, Some(LeaseForm::Dnsmasq));
    assert_eq!(
        shown(&list),
        [
            "10.51.147.9 drucker never",
            "10.51.147.44 katze 1674755797",
            "10.51.147.60 esp never",
            "fd70:d3e4:df63:184d::7 katze 1674755842",
            "fd70:d3e4:df63:184d::ccbf katze 1674755842",
        ]
    );
    let clients: Vec<&str> = list.leases.iter().map(|lease| lease.client.as_str()).collect();
    let duid = "00:04:eb:cf:8f:90:ce:2c";
    let expected = ["06-aa:bb:cc:dd:ee:ff", "28:d2:44:d8:3a:3b", "5c:cf:7f:00:00:01", duid, duid];
    assert_eq!(clients, expected);
    let odd =
        of("1674755797 28:d2 10.51.147.44 katze *\nnonsense\n1 2 3 4\n1674755797 28:d2 10.0.0.1\n");
    assert_eq!((odd.leases.len(), odd.unreadable), (1, 3));
}

#[test]
fn leases_of_kea_are_read() {
    let list = of(KEA4);
    assert_eq!((list.form, list.unreadable), (Some(LeaseForm::Kea), 0));
    assert_eq!(
        shown(&list),
        [
            "192.0.2.2 laptop.lan 1782000400",
            "192.0.2.3 printer 1782000300",
            "192.0.2.7 camera never",
        ]
    );
    assert_eq!(list.leases[1].client, "01:03:03:03");
    let six = of(KEA6);
    assert_eq!(
        shown(&six),
        ["2001:db8:1::50 bravo 1782000000", "2001:db8:1::51 tablet 1782000000"]
    );
    assert_eq!(six.leases[0].client, "00:01:02:03");
    assert_eq!(of(&KEA4.replace("hostname", "host")).unreadable, 9, "a column is missing");
}

#[test]
fn leases_of_isc_dhcpd_are_read() {
    let list = of(ISC4);
    assert_eq!((list.form, list.unreadable), (Some(LeaseForm::Isc), 0));
    assert_eq!(
        shown(&list),
        [
            "10.0.1.3 a\"; } lease 10.0.1.9 { Ã¼ never",
            "10.0.1.6 desk.example.org 1431656161",
            "192.168.79.15 android-8182e21c852776e7 1471807545",
        ]
    );
    assert_eq!(list.leases[2].client, "8c:1a:bf:11:00:ea");
    assert_eq!(shown(&of(ISC6)), ["2001:db8::50 nas6.example.org 1403068018"]);
    assert!(of("lease 10.0.0.1 {\n  client-hostname \"x\";\n").leases.is_empty(), "unfinished");
    assert_eq!(of(&"host {".repeat(1000)).leases, []);
    assert_eq!(of("}}}\nlease 10.0.0.1 { client-hostname \"x\"; }\n").form, None);
}

#[test]
fn other_files_have_no_form() {
    for text in ["", "\n", "# nothing yet\n", "127.0.0.1 localhost\n", "{ \"leases\": [] }\n"] {
        assert_eq!(of(text).form, None, "{text:?}");
    }
    assert!(!of("# nothing yet").has_content, "no whole line");
    assert!(of("127.0.0.1 localhost\n").has_content);
}

#[test]
fn an_unfinished_file_never_has_a_lease_that_was_not_given() {
    for text in ALL {
        let whole: Vec<&str> = text.split_inclusive('\n').collect();
        let after = |lines: usize| shown(&of(&whole[..lines].concat()));
        let ever: Vec<String> = (0..=whole.len()).flat_map(after).collect();
        for end in 0..text.len() {
            let part = shown(&LeaseList::parse(&text.as_bytes()[..end]));
            assert!(part.iter().all(|lease| ever.contains(lease)), "{end}: {part:?}");
        }
    }
}

#[test]
fn the_number_of_leases_is_bounded() {
    let line = |number: usize| {
        let [.., high, low] = u32::try_from(number).unwrap().to_be_bytes();
        format!("2000000000 aa 10.9.{high}.{low} n{number} *\n")
    };
    let text: String = (0..=MAX_LEASES).map(line).collect();
    let list = of(&text);
    assert_eq!((list.leases.len(), list.surplus), (MAX_LEASES, 1));
    // A lease that is given anew is no further one.
    let again = of(&[&text[..], &line(0)].concat());
    assert_eq!((again.leases.len(), again.surplus), (MAX_LEASES, 1));
}

#[test]
fn the_files_of_a_clean_up_of_kea_are_read_oldest_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kea-leases4.csv");
    let head = KEA4.lines().next().unwrap();
    let write = |suffix: &str, lease: &str| {
        let file = format!("{}{suffix}", path.display());
        fs::write(file, format!("{head}\n{lease}\n")).unwrap();
    };
    let lease = |last: u8, name: &str| format!("192.0.2.{last},aa,,9,1782000000,1,0,0,{name},0,,0");
    write("", &lease(1, "new"));
    write(".1", &lease(1, "former"));
    write(".2", &format!("{}\n{}", lease(1, "old"), lease(2, "kept")));
    let names = || {
        let list = LeaseList::read(&path).unwrap();
        list.leases.into_iter().map(|lease| lease.name).collect::<Vec<_>>()
    };
    assert_eq!(names(), ["new", "kept"]);
    write(".completed", &lease(3, "cleaned"));
    assert_eq!(names(), ["new", "cleaned"]);
    assert_eq!(files(&path).count(), 4);
    assert!(LeaseList::read(folder.path()).is_err(), "a folder is no file");
    assert!(LeaseList::read(&folder.path().join("none")).is_err());
}

#[test]
fn the_days_of_the_calendar_are_counted() {
    let cases = [
        ("1970/01/01", "00:00:00", Some(0)),
        ("2000/02/29", "23:59:59", Some(951_868_799)),
        ("2000/03/01", "00:00:00", Some(951_868_800)),
        ("2026/11/26", "12:00:00", Some(1_795_694_400)),
        ("2100/03/01", "00:00:00", Some(4_107_542_400)),
        ("1969/12/31", "00:00:00", None),
        ("2026/13/01", "00:00:00", None),
        ("2026/11", "00:00:00", None),
        ("2026/11/26", "24:00:00", None),
    ];
    for (day, time, expected) in cases {
        assert_eq!(isc::moment(day, time), expected, "{day} {time}");
    }
}

proptest! {
    #[test]
    fn no_content_is_too_odd(octets in prop::collection::vec(any::<u8>(), 0..512)) {
        for begin in ["", "1 ", "address,\n", "lease {"] {
            let list = LeaseList::parse(&[begin.as_bytes(), &octets, b"\n"].concat());
            prop_assert!(list.leases.iter().all(|lease| !lease.name.is_empty()));
        }
    }

    #[test]
    fn damage_to_a_file_is_no_panic(which in 0..ALL.len(), at in any::<prop::sample::Index>(), octet in any::<u8>()) {
        let mut octets = ALL[which].as_bytes().to_vec();
        let at = at.index(octets.len());
        octets[at] = octet;
        let list = LeaseList::parse(&octets);
        prop_assert!(list.leases.len() <= ALL[which].lines().count());
    }
}
