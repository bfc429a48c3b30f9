//! Files of the user and their includes, within limits.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Octets of all files together.
pub const MAX_OCTETS: u64 = 4 << 20;
/// Files in all.
pub const MAX_FILES: usize = 256;
/// Includes inside each other.
pub const MAX_DEPTH: usize = 8;

/// Why a file was not read, in words for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFault(pub String);

impl fmt::Display for ReadFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for ReadFault {}

/// The files read so far, and the folders from which includes are read.
pub(crate) struct Reading {
    folders: Vec<PathBuf>,
    read: BTreeSet<PathBuf>,
    octets: u64,
}

impl Reading {
    /// Includes are read from the folders of the named files, and below.
    pub(crate) fn new(named: &[PathBuf]) -> Self {
        let whole = named.iter().filter_map(|path| path.canonicalize().ok());
        let folders = whole.filter_map(|path| path.parent().map(Path::to_owned));
        Reading { folders: folders.collect(), read: BTreeSet::new(), octets: 0 }
    }

    /// The text of a file that the user named; nothing of a file that was read already.
    pub(crate) fn named(&mut self, path: &Path) -> Result<Option<String>, ReadFault> {
        let whole = path.canonicalize().map_err(|error| fault(path, &error.to_string()))?;
        if self.read.contains(&whole) {
            return Ok(None);
        }
        self.text(path, whole).map(Some)
    }

    /// The text of an included file.
    pub(crate) fn included(&mut self, path: &Path, depth: usize) -> Result<String, ReadFault> {
        if depth > MAX_DEPTH {
            return Err(fault(path, &format!("over {MAX_DEPTH} includes inside each other")));
        }
        // Without a named file no path is touched.
        let whole = match self.folders[..] {
            [] => path.to_owned(),
            _ => path.canonicalize().map_err(|error| fault(path, &error.to_string()))?,
        };
        if !self.folders.iter().any(|folder| whole.starts_with(folder)) {
            return Err(fault(
                path,
                "outside of the folders of the named files; name this file too",
            ));
        }
        self.text(path, whole)
    }

    fn text(&mut self, path: &Path, whole: PathBuf) -> Result<String, ReadFault> {
        if self.read.len() >= MAX_FILES {
            return Err(fault(path, &format!("over {MAX_FILES} files")));
        }
        // A pipe or a device would never end, or block.
        if !whole.is_file() {
            return Err(fault(path, "is not a file"));
        }
        if self.read.contains(&whole) {
            return Err(fault(path, "was read already"));
        }
        let mut octets = Vec::new();
        fs::File::open(&whole)
            .and_then(|file| file.take(MAX_OCTETS - self.octets + 1).read_to_end(&mut octets))
            .map_err(|error| fault(path, &error.to_string()))?;
        if self.octets + octets.len() as u64 > MAX_OCTETS {
            return Err(fault(path, &format!("over {MAX_OCTETS} octets in all files")));
        }
        self.octets += octets.len() as u64;
        self.read.insert(whole);
        Ok(String::from_utf8_lossy(&octets).into_owned())
    }

    /// The files that an include stands for: one, or those in a folder whose names fit `BEGIN*END`; at most
    /// one more than [`MAX_FILES`], in the order of the names.
    pub(crate) fn matching(&self, pattern: &str) -> Vec<PathBuf> {
        if self.folders.is_empty() {
            return Vec::new();
        }
        let path = Path::new(pattern);
        let (Some(folder), Some(name)) =
            (path.parent(), path.file_name().and_then(|name| name.to_str()))
        else {
            return vec![path.to_owned()];
        };
        let Some((begin, end)) = name.split_once('*') else { return vec![path.to_owned()] };
        let fits = |name: &str| {
            name.len() >= begin.len() + end.len() && name.starts_with(begin) && name.ends_with(end)
        };
        let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> =
            names.filter(|name| fits(name) && !name.starts_with('.')).collect();
        names.sort();
        names.truncate(MAX_FILES + 1);
        names.iter().map(|name| folder.join(name)).collect()
    }
}

fn fault(path: &Path, reason: &str) -> ReadFault {
    ReadFault(format!("{}: {reason}", path.display()))
}
