mod told;

use super::*;

#[test]
fn an_empty_file_is_a_configuration() {
    let config = Config::parse("", "zoners.toml").unwrap();
    assert_eq!(config.server, ServerConfig::default());
    let settings = config.settings().unwrap();
    assert_eq!(settings.root.servers.len(), 13);
    assert!(settings.root.servers.iter().all(|server| server.addresses.len() == 2));
    assert_eq!(settings.limits, zoners_resolver::Limits::default());
}

#[test]
fn the_example_has_every_key_and_changes_nothing() {
    let example = Config::parse(EXAMPLE, "zoners.example.toml").unwrap();
    assert_eq!(example.server, ServerConfig::default());
    let plain = Config {
        forward: vec![],
        stub: vec![],
        dnssec: DnssecConfig::default(),
        ..example.clone()
    };
    assert_eq!(format!("{plain:?}"), format!("{:?}", Config::default()));
    // Whatever serde knows as a key must stand in the example.
    for table in words::TABLES {
        let steps: Vec<String> = table.split('.').map(str::to_owned).collect();
        let keys = allowed::keys(&steps);
        assert!(!keys.is_empty(), "[{table}]");
        for key in keys {
            assert!(EXAMPLE.contains(&key), "`{key}` of [{table}] is missing in the example");
        }
    }
    for table in allowed::keys(&[]) {
        assert!(words::TABLES.contains(&table.as_str()), "{table}");
    }
}

#[test]
fn durations_sizes_and_addresses_are_written_as_people_do() {
    let text = "[server]\nlisten = [\"127.0.0.1\", \"::1\", \"[::1]:5300\"]\n[cache]\nsize = \"128MB\"\n\
                max-ttl = \"2h\"\nmax-negative-ttl = 90\nmax-stale-ttl = \"1d\"\n[dnssec]\nclock-skew = \"1h 30min\"\n";
    let config = Config::parse(text, "zoners.toml").unwrap();
    let listen: Vec<String> =
        config.server.listen.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(listen, ["127.0.0.1:53", "[::1]:53", "[::1]:5300"]);
    let CacheConfig { size, max_ttl, max_negative_ttl, max_stale_ttl, .. } = config.cache;
    assert_eq!((size.0, max_ttl, max_negative_ttl), (128_000_000, 7200, 90));
    assert_eq!((max_stale_ttl, config.dnssec.clock_skew), (86_400, 5400));
    for (size, octets) in
        [("65536", 65_536), ("\"65536\"", 65_536), ("\"64KiB\"", 65_536), ("\"1MB\"", 1_000_000)]
    {
        let config = Config::parse(&format!("[limits]\nbytes = {size}\n"), "zoners.toml").unwrap();
        assert_eq!(config.settings().unwrap().limits.bytes, octets, "{size}");
    }
    let text = "[cache]\nsize = 2097152\n[resolver]\nedns-udp-size = \"4KiB\"\n";
    let config = Config::parse(text, "zoners.toml").unwrap();
    assert_eq!((config.cache.size.0, config.resolver.edns_udp_size), (2 << 20, 4096));
}

#[test]
fn every_duration_and_size_takes_a_unit_and_a_wrong_one_is_told_with_line_and_example() {
    let durations = ["min-ttl", "max-ttl", "max-negative-ttl", "max-stale-ttl", "persist-every"];
    let durations = durations.map(|key| ("cache", key, "2h", "\"2h\""));
    let timeouts = ["query", "zone", "recursion", "client"];
    let timeouts = timeouts.map(|key| ("timeouts", key, "2s", "\"800ms\""));
    let rest = [
        ("dnssec", "clock-skew", "2h", "\"2h\""),
        ("cache", "size", "128MB", "\"128MB\""),
        ("limits", "bytes", "64KiB", "\"64KiB\""),
        ("resolver", "edns-udp-size", "1KiB", "\"64KiB\""),
    ];
    for (table, key, value, such_as) in durations.into_iter().chain(timeouts).chain(rest) {
        let text = format!("[{table}]\n{key} = \"{value}\"\n");
        assert!(Config::parse(&text, "z").is_ok(), "{text}");
        let wrong = Config::parse(&format!("[{table}]\n{key} = \"7 apples\"\n"), "z");
        let wrong = wrong.unwrap_err().to_string();
        let place = format!("z:2:{}: {table}.{key}: must be ", key.len() + 4);
        assert!(wrong.starts_with(&place) && wrong.contains(such_as), "{wrong}");
        assert!(EXAMPLE.contains(&format!("\n{key} = ")), "{key}");
    }
}

#[test]
fn our_own_sockets_are_never_asked() {
    let text = "[server]\nlisten = [\"203.0.112.53:53\", \"203.0.112.54:5300\", \"0.0.0.0:53\"]\n";
    let settings = Config::parse(text, "zoners.toml").unwrap().settings().unwrap();
    assert!(!settings.may_ask([203, 0, 112, 53].into()));
    assert!(settings.may_ask([203, 0, 112, 54].into()), "another port, so not us");
    assert!(settings.may_ask([198, 51, 99, 1].into()));
}

