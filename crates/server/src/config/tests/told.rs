//! Faults of a configuration, as a person reads them.

mod acme;
mod encrypted;
mod policy;

use super::*;
use crate::validate::Scope;

fn error(text: &str) -> String {
    Config::parse(text, "zoners.toml").unwrap_err().to_string()
}

#[test]
fn a_misspelt_key_is_told_with_its_place_and_the_nearest() {
    let message = error("[resolver]\n  qname-minimization = true\n");
    let right = "zoners.toml:2:3: resolver.qname-minimization: there is no such key in [resolver]\n  did you \
                 mean `qname-minimisation`?\n    qname-minimization = true\n    ^^^^^^^^^^^^^^^^^^";
    assert_eq!(message, right);
    // A key of a different table, a table, and a key without a likeness.
    for (text, meant) in [
        ("http = []\n", "`server.http`"),
        ("[server]\nhosts = \"x\"\n", "`local.hosts`"),
        ("[sever]\nthreads = 1\n", "`server`"),
        ("[redis]\nurl = \"x\"\n", "`cache.redis`"),
        ("[[forward]]\nzone = \".\"\nserver = [\"192.0.2.1\"]\n", "`servers`"),
        ("[local.special-use]\nprivat-reverse = true\n", "`private-reverse`"),
    ] {
        let message = error(text);
        assert!(message.contains(&format!("did you mean {meant}?")), "{message}");
    }
    let message = error("[local]\nquux = 1\n");
    assert!(message.contains("it takes records, hosts and special-use"), "{message}");
    // `[[policy.list]]` has this key, which no zone can have.
    let message = error("[[zone]]\nzone = \"lan\"\nform = \"hosts\"\n");
    assert!(message.contains("there is no such key in [[zone]]"), "{message}");
    assert!(!message.contains("policy.list"), "{message}");
}

