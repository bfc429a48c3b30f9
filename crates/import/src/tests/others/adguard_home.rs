//! AdGuardHome.yaml.

use super::*;

pub(super) const ADGUARD: &str = "\
http:
  address: 0.0.0.0:80
users:
  - name: admin
    password: secret
dns:
  bind_hosts:
    - 192.0.2.1
  port: 5353
  ratelimit: 20
  upstream_dns:
    - https://dns.example/dns-query
    - '# a comment'
    - tcp://192.0.2.53
    - '[/corp.example/lab.example/]10.0.0.1:5300'
    - sdns://AgAA
    - h3://dns.example
  bootstrap_dns:
    - 9.9.9.10
  cache_size: 4194304
  allowed_clients: []
querylog:
  enabled: true
  interval: 168h
  ignored: [health.example]
filters:
  - enabled: true
    url: https://lists.example/a.txt
    name: A list
  - enabled: false
    url: https://lists.example/b.txt
    name: off
whitelist_filters:
  - url: https://lists.example/good.txt
    name: good
user_rules:
  - '||ads.example^'
  - '@@||good.example^'
  - '/banner[0-9]/'
  - '! a comment'
clients:
  persistent:
    - name: kid
      ids: [192.0.2.64]
filtering:
  blocking_mode: nxdomain
  rewrites:
    - domain: nas.lan
      answer: 192.0.2.8
    - domain: '*.dev.lan'
      answer: nas.lan
    - domain: x.lan
      answer: x.lan
  blocked_services:
    ids: [tiktok]
schema_version: 28
";

#[test]
fn adguard_home() {
    let (settings, remarks) = read_text("AdGuardHome.yaml", ADGUARD);
    let expected = r#"
[cache]
size = "4MiB" # AdGuardHome.yaml:20

[local]
records = [
    "nas.lan. A 192.0.2.8", # AdGuardHome.yaml:48
    "*.dev.lan. CNAME nas.lan.", # AdGuardHome.yaml:50
]

[policy]
block-with = "nxdomain" # AdGuardHome.yaml:46

[query-log]
ignore-names = [
    "health.example", # AdGuardHome.yaml:25
]
keep = "168h" # AdGuardHome.yaml:24
queries = "all" # AdGuardHome.yaml:23

[server]
listen = [
    "192.0.2.1:5353", # AdGuardHome.yaml:8
]
queries-per-second = 20 # AdGuardHome.yaml:10

# AdGuardHome.yaml:27
[[policy.list]]
name = "a-list"
url = "https://lists.example/a.txt"

# AdGuardHome.yaml:34
[[policy.list]]
name = "good"
url = "https://lists.example/good.txt"
action = "allow"

# AdGuardHome.yaml:12
[[forward]]
zone = "."
servers = ["https://dns.example/dns-query"]

# AdGuardHome.yaml:14
[[forward]]
zone = "."
servers = ["192.0.2.53"]
transport = "tcp"

# AdGuardHome.yaml:15
[[forward]]
zone = "corp.example"
servers = ["10.0.0.1:5300"]

# AdGuardHome.yaml:15
[[forward]]
zone = "lab.example"
servers = ["10.0.0.1:5300"]
"#;
    assert_eq!(settings, expected);
    let text = remarks.join("\n");
    for told in [
        "dns.upstream_dns: no counterpart: a stamp",
        "dns.upstream_dns: no counterpart: HTTP/3",
        "dns.bootstrap_dns: no need",
        "filters: off: switched off there",
        "user_rules: ||ads.example^: to be done: `zoners policy block ads.example`",
        "user_rules: @@||good.example^: to be done: `zoners policy allow good.example`",
        "user_rules: /banner[0-9]/: to be done: the rule in a file",
        "clients.persistent: to be done",
        "filtering.blocked_services.ids: to be done",
        "filtering.rewrites: x.lan: no counterpart",
        "users: to be done",
    ] {
        assert!(text.contains(told), "{told} in {text}");
    }
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn values_of_another_form_are_told() {
    let text = "dns:\n  upstream_dns: 192.0.2.1\n  ratelimit: many\nuser_rules:\n  - [a, b]\n  - '||ads.example^'\n\
                filters:\n  - a\n";
    let (settings, remarks) = read_text("AdGuardHome.yaml", text);
    assert_eq!(settings, "");
    let beginnings = [
        "AdGuardHome.yaml:2: dns.upstream_dns: not understood: a list was expected",
        "AdGuardHome.yaml:3: dns.ratelimit: not a whole number",
        "AdGuardHome.yaml:5: user_rules: not understood: a text was expected",
        "AdGuardHome.yaml:6: user_rules: ||ads.example^: to be done",
        "AdGuardHome.yaml:8: filters: not understood: a table was expected",
    ];
    begin(&remarks, &beginnings);
}

/// A text in the place of a number would be lines of the configuration.
#[test]
fn no_text_becomes_a_setting_of_its_own() {
    let text = "dns:\n  cache_ttl_min: \"5\\n[server]\\nallow = [\\\"0.0.0.0/0\\\"]\"\n";
    let (settings, remarks) = read_text("AdGuardHome.yaml", text);
    assert_eq!(settings, "");
    begin(&remarks, &["AdGuardHome.yaml:2: dns.cache_ttl_min: not a whole number"]);
}

#[test]
fn a_server_keeps_its_whole_address() {
    let text = "dns:\n  upstream_dns:\n    - 2001:db8::1:53\n    - 'tcp://[2001:db8::2]:53'\n    - 192.0.2.1:53\n    - 192.0.2.2:5300\n";
    let settings = toml(&import_text(text, "AdGuardHome.yaml", None).unwrap());
    assert!(
        settings.contains(r#"["2001:db8::1:53", "192.0.2.1", "192.0.2.2:5300"]"#),
        "{settings}"
    );
    assert!(settings.contains(r#"["2001:db8::2"]"#), "{settings}");
}
