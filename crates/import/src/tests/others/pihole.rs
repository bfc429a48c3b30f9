//! Files of Pi-hole.

use super::*;

pub(super) const PIHOLE: &str = r#"
[dns]
  upstreams = [
    "192.0.2.53#5335",
    "2001:db8::53"
  ] ### CHANGED
  interface = "eth0"
  queryLogging = true
  dnssec = true
  hosts = ["192.0.2.8 nas.lan nas"]
  cnameRecords = ["www.lan,nas.lan,60"]
  revServers = ["true,192.0.2.0/24,192.0.2.1,lan", "false,10.0.0.0/8,10.0.0.1,x"]
  blockTTL = 2
  [dns.blocking]
    active = true
    mode = "NODATA"
  [dns.specialDomains]
    mozillaCanary = true
[webserver.api]
  pwhash = "$BALLOON-SHA256$secret"
"#;

#[test]
fn pihole_of_version_6() {
    let (settings, remarks) = read_text("pihole.toml", PIHOLE);
    let expected = r#"
[local]
records = [
    "nas.lan. A 192.0.2.8", # pihole.toml:10
    "nas. A 192.0.2.8", # pihole.toml:10
    "www.lan. CNAME nas.lan.", # pihole.toml:11
]

[policy]
block-with = "nodata" # pihole.toml:16
firefox-canary = true # pihole.toml:18
ttl = 2 # pihole.toml:13

[query-log]
queries = "all" # pihole.toml:8

# pihole.toml:4
[[forward]]
zone = "."
servers = ["192.0.2.53:5335", "2001:db8::53"]
validate = true

# pihole.toml:12
[[forward]]
zone = "2.0.192.in-addr.arpa"
servers = ["192.0.2.1"]

# pihole.toml:12
[[forward]]
zone = "lan"
servers = ["192.0.2.1"]
"#;
    assert_eq!(settings, expected);
    let beginnings = [
        "pihole.toml:1: lists and domains: lists are in gravity.db: sqlite3",
        "pihole.toml:7: dns.interface: to be done",
        "pihole.toml:12: dns.revServers: switched off there",
        "pihole.toml:15: dns.blocking.active: no need",
        "pihole.toml:19: webserver: to be done: `zoners dashboard password`",
    ];
    begin(&remarks, &beginnings);
}

#[test]
fn files_of_pihole_count_together() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        (
            "setupVars.conf",
            "PIHOLE_DNS_1=192.0.2.53#5335\nPIHOLE_DNS_2=192.0.2.54\nREV_SERVER=true\nREV_SERVER_CIDR=10.0.0.0/8\nREV_SERVER_TARGET=10.0.0.1\nREV_SERVER_DOMAIN=lan\nWEBPASSWORD=secret\nDNSSEC=false\n",
        ),
        ("adlists.list", "# lists\nhttps://lists.example/ads.txt\nhttps://lists.example/ads.txt\n"),
        (
            "adlist.json",
            r#"[{"id":1,"address":"https://other.example/a","enabled":1},{"id":2,"address":"https://off.example/","enabled":0}]"#,
        ),
        ("blacklist.exact.json", r#"[{"domain":"ads.example","enabled":1}]"#),
        ("whitelist.regex.json", r#"[{"domain":"(^|\\.)good\\.example$","enabled":1}]"#),
        ("custom.list", "192.0.2.8 nas.lan\n"),
    ];
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| folder.path().join(name)).collect();
    files.iter().zip(&paths).for_each(|((_, text), path)| fs::write(path, text).unwrap());
    let (settings, remarks) = told(&import(&paths, None).unwrap(), &folder);
    let expected = r#"
[local]
records = [
    "nas.lan. A 192.0.2.8", # custom.list:1
]

# adlists.list:2
[[policy.list]]
name = "lists-example-ads-txt"
url = "https://lists.example/ads.txt"

# adlists.list:3
[[policy.list]]
name = "lists-example-ads-txt-1"
url = "https://lists.example/ads.txt"

# adlist.json:1
[[policy.list]]
name = "other-example-a"
url = "https://other.example/a"

# setupVars.conf:1
[[forward]]
zone = "."
servers = ["192.0.2.53:5335", "192.0.2.54"]

# setupVars.conf:3
[[forward]]
zone = "10.in-addr.arpa"
servers = ["10.0.0.1"]

# setupVars.conf:3
[[forward]]
zone = "lan"
servers = ["10.0.0.1"]
"#;
    assert_eq!(settings, expected);
    let beginnings = [
        "setupVars.conf:7: WEBPASSWORD: to be done",
        "adlist.json:1: https://off.example/: switched off there",
        "blacklist.exact.json:1: ads.example: to be done: `zoners policy block ads.example`",
        "whitelist.regex.json:1: (^|\\.)good\\.example$: to be done: the rule as /REGEX/",
    ];
    begin(&remarks, &beginnings);
}

#[test]
fn the_name_of_a_list_has_no_password() {
    let text = "https://me:secret@lists.example/ads@home.txt\n";
    let settings = toml(&import_text(text, "adlists.list", None).unwrap());
    assert!(settings.contains("name = \"lists-example-ads-home-txt\""), "{settings}");
}
