//! The folder in the place of `/`.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Symbolic links on the way to one file, at most (as path_resolution(7)).
const MAX_LINKS: usize = 40;

/// The root of a system: `/`, the folder of an image, or the folder of a test. Paths of plans are absolute paths below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemRoot {
    folder: PathBuf,
    journal: JournalName,
}

/// The journal of plans that are undone together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JournalName {
    /// The installed files, accounts and services.
    #[default]
    Installation,
    /// The DNS settings of the system, which come and go while Zoners is installed.
    SystemDns,
}

impl SystemRoot {
    /// The system of this folder.
    ///
    /// # Errors
    /// The folder does not exist.
    pub fn new(folder: &Path) -> io::Result<Self> {
        Ok(SystemRoot { folder: fs::canonicalize(folder)?, journal: JournalName::default() })
    }

    /// The same system, for plans with this journal.
    #[must_use]
    pub fn with_journal(&self, journal: JournalName) -> Self {
        SystemRoot { folder: self.folder.clone(), journal }
    }

    /// The journal of the plans.
    pub(super) fn journal(&self) -> JournalName {
        self.journal
    }

    /// Whether this is the running system, with services to start.
    #[must_use]
    pub fn is_running_system(&self) -> bool {
        self.folder == Path::new("/")
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The place of the entry at `path` in this system. Links among the parent folders count as within this system, as
    /// after chroot(2), so that no link leads out of an image; the last part is not followed.
    ///
    /// # Errors
    /// Links lead in a circle, or a folder on the way cannot be read.
    pub fn locate(&self, path: &Path) -> io::Result<PathBuf> {
        self.resolve(path, false)
    }

    /// As [`SystemRoot::locate`], and the last part is followed too.
    ///
    /// # Errors
    /// As [`SystemRoot::locate`].
    pub fn follow(&self, path: &Path) -> io::Result<PathBuf> {
        self.resolve(path, true)
    }

    fn resolve(&self, path: &Path, follow_last: bool) -> io::Result<PathBuf> {
        let mut left: Vec<PathBuf> = parts(path);
        let (mut at, mut links) = (PathBuf::from("/"), 0);
        while let Some(part) = left.pop() {
            if part == Path::new("..") {
                at.pop();
                continue;
            }
            let next = at.join(part);
            let inside = self.inside(&next);
            let is_link = inside.symlink_metadata().is_ok_and(|entry| entry.is_symlink());
            if !is_link || left.is_empty() && !follow_last {
                at = next;
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(io::Error::other(format!("{}: too many links", path.display())));
            }
            let target = fs::read_link(inside)?;
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            left.extend(parts(&target));
        }
        Ok(self.inside(&at))
    }

    fn inside(&self, path: &Path) -> PathBuf {
        self.folder.join(path.strip_prefix("/").unwrap_or(path))
    }
}

/// The names of a path and the steps up, last to first.
fn parts(path: &Path) -> Vec<PathBuf> {
    let is_part =
        |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::ParentDir);
    let parts = path.components().filter(is_part).map(|part| PathBuf::from(part.as_os_str()));
    let mut parts: Vec<PathBuf> = parts.collect();
    parts.reverse();
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_of_an_image_stay_in_the_image() {
        let folder = tempfile::tempdir().unwrap();
        let root = SystemRoot::new(folder.path()).unwrap();
        let inside = |path: &str| root.folder().join(path);
        fs::create_dir_all(inside("run/resolver")).unwrap();
        fs::create_dir(inside("etc")).unwrap();
        symlink("/run", inside("var")).unwrap();
        symlink("../../../../run/resolver/stub", inside("etc/resolv.conf")).unwrap();
        symlink("circle", inside("circle")).unwrap();
        let locate = |path: &str| root.locate(Path::new(path)).unwrap();
        assert_eq!(locate("/var/resolver/x"), inside("run/resolver/x"));
        assert_eq!(locate("/etc/resolv.conf"), inside("etc/resolv.conf"));
        assert_eq!(locate("/../../etc"), inside("etc"));
        let follow = |path: &str| root.follow(Path::new(path));
        assert_eq!(follow("/etc/resolv.conf").unwrap(), inside("run/resolver/stub"));
        assert!(follow("/circle").is_err());
        assert!(!root.is_running_system());
        assert!(SystemRoot::new(Path::new("/")).unwrap().is_running_system());
    }
}