#[test]
fn values_that_are_not_allowed_are_told_with_those_that_are() {
    let message = error("[resolver]\nglue = \"all\"\n");
    assert!(message.contains("zoners.toml:2:8") && message.contains("\"sibling\""), "{message}");
    assert!(error("[server]\nthreads = 0\n").contains("between 1 and 256"));
    assert!(error("[server]\nlisten = [\"localhost\"]\n").contains("zoners.toml:2"));
    for name in ["", "dns.lan:8053", "http://dns.lan", "a b", "*"] {
        let message = error(&format!("[server]\nhttp-names = [{name:?}]\n"));
        assert!(
            message.contains("zoners.toml:2") && message.contains("without a port"),
            "{message}"
        );
    }
    assert!(error("[server]\nhttp = [\"dns.lan\"]\n").contains("other than 8053"));
    for wide in ["0.0.0.0", "192.0.2.1:5380", "localhost"] {
        let message = error(&format!("[server]\ndashboard = {wide:?}\n"));
        assert!(message.contains("an address of this machine alone"), "{message}");
    }
    assert!(error("[cache]\nsize = \"12\"\n").contains("MiB"));
    assert!(error("[cache]\nsize = \"128M\"\n").contains("\"128MB\""));
    for wrong in ["-1", "\"2x\"", "\"1500ms\"", "\"2d\"", "1.5"] {
        let message = error(&format!("[cache]\npersist-every = {wrong}\n"));
        assert!(message.contains("between 0 and 86400") && message.contains("\"2h\""), "{message}");
    }
    assert!(error("[dnssec]\nclock-skew = \"soon\"\n").contains("duration with a unit"));
    for wrong in ["on", "64:ff9b::/95", "192.0.2.0/24", "64:ff9b::"] {
        let message = error(&format!("[dns64]\nprefix = \"{wrong}\"\n"));
        assert!(
            message.contains("dns64.prefix: ") && message.contains("\"auto\", \"off\" or"),
            "{message}"
        );
    }
    for wrong in ["-1", "\"64K\"", "1.5", "true"] {
        let message = error(&format!("[limits]\nbytes = {wrong}\n"));
        assert!(
            message.starts_with(
                "zoners.toml:2:9: limits.bytes: must be a number of octets, or a size"
            )
        );
        assert!(message.contains("\"64KiB\""), "{message}");
    }
    assert!(error("[timeouts]\nclient = 0\n").contains("from \"1ms\" to \"60s\""));
    assert!(error("[[forward]]\nzone = \".\"\nservers = []\n").contains("at least one"));
    assert!(error("[[stub]]\nzone = \"a..b\"\nservers = [\"192.0.2.1\"]\n").contains("a..b"));
    assert!(error("[resolver]\nnever-ask = [\"10.0.0.0/99\"]\n").contains("prefix"));
    for key in ["allow", "unlimited"] {
        let message = error(&format!("[server]\n{key} = [\"near\"]\n"));
        assert!(message.contains("zoners.toml:2") && message.contains("\"nearby\""), "{message}");
        assert!(message.contains("\"near\""), "{message}");
    }
    for size in [-1, 511, 4097, 66_000] {
        let message = error(&format!("[resolver]\nedns-udp-size = {size}\n"));
        assert!(message.contains("zoners.toml:2") && message.contains("between 512 and 4096"));
    }
    let message = error("[resolver]\nsource-addresses = [\"192.0.2.1\", \"::\"]\n");
    assert!(
        message.contains("an IP address that a query can leave from") && message.contains("\"::\""),
        "{message}"
    );
    assert!(error("[resolver]\nsource-addresses = [\"eth0\"]\n").contains("IP address"));
    let message = error("[server]\nrrset-order = \"random\"\n");
    assert!(message.contains("\"rotate\" or \"fixed\""), "{message}");
    let message = error("[server]\nsandbox = \"strict\"\n");
    assert!(message.contains("\"on\", \"required\" or \"off\""), "{message}");
    assert!(error("[resolver]\nprobe-uplink = 1\n").contains("true or false"));
    assert!(error("[history]\ntimeline-option = 65053\n").contains("true or false"));
    assert!(error("[resolver]\nshare-referrals = \"A\"\n").contains("true or false"));
    assert!(error("[resolver]\ncookies = \"on\"\n").contains("true or false"));
    assert!(error("[resolver]\nrandomise-case = 1\n").contains("true or false"));
}

#[test]
fn a_control_socket_in_a_folder_that_is_not_there_is_told() {
    let message = error("[server]\nthreads = 1\ncontrol = \"/tpm/zoners.sock\"\n");
    assert!(
        message.starts_with("zoners.toml:3:11: server.control: there is no folder /tpm:"),
        "{message}"
    );
    assert!(message.contains("/run/zoners") && message.contains("$XDG_RUNTIME_DIR"), "{message}");
    for right in ["", "/run/zoners/zoners.sock", "/tmp/zoners.sock", "zoners.sock"] {
        let text = format!("[server]\ncontrol = {right:?}\n");
        assert!(Config::parse(&text, "zoners.toml").is_ok(), "{right}");
    }
}

/// Words of serde and of the TOML parser, without a meaning for the operator.
const JARGON: &[&str] = &[
    "invalid type",
    "invalid value",
    "invalid length",
    "unknown field",
    "unknown variant",
    "missing field",
    "expected",
    "sequence",
    "a map",
    "struct ",
    "boolean",
    "usize",
    "u32",
    "i64",
    "variant",
    "integer",
    "string",
    "syntax",
    "literal",
    "parse",
    "wanted",
    "untagged",
    "duplicate key",
    "inline",
    "overflow",
    "serde",
    "socket address",
];

/// Values of every kind.
const VALUES: &[&str] = &[
    "0",
    "-1",
    "1.5",
    "99999999999",
    "99999999999999999999999",
    "true",
    "\"?\"",
    "\"\"",
    "[]",
    "[1]",
    "[[]]",
    "[{}]",
    "{}",
    "{ a = 1 }",
    "1979-05-27",
    "[\"?\"]",
];

