//! Entries put in place: beside and renamed, so that a reader finds the old entry or the new entry; in place only where
//! a rename cannot reach the file.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::OFlags;

use super::disk::Disk;
use super::entry_state::{EntryState, FileAttributes, target};
use super::extra_names::beside;

/// The permissions of links, which no system looks at.
const LINK_MODE: u32 = 0o777;
/// Names of extended attributes set by a security module by path: a new file needs the labels of the old file.
const LABEL_PREFIX: &[u8] = b"security.";

/// Attributes of a new file: of this process, of now, with the security label of the former entry.
pub(super) fn new_attributes(
    mode: u32,
    owner: Option<(u32, u32)>,
    former: &EntryState,
) -> FileAttributes {
    let own = || (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let (owner, group) = owner.unwrap_or_else(own);
    let mut extended =
        former.attributes().map(|former| former.extended.clone()).unwrap_or_default();
    extended.retain(|(name, _)| name.0.starts_with(LABEL_PREFIX));
    let now = now();
    FileAttributes { mode, owner, group, accessed: now, modified: now, extended, flags: 0 }
}

/// The same attributes with the present time.
pub(super) fn touched(attributes: &FileAttributes) -> FileAttributes {
    FileAttributes { accessed: now(), modified: now(), ..attributes.clone() }
}

fn now() -> (i64, i64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now.as_secs().cast_signed(), now.subsec_nanos().into())
}

/// Makes the entry at `place` like `wanted`. `current` is the entry of now. Folders are left to the caller.
///
/// # Errors
/// The file system refuses; the old entry stays, unless written in place.
pub(super) fn put(
    disk: &mut Disk,
    place: &Path,
    current: &EntryState,
    wanted: &EntryState,
) -> io::Result<()> {
    sweep(disk, place)?;
    if current.attributes().is_some_and(|attributes| attributes.flags != 0) {
        // An immutable file can be neither written nor renamed.
        disk.set_flags(place, 0)?;
    }
    match wanted {
        EntryState::Absent => {
            disk.remove(place)?;
            disk.sync_folder_of(place)
        }
        EntryState::File { content, attributes, .. } => {
            match current.is_in_place() {
                true => overwrite(disk, place, &content.0, attributes)?,
                false => replace_file(disk, place, &content.0, attributes)?,
            }
            disk.set_flags(place, attributes.flags)
        }
        EntryState::Link { target: to, attributes } => {
            let beside = beside(place);
            disk.link(target(to), &beside)?;
            disk.set_attributes(&beside, attributes, true)?;
            disk.rename(&beside, place)?;
            disk.sync_folder_of(place)
        }
        EntryState::Folder => Ok(()),
    }
}

/// As [`put`], for the undo: on a full disk the present entry makes room for the former entry. A reader may miss both
/// for a moment, which is better than an undo without an end.
///
/// # Errors
/// The file system refuses.
pub(super) fn put_back(
    disk: &mut Disk,
    place: &Path,
    current: &EntryState,
    former: &EntryState,
) -> io::Result<()> {
    match put(disk, place, current, former) {
        Err(error) if error.kind() == io::ErrorKind::StorageFull && !current.is_in_place() => {
            sweep(disk, place)?;
            if *current != EntryState::Absent {
                disk.remove(place)?;
            }
            put(disk, place, &EntryState::Absent, former)
        }
        ended => ended,
    }
}

/// Sets the attributes of an entry with the right content.
///
/// # Errors
/// The file system refuses.
pub(super) fn put_attributes(
    disk: &mut Disk,
    place: &Path,
    current: &EntryState,
    wanted: &EntryState,
) -> io::Result<()> {
    let is_link = matches!(wanted, EntryState::Link { .. });
    let Some(attributes) = wanted.attributes() else { return Ok(()) };
    if current.attributes().is_some_and(|attributes| attributes.flags != 0) {
        disk.set_flags(place, 0)?;
    }
    disk.set_attributes(place, attributes, is_link)?;
    if is_link { Ok(()) } else { disk.set_flags(place, attributes.flags) }
}

/// Attributes of a new link.
pub(super) fn link_attributes(former: &EntryState) -> FileAttributes {
    FileAttributes { extended: Vec::new(), ..new_attributes(LINK_MODE, None, former) }
}

/// Removes the file beside, left by a killed process.
///
/// # Errors
/// The file system refuses.
pub(super) fn sweep(disk: &mut Disk, place: &Path) -> io::Result<()> {
    let beside = beside(place);
    match beside.symlink_metadata() {
        Ok(_) => disk.remove(&beside),
        Err(_) => Ok(()),
    }
}

fn replace_file(
    disk: &mut Disk,
    place: &Path,
    content: &[u8],
    attributes: &FileAttributes,
) -> io::Result<()> {
    let beside = beside(place);
    let mut file = disk.create(&beside)?;
    disk.write(&mut file, content)?;
    disk.set_attributes(&beside, attributes, false)?;
    disk.sync(&file)?;
    disk.rename(&beside, place)?;
    disk.sync_folder_of(place)
}

/// Writes over the old content before the file is cut, so that a full disk costs no octet.
fn overwrite(
    disk: &mut Disk,
    place: &Path,
    content: &[u8],
    attributes: &FileAttributes,
) -> io::Result<()> {
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    let mut file = OpenOptions::new().write(true).custom_flags(flags).open(place)?;
    disk.overwrite(&mut file, content)?;
    disk.cut(&file, content.len() as u64)?;
    disk.set_attributes(place, attributes, false)?;
    disk.sync(&file)
}
