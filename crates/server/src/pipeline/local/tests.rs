use super::*;
use crate::config::Config;
use zoners_dns::Rtype;

fn local(text: &str) -> Result<Local, ConfigError> {
    let config = Config::parse(text, "zoners.toml").unwrap();
    Local::new(&config, &config.routes())
}

fn with_hosts(hosts: &Path, more: &str) -> Result<Local, ConfigError> {
    local(&format!("[local]\nhosts = {:?}\n{more}", hosts.display().to_string()))
}

fn asked(local: &Local, text: &str, rtype: Rtype) -> String {
    let Some(answer) = local.answer(name::parse(text).unwrap().for_slice(), rtype) else {
        return "not ours".into();
    };
    let lines: Vec<String> = answer.answer.iter().map(ToString::to_string).collect();
    if lines.is_empty() { answer.rcode.to_string() } else { lines.join("\n") }
}

#[test]
fn records_that_are_wrong_are_all_told_with_their_lines() {
    let error = local(
        "[local]\nrecords = [\n  \"nas.lan. A 192.168.1.2\",\n  \"bad.lan. A nonsense\",\n  \"x.lan. TXT (\",\n  \"y.lan. NS a..b.\", \"z.lan. NONSENSE\",\n]\n",
    )
    .unwrap_err();
    let places: Vec<&str> =
        error.faults().iter().filter_map(|fault| fault.split(": ").next()).collect();
    let right = ["zoners.toml:4:3", "zoners.toml:5:3", "zoners.toml:6:3", "zoners.toml:6:22"];
    assert_eq!(places, right, "{error}");
    let all = error.to_string();
    assert!(all.contains("local.records: expected an IPv4 address"), "{all}");
    assert!(all.contains("\"nas.lan. 300 A 192.168.1.2\""), "what is allowed is told: {all}");
    let many: String = (0..2 * MOST_WRONG).map(|_| "\"a A b\",\n").collect();
    let error = local(&format!("local.records = [{many}]\n")).unwrap_err();
    assert_eq!(error.faults().len(), MOST_WRONG);
}

#[test]
fn records_may_build_upon_each_other() {
    let ours = local(
        "local.records = [\"$TTL 77\", \"$ORIGIN lan.\", \"\"\"\nnas A 192.168.1.2\n    AAAA fd00::2\"\"\"]\n",
    )
    .unwrap();
    assert_eq!(asked(&ours, "nas.lan", Rtype::A), "nas.lan. 77 IN A 192.168.1.2");
    assert_eq!(asked(&ours, "nas.lan", Rtype::AAAA), "nas.lan. 77 IN AAAA fd00::2");
}

#[test]
fn odd_lines_of_a_hosts_file_are_remarked_up_to_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    let odd = |many: usize| {
        fs::write(&hosts, format!("192.168.1.2 nas.lan\n{}", "nonsense\n".repeat(many))).unwrap();
        let ours = with_hosts(&hosts, "").unwrap();
        assert_eq!(asked(&ours, "nas.lan", Rtype::A), "nas.lan. 60 IN A 192.168.1.2");
        ours.remarks().to_vec()
    };
    assert_eq!(odd(0), [""; 0]);
    let told = odd(1);
    let right = format!("{}:2: `nonsense` is no address; it is passed over", hosts.display());
    assert_eq!(told, [right]);
    assert_eq!(odd(MOST_TOLD).len(), MOST_TOLD);
    let told = odd(MOST_TOLD + 7);
    assert_eq!(told.len(), MOST_TOLD + 1);
    assert!(told[MOST_TOLD].ends_with("7 more things are passed over"), "{told:?}");
}

#[test]
fn a_hosts_file_that_is_not_there_is_remarked_and_one_that_is_none_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    for missing in [folder.path().join("hosts"), folder.path().join("no/such/hosts")] {
        let ours = with_hosts(&missing, "records = [\"a.lan. A 192.168.1.1\"]\n").unwrap();
        assert!(asked(&ours, "a.lan", Rtype::A).contains("192.168.1.1"));
        let [remark] = ours.remarks() else { panic!("{:?}", ours.remarks()) };
        assert!(remark.starts_with("zoners.toml:2:9: local.hosts: "), "{remark}");
        assert!(remark.contains("once it is there"), "{remark}");
    }
    let wrong = with_hosts(folder.path(), "").unwrap_err().to_string();
    assert!(wrong.contains("it is no plain file"), "{wrong}");
}

