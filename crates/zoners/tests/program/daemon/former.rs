//! Files of former versions (`tests/former`): the program starts with the files, keeps each readable part, and names each
//! unreadable part. An install of a former version is undone.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::common::{Daemon, zoners};

/// Keys of 2026-11-24 with other names now.
const RENAMED: usize = 17;
/// The exit code of `check` for a sound configuration with remarks.
const REMARKS: i32 = 5;

fn former(day: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/former").join(day)
}

/// Writes a file of the state folder, which is for its user alone.
fn put(path: &Path, octets: &[u8]) {
    let _ = fs::remove_file(path);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.unwrap().write_all(octets).unwrap();
}

/// A copy of the state folder and the configuration of 2026-11-26.
fn copied() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (state, of) = (folder.path().join("state"), former("2026-11-26"));
    fs::create_dir(&state).unwrap();
    for name in ["cache", "cache.key", "history", "network.key", "001795810347.queries"] {
        put(&state.join(name), &fs::read(of.join(name)).unwrap());
    }
    fs::copy(of.join("anchor"), folder.path().join("anchor")).unwrap();
    let text = fs::read_to_string(of.join("zoners.toml")).unwrap();
    let text = text.replace("FOLDER", &folder.path().display().to_string());
    fs::write(folder.path().join("zoners.toml"), text).unwrap();
    folder
}

/// The log of a daemon that begins with this folder, up to where it serves and each part was logged.
fn begun(folder: tempfile::TempDir, parts: &[&str]) -> (Daemon, Vec<String>) {
    let (mut daemon, mut log) = (Daemon::of(folder), Vec::<String>::new());
    let has = |log: &[String], part: &str| log.iter().any(|line| line.contains(part));
    while !has(&log, "serving on") || !parts.iter().all(|part| has(&log, part)) {
        log.push(daemon.line_with("").unwrap_or_else(|| panic!("it ends: {log:#?}")));
    }
    (daemon, log)
}

