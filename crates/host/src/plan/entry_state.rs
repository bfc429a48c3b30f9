//! The entry at a path, with everything to be put back exactly.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::extra_names::{is_same_inode, second_name};
use super::octets::EntryOctets;
use crate::system;

/// Octets of a file, at most: far above the size of this program, the longest file of a plan.
const MAX_FILE_OCTETS: u64 = 512 * 1024 * 1024;

/// The entry at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum EntryState {
    /// There is none.
    Absent,
    /// A regular file.
    File {
        /// The content.
        content: EntryOctets,
        /// The attributes.
        attributes: FileAttributes,
        /// Whether the file must be written in place, since a rename would not reach every name: a file mounted
        /// over a file (Docker mounts `/etc/resolv.conf`), or a file with several hard links.
        in_place: bool,
    },
    /// A symbolic link.
    Link {
        /// The target, as written in the link.
        target: EntryOctets,
        /// The attributes; links have no mode of their own.
        attributes: FileAttributes,
    },
    /// A folder; the content does not count.
    Folder,
}

/// Attributes of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileAttributes {
    /// The permissions, with the bits for set-user-ID, set-group-ID and sticky.
    pub mode: u32,
    /// The number of the owner.
    pub owner: u32,
    /// The number of the group.
    pub group: u32,
    /// The last access: seconds and nanoseconds since 1970.
    pub accessed: (i64, i64),
    /// The last change of the content, likewise.
    pub modified: (i64, i64),
    /// Extended attributes (xattr(7)), by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extended: Vec<(EntryOctets, EntryOctets)>,
    /// Flags of chattr(1) within reach of a user; 0 where the file system has none.
    #[serde(default)]
    pub flags: u32,
}

impl EntryState {
    /// Reads the entry at `path`, without following a link.
    ///
    /// # Errors
    /// The entry cannot be read, or is a device, a pipe or a socket.
    pub fn read(path: &Path) -> io::Result<Self> {
        let about = match fs::symlink_metadata(path) {
            Ok(about) => about,
            Err(error) if is_absent(&error) => return Ok(EntryState::Absent),
            Err(error) => return Err(error),
        };
        if about.is_dir() {
            return Ok(EntryState::Folder);
        }
        if about.is_symlink() {
            let target = EntryOctets(fs::read_link(path)?.into_os_string().into_vec());
            return Ok(EntryState::Link {
                target,
                attributes: FileAttributes::read(path, &about)?,
            });
        }
        if !about.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "neither a file, a link nor a folder",
            ));
        }
        if about.len() > MAX_FILE_OCTETS {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let attributes = FileAttributes::read(path, &about)?;
        let in_place = has_further_names(path, &about) || system::attributes::is_mounted(path);
        Ok(EntryState::File { content: EntryOctets(fs::read(path)?), attributes, in_place })
    }

    /// The content of a file.
    #[must_use]
    pub fn content(&self) -> Option<&[u8]> {
        match self {
            EntryState::File { content, .. } => Some(&content.0),
            _ => None,
        }
    }

    /// The attributes of a file or link.
    #[must_use]
    pub fn attributes(&self) -> Option<&FileAttributes> {
        match self {
            EntryState::File { attributes, .. } | EntryState::Link { attributes, .. } => {
                Some(attributes)
            }
            EntryState::Absent | EntryState::Folder => None,
        }
    }

    /// Whether the file must be written in place.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        matches!(self, EntryState::File { in_place: true, .. })
    }

    /// Whether both have the same kind and the same content or target. Attributes do not count.
    #[must_use]
    pub fn has_content_of(&self, other: &EntryState) -> bool {
        match (self, other) {
            (EntryState::File { content: own, .. }, EntryState::File { content, .. }) => {
                own == content
            }
            (EntryState::Link { target: own, .. }, EntryState::Link { target, .. }) => {
                own == target
            }
            (EntryState::Absent, EntryState::Absent) | (EntryState::Folder, EntryState::Folder) => {
                true
            }
            _ => false,
        }
    }

    /// Whether both are the same but for the time of the last access, which every reader changes.
    #[must_use]
    pub fn is_same(&self, other: &EntryState) -> bool {
        let timeless = |state: &EntryState| {
            state.attributes().map(|all| FileAttributes { accessed: (0, 0), ..all.clone() })
        };
        self.has_content_of(other) && timeless(self) == timeless(other)
    }
}

impl FileAttributes {
    fn read(path: &Path, about: &Metadata) -> io::Result<Self> {
        let is_link = about.is_symlink();
        Ok(FileAttributes {
            mode: about.mode() & 0o7777,
            owner: about.uid(),
            group: about.gid(),
            accessed: (about.atime(), about.atime_nsec()),
            modified: (about.mtime(), about.mtime_nsec()),
            extended: system::attributes::extended(path)?
                .into_iter()
                .map(|(name, value)| (EntryOctets(name), EntryOctets(value)))
                .collect(),
            flags: if is_link { 0 } else { system::attributes::flags(path)? },
        })
    }
}

/// The target of a link as a path of the system.
pub(super) fn target(octets: &EntryOctets) -> &OsStr {
    OsStr::from_bytes(&octets.0)
}

/// Whether the file has names beside this one and the one given by a plan.
fn has_further_names(path: &Path, about: &Metadata) -> bool {
    let is_kept = || is_same_inode(path, &second_name(path));
    about.nlink() > 2 || about.nlink() == 2 && !is_kept()
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