#[test]
fn special_addresses_are_asked_only_where_the_configuration_names_them() {
    let settings = |text: &str| Config::parse(text, "zoners.toml").unwrap().settings().unwrap();
    let may = |settings: &zoners_resolver::Settings, address: &str| {
        settings.may_ask(address.parse().unwrap())
    };
    // The resolver of Tailscale and a resolver in the house, beside a possible server of the public tree.
    let text = "[[forward]]\nzone = \"ts.net\"\nservers = [\"100.100.100.100\"]\n\
                [[stub]]\nzone = \"lan\"\nservers = [\"192.0.2.1\", \"[fd00::1]:5353\"]\n";
    let configured = settings(text);
    for address in ["100.100.100.100", "192.0.2.1", "fd00::1"] {
        assert!(may(&configured, address), "{address}");
        assert!(!may(&settings(""), address), "{address}");
    }
    for address in ["100.100.100.101", "192.0.2.2", "fd00::2", "64:ff9b::10.0.0.1"] {
        assert!(!may(&configured, address), "{address}");
    }
    let own = settings("[resolver]\nnever-ask = [\"203.0.112.0/24\"]\n");
    assert!(
        !may(&own, "203.0.112.9") && may(&own, "10.0.0.1"),
        "the file's list is the whole list"
    );
    assert!(may(&settings("[resolver]\nnever-ask = []\n"), "127.0.0.1"));
}

#[test]
fn a_root_of_a_lab_is_asked_with_all_below_it() {
    let folder = tempfile::tempdir().unwrap();
    let hints = folder.path().join("hints");
    let settings = |address: &str, more: &str| {
        std::fs::write(&hints, format!(". NS a.test.\na.test. A {address}\n")).unwrap();
        let text = format!("[resolver]\nroot-hints = {:?}\n{more}", hints.display().to_string());
        Config::parse(&text, "zoners.toml").unwrap().settings().unwrap()
    };
    assert!(settings("198.18.0.1", "").may_ask([192, 0, 2, 1].into()));
    assert!(settings("10.0.0.1", "").may_ask([10, 0, 0, 1].into()), "named");
    assert!(!settings("10.0.0.1", "").may_ask([10, 0, 0, 2].into()));
    let listed = settings("198.18.0.1", "never-ask = [\"198.18.0.0/15\"]\n");
    assert!(!listed.may_ask([198, 18, 0, 2].into()), "listed by the operator");
}

#[test]
fn files_that_are_named_are_read_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hints");
    let config = |key: &str| {
        Config::parse(&format!("{key} = {:?}\n", path.display().to_string()), "zoners.toml")
            .unwrap()
    };
    let told = |key: &str| config(key).settings().unwrap_err().to_string();
    assert!(told("resolver.root-hints").contains("hints: No such file"));
    std::fs::write(&path, "example. A 192.0.2.1\n").unwrap();
    assert!(told("resolver.root-hints").contains("no NS record"));
    assert!(told("dnssec.trust-anchor").contains("a DS or DNSKEY record"));
    std::fs::write(&path, ". DS 20326 RSASHA999 SHA-256 AB\n").unwrap();
    let wrong = told("dnssec.trust-anchor");
    assert!(wrong.contains("hints: near line 1: `RSASHA999` is no DNSSEC algorithm"), "{wrong}");
    std::fs::write(&path, ". NS a.test.\na.test. A 192.0.2.1\n").unwrap();
    assert_eq!(config("resolver.root-hints").settings().unwrap().root.servers.len(), 1);
}

#[test]
fn a_secret_that_others_may_write_is_refused_and_one_that_they_may_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "only the nodes know it").unwrap();
    let shown = path.display().to_string();
    let text = format!("[cache.redis]\nurl = \"redis://192.0.2.1\"\nsecret-file = {shown:?}\n");
    let config = Config::parse(&text, "zoners.toml").unwrap();
    let with = |mode: u32| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (config.second_level().is_ok(), !config.remarks().is_empty())
    };
    assert_eq!(with(0o600), (true, false));
    assert_eq!(with(0o640), (true, false));
    assert_eq!(with(0o444), (true, true));
    assert_eq!(with(0o620), (false, false));
    assert_eq!(with(0o606), (false, true));
}