#[test]
fn a_state_folder_of_a_former_version_is_taken() {
    let (daemon, log) = begun(copied(), &["cache: ", "history: "]);
    let has = |part: &str| log.iter().any(|line| line.contains(part));
    assert!(has("history: loaded 5 past resolutions"), "{log:#?}");
    assert!(!has("put aside") && !has("WARN history"), "{log:#?}");
    assert!(!daemon.folder.path().join("state/cache.bad").exists());
    let socket = daemon.folder.path().join("run/zoners.sock").display().to_string();
    let told = |words: &[&str]| {
        let output = zoners(&[words, &["--control", &socket]].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let queries = told(&["log"]);
    for asked in ["www.fast.demo. A", "gone.fast.demo. A", "www.dead.demo. A  (EDE 22"] {
        assert!(queries.contains(asked), "{asked} in {queries}");
    }
    assert!(told(&["why", "www.dead.demo"]).contains("no answer after 4.5 s"));
}

/// The sources, the rules and the trust anchors of this version have the fingerprints of the former version.
#[test]
fn a_cache_of_a_former_version_is_used() {
    let folder = copied();
    for name in ["cache", "cache.key"] {
        let octets = fs::read(former("2026-11-27").join(name)).unwrap();
        put(&folder.path().join("state").join(name), &octets);
    }
    let (_daemon, log) = begun(folder, &["cache: "]);
    let line = log.iter().find(|line| line.contains("cache: ")).unwrap();
    // A machine with a clock before that day has no age for the file.
    let is_used = line.contains("cache: loaded") && !line.contains("validated again");
    assert!(is_used || line.contains("the wall clock was set back"), "{log:#?}");
}

#[test]
fn state_of_an_unknown_form_is_told_and_the_rest_stays() {
    let folder = copied();
    let state = folder.path().join("state");
    put(&state.join("history"), b"zoners history 9\n");
    put(&state.join("cache"), b"zoners-cache\x00\x09");
    let (daemon, log) = begun(folder, &["cache: ", "history: "]);
    let has = |part: &str| log.iter().any(|line| line.contains(part));
    assert!(has("has an unknown format; the next write replaces the file"), "{log:#?}");
    assert!(has("is put aside as cache.bad"), "{log:#?}");
    let socket = daemon.folder.path().join("run/zoners.sock").display().to_string();
    let queries = zoners(&["log", "--control", &socket]).stdout;
    assert!(String::from_utf8(queries).unwrap().contains("www.dead.demo. A"));
}

#[test]
fn a_configuration_of_a_former_version_is_taken_with_a_remark_on_each_old_name() {
    let file = former("2026-11-24").join("zoners.toml").display().to_string();
    let output = zoners(&["check", "--config", &file]);
    assert_eq!(output.status.code(), Some(REMARKS), "{output:?}");
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(told.matches("the next version refuses the old name").count(), RENAMED, "{told}");
    assert!(told.contains("configuration OK"), "{told}");
}

/// Path, content and mode of a file of before an install.
type FormerFile = (&'static str, Vec<u8>, u32);

/// A machine that was installed by the former version, with the DNS settings taken; and the files of before the install.
fn installed() -> (tempfile::TempDir, [FormerFile; 4]) {
    let (machine, of) = (tempfile::tempdir().unwrap(), former("2026-11-26"));
    let by_hand = [
        ("etc/resolv.conf", b"# by hand\nnameserver 192.0.2.1\nsearch lan\n".to_vec(), 0o644),
        ("etc/systemd/system/zoners.service", b"# a unit by hand\n".to_vec(), 0o644),
        ("usr/local/bin/zoners", fs::read(of.join("install.former-0")).unwrap(), 0o755),
        ("usr/local/share/man/man1/zoners.1", b".TH zoners 1 \"a page by hand\"\n".to_vec(), 0o600),
    ];
    let path = |name: &str| machine.path().join(name);
    let write = |name: &str, octets: &[u8]| {
        fs::create_dir_all(path(name).parent().unwrap()).unwrap();
        put(&path(name), octets);
    };
    // The folders belong to whoever runs the test.
    let own = fs::metadata(machine.path()).unwrap();
    let owner = format!("\"owner\":{},\"group\":{}", own.uid(), own.gid());
    for (name, from) in
        [("zoners-install", "install.journal"), ("zoners-dns", "system-dns.journal")]
    {
        let journal = fs::read_to_string(of.join(from)).unwrap();
        let journal = journal.replace("\"owner\":0,\"group\":0", &owner);
        write(&format!("var/lib/{name}/journal.jsonl"), journal.as_bytes());
    }
    write("var/lib/zoners-install/former-0", &by_hand[2].1);
    write("var/lib/zoners/cache", b"of the service");
    let mode = |name: &str, mode| {
        fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    for (name, text, permissions) in written(&of.join("install.journal")) {
        write(&name, text.as_bytes());
        mode(&name, permissions);
    }
    let taken = "# Written by Zoners: this machine asks Zoners. The former file comes back when Zoners stops.\n\
                 nameserver 127.0.0.1\nsearch lan\noptions edns0 trust-ad\n";
    write("etc/resolv.conf", taken.as_bytes());
    mode("etc/resolv.conf", 0o644);
    let wanted = "etc/systemd/system/multi-user.target.wants";
    fs::create_dir_all(path(wanted)).unwrap();
    for unit in ["zoners.service", "zoners-system-dns.service"] {
        symlink(Path::new("/etc/systemd/system").join(unit), path(wanted).join(unit)).unwrap();
    }
    (machine, by_hand)
}

/// Path below the root, content and mode of each file that an install has written, by its journal; the program itself is a
/// line.
fn written(journal: &Path) -> Vec<(String, String, u32)> {
    let mut files = Vec::new();
    for line in fs::read_to_string(journal).unwrap().lines() {
        let step = &serde_json::from_str::<serde_json::Value>(line).unwrap()["begin"];
        if step["step"] == "write-file" {
            let path = step["path"].as_str().unwrap().trim_start_matches('/');
            let text = step["content"]["text"].as_str().unwrap_or("program\n");
            files.push((path.to_owned(), text.to_owned(), step["mode"].as_u64().unwrap() as u32));
        }
    }
    files
}

#[test]
fn an_install_of_a_former_version_is_undone_to_the_octet() {
    let (machine, by_hand) = installed();
    let root = machine.path().display().to_string();
    let output = zoners(&["uninstall", "--yes", "--root", &root]);
    assert!(output.status.success(), "{output:?}");
    for (name, octets, mode) in by_hand {
        let path = machine.path().join(name);
        assert_eq!(fs::read(&path).unwrap(), octets, "{name}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{name}");
    }
    let count = |folder: &str| fs::read_dir(machine.path().join(folder)).unwrap().count();
    assert_eq!((count("var/lib"), count("etc/systemd/system"), count("etc")), (0, 1, 2));
}

#[test]
fn a_journal_of_a_later_version_is_told_and_nothing_is_undone() {
    let (machine, _) = installed();
    let journal = machine.path().join("var/lib/zoners-install/journal.jsonl");
    let unit = machine.path().join("etc/systemd/system/zoners.service");
    let before = fs::read(&unit).unwrap();
    let text = fs::read_to_string(&journal).unwrap();
    put(&journal, text.replacen("\"journal\":1", "\"journal\":2", 1).as_bytes());
    let root = machine.path().display().to_string();
    let output = zoners(&["uninstall", "--yes", "--root", &root]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("written by a newer program, 0.1.0"));
    assert_eq!(fs::read(unit).unwrap(), before);
}
