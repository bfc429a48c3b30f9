//! The former entry itself, kept under a second name in the same folder until the undo.
//!
//! Before a step replaces an entry, the entry gets a second name (a hard link), and the new entry is renamed over the
//! first name: no reader misses the file for a moment. The undo renames the second name back. So inode, times and
//! extended attributes are the former ones without any copying, and the undo takes no room on a full disk.
//!
//! Three kinds of entries are different:
//! - A file that must be written in place (bind mounts, several hard links) keeps the inode anyway. Former octets come
//!   from the journal.
//! - An immutable file loses the flag before the second name, and gets the flag back at the end of the undo.
//! - Where the file system has no hard links (FAT), or a different program has written to the former file under the
//!   second name, the entry is made anew from the journal.

use std::io;
use std::path::Path;

use super::disk::Disk;
use super::entry_state::EntryState;
use super::extra_names::{is_same_inode, second_name};

/// Gives the present entry a second name, if the present entry is the former one: `former` is the state before the
/// first step at this path. A second name of an earlier step stays.
///
/// # Errors
/// The disk is full. Where there are no hard links, the journal alone has the former entry.
pub(super) fn keep(
    disk: &mut Disk,
    place: &Path,
    current: &EntryState,
    former: &EntryState,
) -> io::Result<()> {
    let can_move = matches!(current, EntryState::File { .. } | EntryState::Link { .. });
    let second = second_name(place);
    if !can_move || current.is_in_place() || !is_former(current, former) {
        return Ok(());
    }
    if is_same_inode(place, &second) {
        return Ok(());
    }
    remove(disk, &second)?;
    if current.attributes().is_some_and(|attributes| attributes.flags != 0) {
        disk.set_flags(place, 0)?;
    }
    match disk.hard_link(place, &second) {
        Err(error)
            if [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded]
                .contains(&error.kind()) =>
        {
            Err(error)
        }
        _ => Ok(()),
    }
}

/// Whether this is the former entry, maybe without the flags, which a killed process has taken away.
fn is_former(current: &EntryState, former: &EntryState) -> bool {
    let mut plain = former.clone();
    if let (EntryState::File { attributes, .. }, Some(now)) = (&mut plain, current.attributes()) {
        attributes.flags = now.flags;
    }
    current.is_same(&plain)
}

/// Puts the entry with the second name back, if still the former one. False: the caller makes the entry anew, unless
/// the present one is right.
///
/// # Errors
/// The file system refuses.
pub(super) fn put_back(
    disk: &mut Disk,
    place: &Path,
    second: &Path,
    current: &EntryState,
    former: &EntryState,
) -> io::Result<bool> {
    let kept = EntryState::read(second)?;
    if kept == EntryState::Absent || !kept.has_content_of(former) || current.is_in_place() {
        return Ok(false);
    }
    if is_same_inode(place, second) {
        // A rename between two names of one inode does nothing (rename(2)).
        disk.remove(second)?;
    } else {
        if current.attributes().is_some_and(|attributes| attributes.flags != 0) {
            disk.set_flags(place, 0)?;
        }
        disk.rename(second, place)?;
    }
    disk.sync_folder_of(place)?;
    Ok(true)
}

/// Removes a second name that is not needed any more.
///
/// # Errors
/// The file system refuses.
pub(super) fn remove(disk: &mut Disk, second: &Path) -> io::Result<()> {
    match second.symlink_metadata() {
        Ok(_) => disk.remove(second),
        Err(_) => Ok(()),
    }
}