/// Lines that are no TOML.
const BROKEN: &[&str] = &[
    "threads",
    "threads: 3",
    "= 3",
    "threads = ",
    "threads = 1 2",
    "threads = four",
    "threads = nine",
    "threads = 08",
    "threads = True",
    "threads = 1_",
    "threads = 0X1",
    "user = \"abc",
    "user = 'abc",
    "user = \"\\q\"",
    "listen = [\"127.0.0.1:53\"",
    "listen = [\"a\" \"b\"]",
    "threads = 1\nthreads = 2",
    "[server]",
    "[server",
    "[[forward",
    "[server]]",
    "{}",
    "a.b.c = 1",
    "threads.x = 1",
    "\u{7}",
    "user = \"\u{7}\"",
    "x = {a = 1",
    "x = {a = 1 b = 2}",
    "threads = 1 # \u{7}",
    "[]",
    "[[]]",
    "threads = 1979-13-45",
    "user = \"\"\"abc",
];

#[test]
fn no_parser_speaks_to_the_user() {
    let mut texts: Vec<String> = BROKEN.iter().map(|line| format!("[server]\n{line}\n")).collect();
    for table in words::TABLES.iter().chain(&[""]) {
        let steps: Vec<String> =
            table.split('.').filter(|step| !step.is_empty()).map(str::to_owned).collect();
        let head = allowed::header(&steps);
        for key in allowed::keys(&steps) {
            texts.extend(VALUES.iter().map(|value| format!("{head}{key} = {value}\n")));
        }
    }
    let mut wrong = 0;
    for text in texts {
        let Err(error) = Config::parse(&text, "zoners.toml") else { continue };
        wrong += 1;
        for fault in error.faults() {
            let first = fault.lines().next().unwrap();
            assert!(first.starts_with("zoners.toml:"), "{text}{fault}");
            let what = first.splitn(4, ':').nth(3).unwrap();
            let said = JARGON.iter().find(|word| what.contains(**word));
            assert_eq!(said, None, "{text}{fault}");
        }
    }
    assert!(wrong > BROKEN.len() + 500, "{wrong}");
}

#[test]
fn everything_wrong_is_told_at_once_in_its_order() {
    let text = "http = []\n[server]\nthreads = 300\nlisten = [\"x\", \"127.0.0.1:53\", \"y:1\"]\n\
                user = nobody\n[[forward]]\nzone = \"a..b\"\n[[forward]]\nservers = [\"192.0.2.1\"]\n\
                [resolver]\nglue = 3\nipv6 = no\nqname-minimization = yes\n[stub]\n";
    let error = Config::parse(text, "z").unwrap_err();
    let told: Vec<&str> = error.faults().iter().filter_map(|fault| fault.lines().next()).collect();
    let right = [
        "z:1:1: http: there is no such key or table",
        "z:3:11: server.threads: must be a whole number between 1 and 256, not 300",
        "z:4:11: server.listen: must be an address, with a port other than 53 if it has one, such as \"127.0.0.1\", \"127.0.0.1:5300\" or \"[::1]:5300\", or with udp://, tcp://, udp+tcp://, tls://, https:// or quic:// in front, such as \"tls://0.0.0.0\" or \"https://[::]/dns-query\", not \"x\"",
        "z:4:32: server.listen: must be an address, with a port other than 53 if it has one, such as \"127.0.0.1\", \"127.0.0.1:5300\" or \"[::1]:5300\", or with udp://, tcp://, udp+tcp://, tls://, https:// or quic:// in front, such as \"tls://0.0.0.0\" or \"https://[::]/dns-query\", not \"y:1\"",
        "z:5:8: `nobody` is no number and not true or false: a text stands in quotes",
        "z:7:8: forward.zone: must be a domain name, such as \"corp.example\", not \"a..b\"",
        "z:8:1: forward: `zone` is missing",
        "z:11:8: resolver.glue: must be \"in-domain\", \"sibling\" or \"any\", not 3",
        "z:12:8: `no` is no number and not true or false: a text stands in quotes",
        "z:13:1: resolver.qname-minimization: there is no such key in [resolver]",
        "z:13:22: `yes` is no number and not true or false: a text stands in quotes",
        "z:14:1: stub: must be tables, each under [[stub]], not a table",
    ];
    assert_eq!(told, right, "{error}");
}

