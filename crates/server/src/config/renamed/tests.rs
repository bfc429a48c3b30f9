use std::time::Duration;

use super::*;
use crate::config::{Config, ConfigError, allowed};

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, "z")
}

/// A value that every numeric key takes.
const VALUE: u32 = 77;

#[test]
fn every_old_name_sets_the_key_of_the_new_name_and_is_told() {
    for renamed in &RENAMED {
        let (old, new) = (renamed.old_path(), renamed.new_path());
        let unit = if renamed.was_milliseconds { "ms" } else { "" };
        let value = if unit.is_empty() { VALUE.to_string() } else { format!("\"{VALUE}{unit}\"") };
        let by_old = parse(&format!("{old} = {VALUE}\n")).unwrap();
        let by_new = parse(&format!("{new} = {value}\n")).unwrap();
        assert_eq!(format!("{by_old:?}"), format!("{by_new:?}"), "{old}");
        assert_ne!(format!("{by_old:?}"), format!("{:?}", Config::default()), "{old}");
        let what = format!(
            "{old}: the name of this key is now `{new}`; the next version refuses the old name"
        );
        assert_eq!(by_old.remarks(), [format!("z:1:{}: {what}", old.len() + 4)]);
        assert!(by_new.remarks().is_empty());
    }
}

#[test]
fn old_names_are_no_keys_and_new_names_are() {
    for Renamed { old, new, .. } in &RENAMED {
        assert!(!allowed::keys(&[old.0.to_owned()]).contains(&old.1.to_owned()), "{old:?}");
        assert!(allowed::keys(&[new.0.to_owned()]).contains(&new.1.to_owned()), "{new:?}");
    }
}

#[test]
fn a_key_under_both_names_is_an_error_at_the_old_name() {
    for renamed in &RENAMED {
        let (old, new) = (renamed.old_path(), renamed.new_path());
        let value = if renamed.was_milliseconds { "\"77ms\"" } else { "77" };
        let error = parse(&format!("{new} = {value}\n{old} = 78\n")).unwrap_err().to_string();
        let place = format!("z:2:{}: ", old.len() - renamed.old.1.len() + 1);
        let told = format!("{place}{old}: is given as `{new}` too, its new name: delete this line");
        assert!(error.starts_with(&told), "{error}");
    }
}

#[test]
fn milliseconds_become_durations() {
    let text = "[limits]\nclient-ms = 2_500\nqueries = 9\n[timeouts]\nquery = \"1s\"\n";
    let config = parse(text).unwrap();
    assert_eq!(config.limits.queries, 9);
    assert_eq!(config.timeouts.client, Duration::from_millis(2500));
    assert_eq!(config.timeouts.query, Duration::from_secs(1));
    assert_eq!(config.settings().unwrap().limits.client, Duration::from_millis(2500));
}

#[test]
fn a_wrong_value_of_an_old_name_is_told_where_it_is_written() {
    let error = parse("[limits]\nqueries = 1\nclient-ms = 0\n").unwrap_err().to_string();
    assert!(error.starts_with("z:3:13: timeouts.client: must be "), "{error}");
    let error = parse("[limits]\nnursery = \"a\"\n").unwrap_err().to_string();
    assert!(error.starts_with("z:2:11: limits.stragglers: must be a whole number"), "{error}");
    // Values that are wrong together are found by either name.
    let config = parse("[cache]\nttl-floor = 9\nttl-cap = 8\n").unwrap();
    let error = config.validate(crate::validate::Scope::Contents).unwrap_err().to_string();
    assert!(error.starts_with("z:2:13: cache.min-ttl: must be at most"), "{error}");
}