#[test]
fn a_name_of_a_hosts_file_may_have_an_address_in_the_records_too() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    fs::write(&hosts, "192.168.1.2 nas.lan\n127.0.0.1 here\n").unwrap();
    let ours = with_hosts(&hosts, "records = [\"nas.lan. 300 A 192.168.1.3\"]\n").unwrap();
    assert_eq!(
        asked(&ours, "nas.lan", Rtype::A),
        "nas.lan. 60 IN A 192.168.1.3\nnas.lan. 60 IN A 192.168.1.2"
    );
    assert_eq!(asked(&ours, "2.1.168.192.in-addr.arpa", Rtype::PTR).matches("nas.lan").count(), 1);
    // Local records win over special-use names.
    let reverse = asked(&ours, "1.0.0.127.in-addr.arpa", Rtype::PTR);
    assert_eq!(reverse, "1.0.0.127.in-addr.arpa. 60 IN PTR here.");
    assert!(asked(&ours, "1.0.0.127.in-addr.arpa", Rtype::TXT).contains("NOERROR"));
    // A name above exists, a sibling does not.
    assert_eq!(asked(&ours, "1.168.192.in-addr.arpa", Rtype::PTR), "NOERROR");
    assert_eq!(asked(&ours, "2.168.192.in-addr.arpa", Rtype::PTR), "NXDOMAIN");
}

#[test]
fn what_a_block_list_takes_grows_with_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    let many = 20_000;
    let text: String =
        (0..many).map(|number| format!("0.0.0.0 ads{number}.example.com\n")).collect();
    fs::write(&hosts, text).unwrap();
    let ours = with_hosts(&hosts, "").unwrap();
    assert_eq!((ours.names(), ours.left_out()), (many, 0), "and none for the address");
    assert_eq!(asked(&ours, "ads7.example.com", Rtype::A), "ads7.example.com. 60 IN A 0.0.0.0");
    // One name with many addresses costs no more.
    let octets = |number: usize| format!("10.1.{}.{}", number / 256, number % 256);
    let text: String = (0..many).map(|number| format!("{} many.lan\n", octets(number))).collect();
    fs::write(&hosts, text).unwrap();
    let ours = with_hosts(&hosts, "").unwrap();
    assert_eq!(asked(&ours, "many.lan", Rtype::A).lines().count(), many);
    assert_eq!(ours.names(), many + 1);
    let text: String = (0..many).map(|number| format!("127.0.0.1 n{number}.lan\n")).collect();
    fs::write(&hosts, text).unwrap();
    assert_eq!(with_hosts(&hosts, "").unwrap().left_out(), many - 8);
}

/// Local data with a file of leases of these lines, as dnsmasq writes them.
fn with_leases(lines: &str, more: &str) -> (Local, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leases");
    fs::write(&path, lines).unwrap();
    let network = format!("[network]\nleases = [{:?}]\n", path.display().to_string());
    (local(&format!("{network}{more}")).unwrap(), folder)
}

#[test]
fn the_domain_of_leases_has_no_other_names() {
    let (ours, _folder) = with_leases("0 aa 192.168.1.5 katze *\n", "");
    assert_eq!(asked(&ours, "katze.lan", Rtype::A), "katze.lan. 10 IN A 192.168.1.5");
    assert_eq!(asked(&ours, "katze.lan", Rtype::AAAA), "NOERROR");
    assert_eq!(asked(&ours, "hund.lan", Rtype::A), "NXDOMAIN");
    assert_eq!(asked(&ours, "a.katze.lan", Rtype::A), "NXDOMAIN");
    assert_eq!(asked(&ours, "lan", Rtype::A), "NOERROR");
    assert!(asked(&ours, "lan", Rtype::SOA).starts_with("lan. "));
    let reverse = "5.1.168.192.in-addr.arpa";
    assert_eq!(asked(&ours, reverse, Rtype::PTR), format!("{reverse}. 10 IN PTR katze.lan."));
    assert_eq!(asked(&ours, "1.168.192.in-addr.arpa", Rtype::PTR), "NOERROR");
    assert_eq!(asked(&ours, "katze", Rtype::A), "not ours");
    let (none, _folder) = with_leases("", "");
    assert_eq!(asked(&none, "katze.lan", Rtype::A), "NXDOMAIN");
    assert_eq!(asked(&local("").unwrap(), "katze.lan", Rtype::A), "not ours");
}

