#![allow(clippy::unwrap_used, reason = "a test that cannot go on must say so")]

use std::fs;
use std::path::PathBuf;

use super::*;
use proptest::prelude::*;

mod others;

const HOME: &str = r#"
server:
    verbosity: 1
    interface: 192.0.2.1
    interface: 2001:db8::1@5353
    access-control: 192.0.2.0/24 allow   # the house
    access-control: 10.0.0.0/8 allow
    access-control: 10.1.0.0/16 refuse
    msg-cache-size: 32m
    rrset-cache-size: 64m
    prefetch: yes
    use-caps-for-id: yes
    private-domain: "home.example"
    local-data: "nas.home.example 300 IN A 192.0.2.7"
    local-data-ptr: "192.0.2.7 nas.home.example"
    local-zone: "ads.example" always_nxdomain
    tls-service-key: "/etc/unbound/secret.key"
forward-zone:
    name: "."
    forward-tls-upstream: yes
    forward-addr: 192.0.2.53@853#dns.example
    forward-first: yes
stub-zone:
    name: lab.example
    stub-addr: 192.0.2.54@5300
"#;

const WRITTEN: &str = r#"
[cache]
size = "96MiB" # F:10

[local]
records = [
    "nas.home.example. 300 IN A 192.0.2.7", # F:14
    "7.2.0.192.in-addr.arpa. PTR nas.home.example.", # F:15
]

[policy]
rebinding-allow = [
    "home.example", # F:13
]

[resolver]
randomise-case = true # F:12

[server]
allow = [
    "192.0.2.0/24", # F:6
    "127.0.0.0/8", # F:6
    "::1/128", # F:6
]
listen = [
    "192.0.2.1", # F:4
    "[2001:db8::1]:5353", # F:5
]

# F:18
[[forward]]
zone = "."
servers = ["tls://192.0.2.53#dns.example"]
validate = true

# F:23
[[stub]]
zone = "lab.example"
servers = ["192.0.2.54:5300"]
"#;

/// The file `unbound.conf` with this text in a folder, and what is read.
fn read(folder: &tempfile::TempDir, text: &str) -> Result<Imported, ReadFault> {
    let file = folder.path().join("unbound.conf");
    fs::write(&file, text).unwrap();
    import(&[file], None)
}

fn remarks(imported: &Imported) -> Vec<String> {
    imported.remarks.iter().map(ToString::to_string).collect()
}

#[test]
fn settings_are_written_and_others_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let imported = read(&folder, HOME).unwrap();
    let file = folder.path().join("unbound.conf").display().to_string();
    let text = toml(&imported).replace(&file, "F");
    let (comments, settings) = text.split_at(text.find("\n\n[").unwrap() + 1);
    assert_eq!(settings, WRITTEN);
    for told in [
        "F:3: verbosity",
        "F:7: access-control: 10.0.0.0/8 allow: to be done",
        "F:11: prefetch: yes: default already",
        "F:16: local-zone",
        "F:17: tls-service-key: to be done",
        "F:22: forward-first: yes: no counterpart",
    ] {
        assert!(comments.contains(&format!("#   {told}")), "{told} in {comments}");
    }
    assert!(!text.contains("secret.key"), "{text}");
}

#[test]
fn a_line_against_a_default_is_not_called_a_default() {
    let folder = tempfile::tempdir().unwrap();
    let text = "server:\n harden-glue: no\n harden-glue: yes\n val-permissive-mode: yes\n";
    let told = remarks(&read(&folder, text).unwrap());
    let defaults: Vec<bool> = told.iter().map(|one| one.contains("default already")).collect();
    assert_eq!(defaults, [false, true, false], "{told:?}");
}

#[test]
fn the_longest_prefix_counts_as_in_unbound() {
    let folder = tempfile::tempdir().unwrap();
    let served = |lines: &str| {
        let text = toml(&read(&folder, &format!("server:\n{lines}")).unwrap());
        let quoted = text.lines().filter_map(|line| line.strip_prefix("    \""));
        quoted
            .filter_map(|line| line.split_once('"'))
            .map(|(prefix, _)| prefix.to_owned())
            .collect()
    };
    let of = |lines: &str| -> Vec<String> { served(lines) };
    let house = " access-control: 192.0.2.0/24 allow\n";
    let all = of(&format!(" access-control: 0.0.0.0/0 refuse\n{house}"));
    assert_eq!(all, ["192.0.2.0/24", "127.0.0.0/8", "::1/128"]);
    let own = of(&format!(" access-control: 127.0.0.0/8 refuse\n{house}"));
    assert_eq!(own, ["192.0.2.0/24", "::1/128"]);
    let holed = of(&format!(" access-control: 192.0.2.7 deny\n{house}"));
    assert_eq!(holed, ["127.0.0.0/8", "::1/128"]);
    // An interface opens Unbound to no client by itself.
    assert_eq!(of(" interface: 127.0.0.1\n"), ["127.0.0.0/8", "::1/128", "127.0.0.1"]);
}

#[test]
fn a_server_over_tls_without_a_name_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let zone = "forward-zone:\n name: .\n forward-tls-upstream: yes\n forward-addr:";
    let told = |server: &str| remarks(&read(&folder, &format!("{zone} {server}\n")).unwrap());
    assert!(told("2001:db8::1@853")[0].contains("tls://[2001:db8::1]: the certificate must have"));
    assert!(told("2001:db8::1@853#dns.example").is_empty());
}

