//! Zone files and hosts files: what is read are RRsets that may be sent, and what is shown of them is
//! read again as the same.

use std::collections::HashSet;

use zoners_dns::{Name, RRset, Rtype, name, zonefile};
use zoners_server::config::{self, Config};
use zoners_server::pipeline::Local;
use zoners_server::pipeline::local::hosts;

/// The first octet says which kind of file the rest is.
pub fn run(octets: &[u8]) {
    let Some((kind, text)) = octets.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    match kind % 4 {
        0 => zone(text, &name::root()),
        1 => zone(text, &name::parse("zone.example").expect("a name")),
        2 => hosts(text),
        _ => local(text),
    }
}

fn zone(text: &str, origin: &Name) {
    let hints = zonefile::root_hints(text);
    let Ok(sets) = zonefile::parse(text, origin) else {
        return assert!(hints.is_err() || !origin.is_root());
    };
    for set in &sets {
        assert!(set.is_sound(), "{set}");
    }
    let keys: HashSet<(Name, Rtype)> =
        sets.iter().map(|set| (name::lowercase(&set.owner), set.rtype)).collect();
    assert_eq!(keys.len(), sets.len(), "each once");
    shown_and_read(&sets);
}

/// Shows each RRset, and reads what is shown.
fn shown_and_read(sets: &[RRset]) {
    for set in sets {
        let shown = set.to_string();
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
        // The library shows these in names as they are, though a zone file gives them a meaning; and an
        // empty field, or an empty item of a list, as nothing.
        let lists = ["alpn", "ipv4hint", "ipv6hint", "mandatory"];
        let empty =
            |field: &str| field.is_empty() || field.ends_with('=') || lists.contains(&field);
        if shown.contains(['"', '(', ')', ';', '@', '$']) || shown.split([' ', ',']).any(empty) {
            continue;
        }
        let again = zonefile::parse(&shown, &name::root());
        let mut again = again.unwrap_or_else(|error| panic!("{shown}: {error}"));
        let once = again.pop().unwrap_or_else(|| panic!("{shown}: nothing"));
        assert!(again.is_empty(), "{shown}");
        assert_eq!(once.to_string(), shown);
        assert_eq!((&once.owner, once.rtype, once.ttl), (&set.owner, set.rtype, set.ttl));
        assert_eq!((&once.records, &once.signatures), (&set.records, &set.signatures), "{shown}");
    }
}

fn hosts(text: &str) {
    let (mut taken, lines) = (0, text.split('\n').count());
    let take = |_, names: Vec<Name>| {
        assert!(names.iter().all(|name| Name::from_octets(name.as_octets().clone()).is_ok()));
        taken += names.len();
    };
    hosts::read(text.as_bytes(), take, |odd| assert!((1..=lines).contains(&odd.line)));
    assert!(taken <= text.split_whitespace().count(), "one a word");
}

/// Records of the configuration, a line each.
fn local(text: &str) {
    let records = text.lines().map(str::to_owned).collect();
    let local = config::LocalConfig { records, ..config::LocalConfig::default() };
    let _ = Local::new(&Config { local, ..Config::default() }, &[]);
}