#[test]
fn a_device_that_comes_later_is_denied_for_seconds_alone() {
    let (ours, _folder) = with_leases("0 aa 192.168.1.5 katze *\n", "");
    for denied in ["katze.lan", "hund.lan", "6.1.168.192.in-addr.arpa"] {
        let answer = ours.answer(name::parse(denied).unwrap().for_slice(), Rtype::AAAA).unwrap();
        assert_eq!(answer.authority[0].ttl, leases::TTL, "{denied}");
        assert!(answer.authority[0].to_string().ends_with(" 10"), "{}", answer.authority[0]);
    }
    let plain = local("").unwrap();
    let answer = plain.answer(name::parse("a.test").unwrap().for_slice(), Rtype::A).unwrap();
    assert_eq!(answer.authority[0].ttl, TTL);
}

#[test]
fn a_lease_with_a_public_address_has_a_name_in_reverse() {
    let off =
        "[local.special-use]\nprivate-reverse = false\nhome-arpa = false\nresolver-arpa = false\n";
    for more in ["", off] {
        let (ours, _folder) = with_leases("0 7 2001:470::5 katze 00:01\n", more);
        let reverse = name::reverse("2001:470::5".parse().unwrap()).to_string();
        assert!(asked(&ours, &reverse, Rtype::PTR).ends_with(" PTR katze.lan."));
        let other = name::reverse("2001:470::6".parse().unwrap()).to_string();
        assert_eq!(asked(&ours, &other, Rtype::PTR), "not ours");
    }
}

#[test]
fn the_configuration_wins_over_leases() {
    let lines = "0 aa 192.168.1.5 nas *\n0 bb 192.168.1.6 deep *\n";
    let records = "[local]\nrecords = [\"nas.lan. A 192.168.1.2\", \"a.b.lan. A 192.168.1.3\"]\n";
    let (ours, _folder) = with_leases(lines, records);
    assert_eq!(asked(&ours, "nas.lan", Rtype::A), "nas.lan. 3600 IN A 192.168.1.2");
    assert_eq!(asked(&ours, "b.lan", Rtype::A), "NOERROR", "a name above a record");
    let (ours, _folder) =
        with_leases(lines, "[[forward]]\nzone = \"lan\"\nservers = [\"192.0.2.1\"]\n");
    assert_eq!(asked(&ours, "nas.lan", Rtype::A), "nas.lan. 10 IN A 192.168.1.5");
    assert_eq!(asked(&ours, "hund.lan", Rtype::A), "not ours", "the forwarder is asked");
}

#[test]
fn leases_are_replaced_while_the_rest_stays() {
    let (ours, folder) = with_leases("0 aa 192.168.1.5 katze *\n", "");
    fs::write(folder.path().join("leases"), "0 aa 192.168.1.6 katze *\n").unwrap();
    let config = crate::config::NetworkConfig {
        leases: vec![folder.path().join("leases")],
        ..crate::config::NetworkConfig::default()
    };
    ours.put_leases(LeaseNames::read(&config, 0));
    assert_eq!(asked(&ours, "katze.lan", Rtype::A), "katze.lan. 10 IN A 192.168.1.6");
}

#[test]
fn faults_of_leases_are_remarked_with_their_line() {
    let ours =
        local("[network]\nlease-domain = \"home.example\"\nleases = [\"/no/such/leases\"]\n")
            .unwrap();
    let [remark] = ours.remarks() else { panic!("{:?}", ours.remarks()) };
    assert!(remark.starts_with("zoners.toml:3:10: network.leases: /no/such/leases: "), "{remark}");
    let (ours, _folder) = with_leases("0 aa 192.168.1.5 wpad *\n", "");
    let told = "zoners.toml:2:10: network.leases: the name `wpad` of 192.168.1.5, which is reserved, is not served";
    assert_eq!(ours.remarks(), [told]);
}