#[test]
fn trust_anchors_may_have_mnemonics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anchors");
    let text = ". DS 20326 RSASHA256 SHA-256 ABCD\na.test. IN DNSKEY 257 3 (\n ECDSAP256SHA256 AQID )\n\
                b.test. 60 IN DS 1 ED25519 SHA-384 ABCD ; and a comment\n";
    std::fs::write(&path, text).unwrap();
    let config = format!("dnssec.trust-anchor = {:?}\n", path.display().to_string());
    let settings = Config::parse(&config, "zoners.toml").unwrap().settings().unwrap();
    let told = |at: usize| {
        let anchor = &settings.anchors[at];
        let ds: Vec<_> = anchor.ds.iter().map(|ds| (ds.algorithm, ds.digest_type)).collect();
        let keys: Vec<_> = anchor.keys.iter().map(|key| key.algorithm).collect();
        (anchor.zone.to_string(), ds, keys)
    };
    assert_eq!(told(0), (".".into(), vec![(8, 2)], vec![]));
    assert_eq!(told(1), ("a.test".into(), vec![], vec![13]));
    assert_eq!(told(2), ("b.test".into(), vec![(15, 4)], vec![]));
}

#[test]
fn what_a_harness_switches_reaches_the_resolver() {
    let defaults = Config::default().settings().unwrap();
    assert!(defaults.probe_uplink && defaults.share_referrals);
    assert!(defaults.cookies && !defaults.randomise_case);
    assert_eq!(defaults.udp_payload_size, 1232);
    let text = "[resolver]\nprobe-uplink = false\nshare-referrals = false\nedns-udp-size = 4096\n\
                source-addresses = [\"192.0.2.1\", \"2001:db8::1\"]\n";
    let config = Config::parse(text, "zoners.toml").unwrap();
    let settings = config.settings().unwrap();
    assert!(!settings.probe_uplink && !settings.share_referrals);
    assert_eq!(settings.udp_payload_size, 4096);
    assert_eq!(config.resolver.source_addresses.len(), 2);
    assert!(settings.cookies, "one address of each family");
}

#[test]
fn cookies_and_letters_are_switched_and_drawn_sources_have_no_cookies() {
    let settings = |text: &str| {
        Config::parse(&format!("[resolver]\n{text}"), "zoners.toml").unwrap().settings().unwrap()
    };
    assert!(!settings("cookies = false\n").cookies);
    assert!(settings("randomise-case = true\n").randomise_case);
    assert!(!settings("source-addresses = [\"192.0.2.1\", \"192.0.2.2\"]\n").cookies);
}

#[test]
fn routes_take_addresses_with_and_without_port() {
    let text = "[[forward]]\nzone = \"corp.example\"\nservers = [\"10.0.0.1\", \"[2001:db8::1]:5353\"]\ntransport = \"tcp\"\n";
    let settings = Config::parse(text, "zoners.toml").unwrap().settings().unwrap();
    let route = settings.route(&zoners_dns::name::parse("www.corp.example").unwrap()).unwrap();
    assert_eq!(route.mode, zoners_dns::QueryMode::Forward);
    assert_eq!(route.servers[0].addresses, ["10.0.0.1:53".parse().unwrap()]);
    assert_eq!(route.servers[1].addresses, ["[2001:db8::1]:5353".parse().unwrap()]);
    assert!(settings.may_ask([10, 0, 0, 1].into()), "configured, so asked");
    assert!(!settings.may_ask([10, 0, 0, 2].into()));
}

#[test]
fn private_names_are_those_of_routes_copies_and_the_allow_list() {
    let zones = |text: &str| {
        let config = Config::parse(text, "zoners.toml").unwrap();
        let zones = config.private_zones();
        zones.iter().map(|zone| zone.zone.fmt_with_dot().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(zones(""), Vec::<String>::new());
    let route = |list: &str, zone: &str, servers: &str| {
        format!("[[{list}]]\nzone = \"{zone}\"\nservers = [{servers}]\n")
    };
    assert_eq!(zones(&route("forward", "corp", "\"192.0.2.1\"")), ["corp."]);
    assert_eq!(zones(&route("stub", "lab", "\"192.0.2.1\"")), ["lab."]);
    assert_eq!(zones(&route("forward", ".", "\"10.0.0.1\", \"[fd00::1]:5353\"")), ["."]);
    assert_eq!(zones(&route("forward", ".", "\"10.0.0.1\", \"192.0.2.1\"")), [""; 0]);
    let copies =
        "[[zone]]\nzone = \"home\"\nfile = \"/a\"\n[[zone]]\nzone = \".\"\nfile = \"/b\"\n";
    assert_eq!(zones(copies), ["home."]);
    assert_eq!(zones("policy.rebinding-allow = [\"plex.direct\"]\n"), ["plex.direct."]);
    // The root route of a strategy is for names of the Internet.
    let strategy =
        ConfigOverlay::parse("strategy", &route("forward", ".", "\"10.0.0.1\"")).unwrap();
    let config = Config::parse("", "zoners.toml").unwrap();
    let config = config.overlaid(&[std::sync::Arc::new(strategy)]).unwrap();
    assert_eq!((config.forward.len(), config.private_zones().len()), (1, 0));
}