#[test]
fn the_domain_of_leases_is_one_of_the_operator() {
    let told = |domain: &str| {
        let text =
            format!("[network]\nleases = [\"/no/such/file\"]\nlease-domain = \"{domain}\"\n");
        let config = Config::parse(&text, "z").unwrap();
        config.validate(Scope::Contents).err().map(|error| error.faults().join("\n"))
    };
    for wrong in [".", "local", "home.local", "1.168.192.in-addr.arpa"] {
        let fault = told(wrong).unwrap();
        assert!(
            fault.contains("z:3:16: network.lease-domain: must be a domain of your own"),
            "{fault}"
        );
    }
    assert_eq!(told("home.example"), None);
}

#[test]
fn what_follows_an_open_bracket_is_not_guessed_at() {
    for open in ["listen = [\"127.0.0.1:53\",", "listen = [", "[resolver", "user = \"\"\"nobody"] {
        let text = format!("[server]\nthreads = 0\n{open}\nnonsense = 1\n[local]\nhosts = 3\n");
        let error = Config::parse(&text, "z").unwrap_err();
        assert_eq!(error.faults().len(), 2, "{error}");
        assert!(
            error.faults()[0].contains("server.threads")
                && error.faults()[1].contains("z:3:")
                && error.faults()[1].contains("not closed")
        );
    }
}

