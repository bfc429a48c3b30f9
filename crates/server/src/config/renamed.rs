//! Renamed keys. Old names are accepted in this version, with a remark, and refused in the next version.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A key with a new name. A name is a table and a key in that table.
struct Renamed {
    old: (&'static str, &'static str),
    new: (&'static str, &'static str),
    /// The old value was a number of milliseconds, the new value is a duration.
    was_milliseconds: bool,
}

const fn renamed(old: (&'static str, &'static str), new: (&'static str, &'static str)) -> Renamed {
    Renamed { old, new, was_milliseconds: false }
}

const fn timeout(old: &'static str, new: &'static str) -> Renamed {
    Renamed { old: ("limits", old), new: ("timeouts", new), was_milliseconds: true }
}

const RENAMED: [Renamed; 17] = [
    renamed(("server", "waiting"), ("server", "max-waiting")),
    renamed(("server", "waiting-per-client"), ("server", "max-waiting-per-client")),
    renamed(("cache", "ttl-floor"), ("cache", "min-ttl")),
    renamed(("cache", "ttl-cap"), ("cache", "max-ttl")),
    renamed(("cache", "negative-ttl-cap"), ("cache", "max-negative-ttl")),
    renamed(("cache", "stale-for"), ("cache", "max-stale-ttl")),
    renamed(("dnssec", "skew"), ("dnssec", "clock-skew")),
    renamed(("limits", "retries"), ("limits", "hedges")),
    renamed(("limits", "spare"), ("limits", "probe-budget")),
    renamed(("limits", "nursery"), ("limits", "stragglers")),
    renamed(("limits", "servers"), ("limits", "nameservers")),
    renamed(("limits", "servers-in-play"), ("limits", "nameservers-in-play")),
    renamed(("limits", "addresses-per-server"), ("limits", "addresses-per-nameserver")),
    timeout("exchange-ms", "query"),
    timeout("race-ms", "zone"),
    timeout("wall-ms", "recursion"),
    timeout("client-ms", "client"),
];

/// The place of the old name of a key given under both names, and the fault.
pub(super) type GivenTwice = (Range<usize>, String);

/// Moves values from old names to new names. With both names given, the value of the old name is dropped.
pub(super) fn apply(root: &mut DeTable<'_>) -> Vec<GivenTwice> {
    RENAMED.iter().filter_map(|renamed| renamed.apply(root)).collect()
}

/// The path of each old name that is written in the file, and a remark.
pub(super) fn remarks(is_written: impl Fn(&str) -> bool) -> impl Iterator<Item = (String, String)> {
    let written = RENAMED.iter().map(|renamed| (renamed.old_path(), renamed.new_path()));
    let written = written.filter(move |(old, _)| is_written(old));
    written.map(|(old, new)| {
        let what =
            format!("the name of this key is now `{new}`; the next version refuses the old name");
        (old, what)
    })
}

/// The old name of the key at a path, if the key was renamed.
pub(super) fn old_path(path: &str) -> Option<String> {
    RENAMED.iter().find(|renamed| renamed.new_path() == path).map(Renamed::old_path)
}

impl Renamed {
    fn apply(&self, root: &mut DeTable<'_>) -> Option<GivenTwice> {
        let (table, key) = self.old;
        let Some(DeValue::Table(old)) = root.get_mut(table).map(Spanned::get_mut) else {
            return None;
        };
        let (key, value) = old.remove_entry(key)?;
        let (table, name) = self.new;
        let place = key.span();
        let new = root
            .entry(Spanned::new(place.clone(), Cow::Borrowed(table)))
            .or_insert_with(|| Spanned::new(place.clone(), DeValue::Table(DeTable::new())));
        let DeValue::Table(new) = new.get_mut() else { return None };
        if new.contains_key(name) {
            let what = format!(
                "{}: is given as `{}` too, its new name: delete this line",
                self.old_path(),
                self.new_path()
            );
            return Some((place, what));
        }
        new.insert(Spanned::new(place, Cow::Borrowed(name)), self.converted(value));
        None
    }

    fn converted<'i>(&self, value: Spanned<DeValue<'i>>) -> Spanned<DeValue<'i>> {
        let place = value.span();
        match value.get_ref() {
            DeValue::Integer(number) if self.was_milliseconds => {
                let text = format!("{}ms", number.as_str().replace('_', ""));
                Spanned::new(place, DeValue::String(Cow::Owned(text)))
            }
            _ => value,
        }
    }

    fn old_path(&self) -> String {
        format!("{}.{}", self.old.0, self.old.1)
    }

    fn new_path(&self) -> String {
        format!("{}.{}", self.new.0, self.new.1)
    }
}

#[cfg(test)]
mod tests;
