//! Folders for one run, with the control socket.
//!
//! The daemon and the commands look in the same folders, in the same order.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::OWN_NAME;
use crate::system::paths::SERVICE_RUNTIME;

/// An older name of the folder of a service, which Linux keeps as a link.
const SERVICE_RUNTIME_ALIAS: &str = "/var/run/zoners";
/// The file name of the control socket.
const SOCKET_FILE: &str = "zoners.sock";

/// Paths of the control socket, first to last: the configured path alone; without one, in the folder of the service
/// manager (`RUNTIME_DIRECTORY` of systemd), of a service of the system (`/run/zoners` on Linux, `/var/run/zoners` on
/// macOS and the BSDs), or of the user (`XDG_RUNTIME_DIR`; `TMPDIR` if that is not set, as on macOS).
#[must_use]
pub fn control_sockets(configured: Option<&Path>) -> Vec<PathBuf> {
    match configured {
        Some(path) => vec![path.to_owned()],
        None => {
            let own = RuntimeFolders::of_environment().own();
            own.map(|folder| folder.join(SOCKET_FILE)).collect()
        }
    }
}

/// Whether a missing `folder` may be made: only below folders that the system clears at boot. Any other path is
/// probably a slip of the pen.
#[must_use]
pub fn may_be_made(folder: &Path) -> bool {
    let RuntimeFolders { given, user, temporary } = RuntimeFolders::of_environment();
    let user = user.into_iter().filter(|folder| folder.is_dir());
    let temporary = temporary.into_iter().map(|folder| folder.join(OWN_NAME));
    let roots = given.into_iter().chain(user).chain(temporary).chain(of_service());
    roots.into_iter().any(|root| is_below(folder, &root))
}

/// Whether `folder` is for Zoners alone, by name: then a socket may be removed from the folder.
#[must_use]
pub fn is_own(folder: &Path) -> bool {
    let folders = RuntimeFolders::of_environment();
    folders.own().chain(of_service()).any(|root| is_below(folder, &root))
}

fn of_service() -> impl Iterator<Item = PathBuf> {
    [SERVICE_RUNTIME, SERVICE_RUNTIME_ALIAS].into_iter().map(PathBuf::from)
}

fn is_below(folder: &Path, root: &Path) -> bool {
    let rest = folder.strip_prefix(root);
    rest.is_ok_and(|rest| rest.components().all(|part| matches!(part, Component::Normal(_))))
}

/// Whether `folder` belongs to this user, and no other user can write there.
fn is_private(folder: &Path) -> bool {
    let own = rustix::process::geteuid().as_raw();
    fs::metadata(folder).is_ok_and(|about| about.uid() == own && about.mode() & 0o022 == 0)
}

/// Folders named by the environment.
struct RuntimeFolders {
    /// From a service manager (systemd.exec(5), RuntimeDirectory=).
    given: Vec<PathBuf>,
    /// The folder of the user of this process (XDG Base Directory Specification).
    user: Option<PathBuf>,
    /// The user's folder for temporary files, if the user has none for a run, as on macOS; never a folder shared by
    /// every user.
    temporary: Option<PathBuf>,
}

impl RuntimeFolders {
    fn of_environment() -> Self {
        RuntimeFolders::of(|name| env::var_os(name))
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let given = variable("RUNTIME_DIRECTORY").unwrap_or_default();
        let absolute =
            |name: &str| variable(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
        let user = absolute("XDG_RUNTIME_DIR");
        RuntimeFolders {
            given: env::split_paths(&given).filter(|folder| folder.is_absolute()).collect(),
            temporary: absolute("TMPDIR").filter(|folder| user.is_none() && is_private(folder)),
            user,
        }
    }

    /// The folders of Zoners, first to last.
    fn own(self) -> impl Iterator<Item = PathBuf> {
        let users = self.user.into_iter().chain(self.temporary);
        let users = users.map(|folder| folder.join(OWN_NAME));
        self.given.into_iter().take(1).chain([PathBuf::from(SERVICE_RUNTIME)]).chain(users)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_folder_is_made_outside_of_folders_for_a_run() {
        for folder in ["/run/zoners", "/run/zoners/one", "/var/run/zoners"] {
            let is_named = is_below(Path::new(folder), Path::new(SERVICE_RUNTIME));
            assert!(may_be_made(Path::new(folder)) || !is_named, "{folder}");
        }
        for folder in ["/tpm", "/run", "/run/zoner", "/run/zoners/../x", "run/zoners", "", "/"] {
            assert!(!may_be_made(Path::new(folder)), "{folder}");
        }
    }

    #[test]
    fn the_folder_of_the_manager_comes_before_that_of_the_system_and_of_the_user() {
        let at = |variables: &[(&str, &str)]| {
            let value = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(value))
            };
            let folders: Vec<PathBuf> = RuntimeFolders::of(value).own().collect();
            folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(at(&[]), [SERVICE_RUNTIME]);
        let user = [("XDG_RUNTIME_DIR", "/run/user/7"), ("TMPDIR", "/tmp")];
        assert_eq!(at(&user), [SERVICE_RUNTIME, "/run/user/7/zoners"]);
        let own = tempfile::tempdir().unwrap();
        let (own, ours) = (own.path().display(), own.path().join(OWN_NAME).display().to_string());
        assert_eq!(at(&[("TMPDIR", &own.to_string())]), [SERVICE_RUNTIME, &ours]);
        assert_eq!(
            at(&[("TMPDIR", "/tmp")]),
            [SERVICE_RUNTIME],
            "where others may put a socket as well"
        );
        let managed =
            [("RUNTIME_DIRECTORY", "/run/dns:/run/other"), ("XDG_RUNTIME_DIR", "relative")];
        assert_eq!(at(&managed), ["/run/dns", SERVICE_RUNTIME]);
        assert_eq!(control_sockets(Some(Path::new("/a/b"))), [Path::new("/a/b")]);
    }
}