#[test]
fn what_the_check_refuses_is_told_and_the_rest_stays() {
    let folder = tempfile::tempdir().unwrap();
    let imported = read(&folder, HOME).unwrap();
    let all = imported.settings.len();
    let check =
        |text: &str| if text.contains("192.0.2.54") { Err("no such".into()) } else { Ok(()) };
    let accepted = imported.accepted(check);
    assert_eq!(accepted.settings.len(), all - 1);
    assert!(
        remarks(&accepted)
            .last()
            .unwrap()
            .ends_with("stub-zone lab.example: not accepted: no such")
    );
}

#[test]
fn includes_are_read_below_the_folder_and_told_elsewhere() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (below, other) = (folder.path().join("conf.d"), elsewhere.path().join("o.conf"));
    fs::create_dir(&below).unwrap();
    fs::write(below.join("a.conf"), "server: num-threads: 2\n").unwrap();
    fs::write(below.join("b.txt"), "server: num-threads: 3\n").unwrap();
    fs::write(&other, "server:\n num-threads: 4\n").unwrap();
    let text = format!("include: \"{}/*.conf\"\ninclude: {}\n", below.display(), other.display());
    let imported = read(&folder, &text).unwrap();
    assert!(toml(&imported).contains("threads = 2 #"), "{imported:?}");
    let told = remarks(&imported);
    assert!(matches!(&told[..], [one] if one.contains("outside of the folders")), "{told:?}");
}

#[test]
fn a_file_that_another_one_includes_may_be_named_too() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (whole, other) = (folder.path().join("unbound.conf"), elsewhere.path().join("o.conf"));
    fs::write(&whole, format!("server:\ninclude: {}\n", other.display())).unwrap();
    // A part of a file has no clause.
    fs::write(&other, "num-threads: 4\n").unwrap();
    let imported = import(&[whole, other], None).unwrap();
    assert!(toml(&imported).contains("threads = 4 #") && imported.remarks.is_empty());
}

#[test]
fn an_include_without_a_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("include: \"{}/none*.conf\"\n", folder.path().display());
    assert!(remarks(&read(&folder, &text).unwrap())[0].ends_with("no file has such a name"));
}

#[test]
fn the_search_for_refused_settings_ends_at_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let records = |count: usize| -> String {
        let lines = (0..count).map(|number| format!(" local-data: \"n{number}. A 192.0.2.1\"\n"));
        std::iter::once("server:\n num-threads: 2\n".to_owned()).chain(lines).collect()
    };
    let check = |text: &str| if text.contains("records") { Err("no".into()) } else { Ok(()) };
    for (count, tried) in [(MAX_REFUSED, MAX_REFUSED), (1_000, MAX_REFUSED)] {
        let checks = std::cell::Cell::new(0);
        let accepted = read(&folder, &records(count)).unwrap().accepted(|text| {
            checks.set(checks.get() + 1);
            check(text)
        });
        let told = remarks(&accepted);
        assert_eq!(told.len(), count);
        assert_eq!(told.iter().filter(|one| one.ends_with("not accepted: no")).count(), tried);
        assert!(checks.get() < MAX_REFUSED * 12, "{} checks", checks.get());
    }
}

#[test]
fn includes_end_at_their_limits() {
    let folder = tempfile::tempdir().unwrap();
    let at = |number: usize| folder.path().join(format!("{number}.conf"));
    for number in 1..=MAX_DEPTH + 1 {
        fs::write(at(number), format!("include: {}\n", at(number + 1).display())).unwrap();
    }
    let deep = read(&folder, &format!("include: {}\n", at(1).display())).unwrap();
    let told = remarks(&deep);
    assert!(matches!(&told[..], [one] if one.contains("includes inside each other")), "{told:?}");
    fs::write(at(1), format!("include: {}\n", at(1).display())).unwrap();
    let circle = read(&folder, &format!("include: {}\n", at(1).display())).unwrap();
    assert!(remarks(&circle)[0].contains("was read already"));
    let many: Vec<String> =
        (0..MAX_FILES).map(|number| format!("include: {}\n", at(number + 100).display())).collect();
    (0..MAX_FILES).for_each(|number| fs::write(at(number + 100), "").unwrap());
    let told = remarks(&read(&folder, &many.concat()).unwrap());
    assert!(matches!(&told[..], [one] if one.contains("over 256 files")), "{told:?}");
}

#[test]
fn a_file_over_the_limit_and_a_file_of_another_kind_are_faults() {
    let folder = tempfile::tempdir().unwrap();
    let limit = usize::try_from(MAX_OCTETS).unwrap();
    let full = format!("server:\n{}", "#".repeat(limit - 8));
    assert!(read(&folder, &full).is_ok());
    assert!(read(&folder, &format!("{full}#")).unwrap_err().0.contains("octets"));
    // The limit is one of all files.
    fs::write(folder.path().join("more.conf"), "server:\n").unwrap();
    let both = [folder.path().join("unbound.conf"), folder.path().join("more.conf")];
    fs::write(&both[0], &full).unwrap();
    assert!(import(&both, None).unwrap_err().0.contains("octets in all files"));
    let fault = read(&folder, "[server]\nlisten = []\n").unwrap_err();
    assert!(fault.0.ends_with(&format!("is not of a known kind: {KINDS}; see --from")), "{fault}");
    assert!(import(&[PathBuf::from("/nonexistent/unbound.conf")], None).is_err());
}

proptest! {
    #[test]
    fn any_text_is_read(text in r#"(server:|forward-zone:|[a-z-]{1,9}:|local-data:|["'#@:\r\n\t \\\u{1}é]|[0-9a-f./]{1,9}){0,60}"#) {
        let mut reading = reading::Reading::new(&[]);
        let mut reader = unbound::Reader::default();
        reader.read(&text, "a\nb", &mut reading, 0);
        let written = toml(&reader.finish());
        prop_assert!(written.chars().all(|letter| letter == '\n' || !letter.is_control()));
    }
}
