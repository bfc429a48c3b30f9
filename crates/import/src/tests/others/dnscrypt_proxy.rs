//! dnscrypt-proxy.toml.

use super::*;

pub(super) const DNSCRYPT: &str = "\
listen_addresses = ['127.0.0.1:53', '[::1]:5300']
server_names = ['one', 'two']
cache_max_ttl = 86400
forwarding_rules = 'forwarding-rules.txt'
cloaking_rules = 'cloaking-rules.txt'
[blocked_names]
blocked_names_file = 'blocked-names.txt'
[blocked_ips]
blocked_ips_file = 'none.txt'
";

#[test]
fn dnscrypt_proxy_with_its_rules() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("dnscrypt-proxy.toml", DNSCRYPT);
    write(
        "forwarding-rules.txt",
        "# rules\nlan 192.0.2.1\ncorp.example 10.0.0.1:5300, [2001:db8::1]:53\nx $DHCP\n",
    );
    write(
        "cloaking-rules.txt",
        "=nas.lan 192.0.2.8\napp.lan 192.0.2.9\n*.dev.lan nas.lan\nad*.lan 192.0.2.1\n",
    );
    write("blocked-names.txt", "ads.example\n*.tracker.example\nad.*\n");
    let file = folder.path().join("dnscrypt-proxy.toml");
    let (settings, remarks) = told(&import(&[file], None).unwrap(), &folder);
    let expected = r#"
[cache]
max-ttl = 86400 # dnscrypt-proxy.toml:3

[local]
records = [
    "nas.lan. A 192.0.2.8", # cloaking-rules.txt:1
    "app.lan. A 192.0.2.9", # cloaking-rules.txt:2
    "*.app.lan. A 192.0.2.9", # cloaking-rules.txt:2
    "*.dev.lan. CNAME nas.lan.", # cloaking-rules.txt:3
]

[server]
listen = [
    "127.0.0.1", # dnscrypt-proxy.toml:1
    "[::1]:5300", # dnscrypt-proxy.toml:1
]

# dnscrypt-proxy.toml:7
[[policy.list]]
name = "blocked-names"
path = "blocked-names.txt"
form = "wildcards"

# forwarding-rules.txt:2
[[forward]]
zone = "lan"
servers = ["192.0.2.1"]

# forwarding-rules.txt:3
[[forward]]
zone = "corp.example"
servers = ["10.0.0.1:5300", "2001:db8::1"]
"#;
    assert_eq!(settings, expected);
    let beginnings = [
        "dnscrypt-proxy.toml:2: server_names: to be done",
        "forwarding-rules.txt:4: x $DHCP: not an address: $DHCP",
        "cloaking-rules.txt:4: ad*.lan 192.0.2.1: no counterpart: a pattern",
        "dnscrypt-proxy.toml:7: blocked_names.blocked_names_file: no counterpart: 1 lines with patterns",
        "dnscrypt-proxy.toml:8: blocked_ips: no counterpart",
    ];
    begin(&remarks, &beginnings);
}
