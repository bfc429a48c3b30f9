//! The files of users and groups, which useradd(8) and userdel(8) change together with copies of their own.

use std::io;
use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::entry_state::EntryState;
use super::put::put_back;
use super::root::SystemRoot;

/// Files with a line for each user or group, which begins with the name.
const TABLES: [&str; 6] =
    ["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid"];
/// The lock of the tables, which stays as an empty file.
const LOCK: &str = "/etc/.pwd.lock";

/// Endings of files that exist while a table is written and locked, and after a power cut (lib/commonio.c of shadow).
const UNFINISHED: [&str; 2] = ["+", ".lock"];

/// Whether a user of this name is in the system.
pub(super) fn has_user(root: &SystemRoot, name: &str) -> io::Result<bool> {
    has_line(root, "/etc/passwd", name)
}

/// Whether a user or a group of this name is in the system.
pub(super) fn has_user_or_group(root: &SystemRoot, name: &str) -> io::Result<bool> {
    Ok(has_user(root, name)? || has_line(root, "/etc/group", name)?)
}

fn has_line(root: &SystemRoot, table: &str, name: &str) -> io::Result<bool> {
    let table = EntryState::read(&root.locate(Path::new(table))?)?;
    let content = table.content().unwrap_or_default();
    Ok(content.split(|octet| *octet == b'\n').any(|line| is_of(line, name)))
}

/// The present files of accounts.
pub(super) fn read_all(root: &SystemRoot) -> io::Result<Vec<(PathBuf, EntryState)>> {
    let with = |ending: &'static str| TABLES.iter().map(move |table| format!("{table}{ending}"));
    let paths = with("").chain(with("-")).chain(UNFINISHED.into_iter().flat_map(with));
    let paths = paths.chain([LOCK.to_owned()]);
    let read = |path: String| {
        let state = EntryState::read(&root.locate(Path::new(&path))?)?;
        Ok((PathBuf::from(path), state))
    };
    paths.map(read).collect()
}

/// Whether the present files are the former files.
pub(super) fn are_as_before(
    root: &SystemRoot,
    former: &[(PathBuf, EntryState)],
) -> io::Result<bool> {
    let now = read_all(root)?;
    let is_same =
        |((_, now), (_, former)): (&(_, EntryState), &(_, EntryState))| now.is_same(former);
    Ok(now.len() == former.len() && now.iter().zip(former).all(is_same))
}

/// Puts the former files back, octet by octet, if nothing but the user of this name was added meanwhile; else the files
/// stay as after the removal of the user.
pub(super) fn put_back_all(
    root: &SystemRoot,
    disk: &mut Disk,
    name: &str,
    former: &[(PathBuf, EntryState)],
) -> io::Result<()> {
    let mut changed = Vec::new();
    for (path, before) in former {
        let place = root.locate(path)?;
        let now = EntryState::read(&place)?;
        let is_table = TABLES.iter().any(|table| path == Path::new(table));
        let is_unfinished = UNFINISHED
            .iter()
            .any(|ending| path.as_os_str().as_encoded_bytes().ends_with(ending.as_bytes()));
        match without(&now, name) == without(before, name) {
            true => {}
            // The program that wrote the file has ended.
            false if is_unfinished => {}
            false if is_table => return Ok(()),
            // A copy has the table of a moment ago.
            false if was_table(path, &now, name, former) => {}
            false => continue,
        }
        if !now.is_same(before) {
            changed.push((place, now, before));
        }
    }
    changed.into_iter().try_for_each(|(place, now, before)| put_back(disk, &place, &now, before))
}

/// Whether a copy of a table has the former lines of the table.
fn was_table(copy: &Path, now: &EntryState, name: &str, former: &[(PathBuf, EntryState)]) -> bool {
    let table = copy.to_string_lossy();
    let table = table.strip_suffix('-').map(Path::new);
    let mut known = former.iter().filter(|(path, _)| Some(path.as_path()) == table);
    known.any(|(_, before)| without(now, name) == without(before, name))
}

/// The lines of a table, except lines of a name; nothing for a missing or an empty table.
fn without<'a>(table: &'a EntryState, name: &str) -> Vec<&'a [u8]> {
    let content = table.content().unwrap_or_default();
    let lines = content.split_inclusive(|octet| *octet == b'\n');
    lines.filter(|line| !is_of(line, name)).collect()
}

fn is_of(line: &[u8], name: &str) -> bool {
    line.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b":"))
}
