//! dnsmasq.conf.

use super::*;

pub(super) const DNSMASQ: &str = "\
# a house
no-resolv
domain-needed
listen-address=127.0.0.1,192.0.2.1 # both
port=5353
server=192.0.2.53
server=192.0.2.54#5300
server=/corp.example/lab.example/10.0.0.1@eth0
rev-server=192.0.2.0/24,192.0.2.1
local=/lan/
domain=lan
address=/app.example/192.0.2.7
address=/ads.example/
address=/tracker.example/0.0.0.0
host-record=nas,nas.lan,192.0.2.8,2001:db8::8,600
cname=www.lan,web.lan,nas.lan,300
txt-record=lan,v=spf1 -all
mx-host=lan,mail.lan,10
srv-host=_ldap._tcp.lan,nas.lan,389
ptr-record=8.2.0.192.in-addr.arpa,nas.lan
max-cache-ttl=3600
cache-size=1000
rebind-domain-ok=/home.example/
dhcp-range=192.0.2.100,192.0.2.200,12h
frobnicate
";

#[test]
fn dnsmasq() {
    let (settings, remarks) = read_text("dnsmasq.conf", DNSMASQ);
    let expected = r#"
[cache]
max-ttl = 3600 # dnsmasq.conf:21

[local]
records = [
    "app.example. A 192.0.2.7", # dnsmasq.conf:12
    "*.app.example. A 192.0.2.7", # dnsmasq.conf:12
    "nas. A 192.0.2.8", # dnsmasq.conf:15
    "nas. AAAA 2001:db8::8", # dnsmasq.conf:15
    "nas.lan. A 192.0.2.8", # dnsmasq.conf:15
    "nas.lan. AAAA 2001:db8::8", # dnsmasq.conf:15
    "www.lan. CNAME nas.lan.", # dnsmasq.conf:16
    "web.lan. CNAME nas.lan.", # dnsmasq.conf:16
    "lan. TXT \"v=spf1 -all\"", # dnsmasq.conf:17
    "lan. MX 10 mail.lan.", # dnsmasq.conf:18
    "_ldap._tcp.lan. SRV 0 0 389 nas.lan.", # dnsmasq.conf:19
    "8.2.0.192.in-addr.arpa. PTR nas.lan.", # dnsmasq.conf:20
]

[network]
lease-domain = "lan" # dnsmasq.conf:11

[policy]
rebinding-allow = [
    "home.example", # dnsmasq.conf:23
]

[server]
listen = [
    "127.0.0.1:5353", # dnsmasq.conf:4
    "192.0.2.1:5353", # dnsmasq.conf:4
]

# dnsmasq.conf:6
[[forward]]
zone = "."
servers = ["192.0.2.53", "192.0.2.54:5300"]

# dnsmasq.conf:8
[[forward]]
zone = "corp.example"
servers = ["10.0.0.1"]

# dnsmasq.conf:8
[[forward]]
zone = "lab.example"
servers = ["10.0.0.1"]

# dnsmasq.conf:9
[[forward]]
zone = "2.0.192.in-addr.arpa"
servers = ["192.0.2.1"]
"#;
    assert_eq!(settings, expected);
    let beginnings = [
        "dnsmasq.conf:2: no-resolv: no need",
        "dnsmasq.conf:3: domain-needed: default already",
        "dnsmasq.conf:8: server=/corp.example/lab.example/10.0.0.1@eth0: no counterpart",
        "dnsmasq.conf:10: local=/lan/: to be done",
        "dnsmasq.conf:22: cache-size=1000: no counterpart by number",
        "dnsmasq.conf:24: dhcp-range=192.0.2.100,192.0.2.200,12h: no counterpart: DHCP",
        "dnsmasq.conf:25: frobnicate: no counterpart is known",
        "dnsmasq.conf:13: address=/ads.example/: to be done: 2 names are blocked",
    ];
    begin(&remarks, &beginnings);
}

#[test]
fn includes_of_dnsmasq_are_bounded_like_others() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("dnsmasq.conf"), folder.path().join("dnsmasq.d"));
    fs::create_dir(&parts).unwrap();
    fs::write(parts.join("a.conf"), "max-cache-ttl=60\n").unwrap();
    fs::write(parts.join("b.bak"), "max-cache-ttl=90\n").unwrap();
    fs::write(&whole, format!("conf-dir={},*.conf\n", parts.display())).unwrap();
    assert_eq!(
        told(&import(std::slice::from_ref(&whole), None).unwrap(), &folder).0,
        "\n[cache]\nmax-ttl = 60 # dnsmasq.d/a.conf:1\n"
    );
    fs::write(parts.join("a.conf"), format!("conf-file={}\n", parts.join("a.conf").display()))
        .unwrap();
    let (_, remarks) = told(&import(&[whole], None).unwrap(), &folder);
    assert!(matches!(&remarks[..], [one] if one.contains("was read already")), "{remarks:?}");
}

#[test]
fn lines_for_names_without_a_dot_are_told() {
    let (settings, remarks) =
        read_text("dnsmasq.conf", "server=//192.0.2.1\naddress=//192.0.2.7\n");
    assert_eq!(settings, "");
    let beginnings = [
        "dnsmasq.conf:1: server=//192.0.2.1: no counterpart: names without a dot",
        "dnsmasq.conf:2: address=//192.0.2.7: no counterpart: names without a dot",
    ];
    begin(&remarks, &beginnings);
}