fn prepared(text: &str) -> String {
    let config = Config::parse(text, "z").unwrap();
    config.validate(Scope::Contents).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn values_that_do_not_go_together_are_told() {
    for (text, told) in [
        (
            "[server]\nlisten = [\"127.0.0.1:53\", \"[::1]:53\", \"127.0.0.1:53\"]",
            "z:2:39: server.listen: 127.0.0.1:53 is listed twice",
        ),
        (
            "[server]\nlisten = [\"127.0.0.1:53\", \"0.0.0.0:53\"]",
            "z:2:11: server.listen: 127.0.0.1:53 is covered by 0.0.0.0:53",
        ),
        (
            "[server]\nlisten = [\"[::]:53\", \"[::1]:53\"]",
            "z:2:22: server.listen: [::1]:53 is covered by [::]:53",
        ),
        (
            "[server]\nhttp = [\"127.0.0.1\", \"0.0.0.0\"]",
            "z:2:22: server.http: 0.0.0.0:8053 overlaps with 127.0.0.1:8053",
        ),
        (
            "[server]\nlisten = [\"0.0.0.0:8053\"]\nhttp = [\"127.0.0.1\"]",
            "z:3:9: server.http: 0.0.0.0:8053 of server.listen has that port",
        ),
        (
            "[[forward]]\nzone = \"lan\"\nservers = [\"192.0.2.1\"]\n[[forward]]\nzone = \"LAN.\"\nservers = [\"192.0.2.2\"]",
            "z:5:8: forward.zone: LAN. has a [[forward]] already: a zone takes one",
        ),
        (
            "[[stub]]\nzone = \"lan\"\nservers = [\"192.0.2.1\"]\n[[forward]]\nzone = \"lan\"\nservers = [\"192.0.2.2\"]",
            "z:2:8: stub.zone: lan. has a [[forward]] already",
        ),
        (
            "[cache]\nmin-ttl = 3600\nmax-ttl = 60",
            "z:2:11: cache.min-ttl: must be at most cache.max-ttl, which is 60 s, not 3600 s",
        ),
        ("[cache]\nmax-ttl = 60\nmin-ttl = 61", "z:3:11: cache.min-ttl: must be at most"),
        (
            "[resolver]\nipv4 = false\nipv6 = false",
            "z:3:8: resolver.ipv6: must be true where resolver.ipv4 is false",
        ),
        (
            "resolver.ipv6 = false\n[[stub]]\nzone = \"lan\"\nservers = [\"2001:db8::1\"]",
            "z:4:11: stub.servers: must have an IPv4 address: all are IPv6",
        ),
        (
            "[dnssec]\nsignal-anchors = true\nfollow-rollovers = false",
            "z:2:18: dnssec.signal-anchors: must be false, unless",
        ),
        (
            "[cache.redis]\nurl = [\"redis://192.0.2.1\"]\ncluster = true\nsentinel = \"a\"",
            "z:4:12: cache.redis.sentinel: ",
        ),
        (
            "[cache.redis]\nurl = \"redis://192.0.2.1\"\nsecret = \"0123456789abcdef\"\nsecret-file = \"/x\"",
            "z:4:15: cache.redis.secret-file: must be absent where cache.redis.secret is given",
        ),
    ] {
        let error = prepared(text);
        assert!(error.starts_with(told), "{error}");
    }
    // What goes together.
    for text in [
        "",
        "[server]\nlisten = [\"127.0.0.1:0\", \"127.0.0.1:0\", \"127.0.0.1:53\", \"[::1]:53\", \"127.0.0.1:54\"]",
        "[server]\nlisten = [\"0.0.0.0:53\", \"[::]:53\"]",
        "[server]\nlisten = [\"0.0.0.0:53\", \"127.0.0.1:54\", \"[::1]:53\"]",
        "[cache]\nmin-ttl = 60\nmax-ttl = 60",
        "resolver.ipv6 = false\n[[stub]]\nzone = \"lan\"\nservers = [\"2001:db8::1\", \"192.0.2.1\"]",
        "[[stub]]\nzone = \"lan\"\nservers = [\"192.0.2.1\"]\n[[forward]]\nzone = \"a.lan\"\nservers = [\"192.0.2.2\"]",
    ] {
        assert_eq!(prepared(text), "", "{text}");
    }
}

#[test]
fn every_file_that_is_named_is_read_and_all_that_is_wrong_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| format!("{:?}", folder.path().join(name).display().to_string());
    let text = format!(
        "[resolver]\nroot-hints = {}\n[dnssec]\nvalidate = false\ntrust-anchor = {}\n[local]\nhosts = {}\n\
         records = [\"nonsense\"]\n[cache]\nmin-ttl = 9\nmax-ttl = 8\n[cache.redis]\nurl = \"rediss://192.0.2.1\"\n\
         ca-file = {}\nsecret-file = {}\n",
        path("hints"),
        path("anchors"),
        path("."),
        path("ca"),
        path("secret")
    );
    let error = prepared(&text);
    for told in [
        "z:2:14: resolver.root-hints: ",
        "z:5:16: dnssec.trust-anchor: ",
        "z:7:9: local.hosts: ",
        "z:8:12: local.records: ",
        "z:10:11: cache.min-ttl: ",
        "z:14:11: cache.redis.ca-file: ",
        "z:15:15: cache.redis.secret-file: ",
    ] {
        assert!(error.contains(told), "{told} in {error}");
    }
    // Of present files, the content counts.
    for name in ["hints", "anchors", "ca", "secret"] {
        std::fs::write(folder.path().join(name), b"\xFF\n").unwrap();
    }
    let error = prepared(&text);
    assert_eq!(error.matches("must be a text in UTF-8").count(), 4, "{error}");
}

#[test]
fn certificates_that_could_not_be_used_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca");
    let told = |url: &str, text: &str| {
        std::fs::write(&ca, text).unwrap();
        let shown = ca.display().to_string();
        prepared(&format!("[cache.redis]\nurl = \"{url}\"\nca-file = {shown:?}\n"))
    };
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(told("rediss://192.0.2.1", "nonsense").contains("a certificate in PEM form"));
    assert!(told("rediss://192.0.2.1", &pem[..40]).contains("whole certificates"));
    assert!(told("redis://192.0.2.1", pem).starts_with("z:3:11: cache.redis.ca-file: "));
}
