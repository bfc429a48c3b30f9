//! Files of former versions (`tests/former`): the program starts with the files, keeps each readable part, and names each
//! unreadable part.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
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
