//! Where what lasts for one run lies: the control socket.
//!
//! The daemon and the commands that speak to it look in the same places, in the same order.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// The folder of the system's service.
#[cfg(any(target_os = "linux", target_os = "android"))]
const OF_SYSTEM: &str = "/run/zoners";
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const OF_SYSTEM: &str = "/var/run/zoners";
/// Another name of it, which systems have for older programs.
const OF_SYSTEM_TOO: &str = "/var/run/zoners";

/// The socket's file.
const FILE: &str = "zoners.sock";
/// Zoners' folder in one that the user has for all programs.
const OURS: &str = "zoners";

/// Where the control socket may be, first to last: where the configuration says, if it does, and nowhere
/// else then; else in the folder that a service manager gives, in that of the system's service, or in the
/// user's.
#[must_use]
pub fn sockets(configured: Option<&Path>) -> Vec<PathBuf> {
    match configured {
        Some(path) => vec![path.to_owned()],
        None => Folders::of_environment().ours().map(|folder| folder.join(FILE)).collect(),
    }
}

/// Whether `folder` is one that is made where it is not there: below those that a system clears at its
/// start. Any other is a slip of the pen, more likely than not.
pub(crate) fn may_be_made(folder: &Path) -> bool {
    let Folders { given, user, temporary } = Folders::of_environment();
    let user = user.into_iter().filter(|folder| folder.is_dir());
    let temporary = temporary.into_iter().map(|folder| folder.join(OURS));
    let roots = given.into_iter().chain(user).chain(temporary).chain(of_system());
    roots.into_iter().any(|root| is_below(folder, &root))
}

/// Whether `folder` is ours and nobody else's, by its name: then a socket may be removed from it.
pub(crate) fn is_ours(folder: &Path) -> bool {
    let ours = Folders::of_environment();
    ours.ours().chain(of_system()).any(|root| is_below(folder, &root))
}

fn of_system() -> impl Iterator<Item = PathBuf> {
    [OF_SYSTEM, OF_SYSTEM_TOO].into_iter().map(PathBuf::from)
}

fn is_below(folder: &Path, root: &Path) -> bool {
    let rest = folder.strip_prefix(root);
    rest.is_ok_and(|rest| rest.components().all(|part| matches!(part, Component::Normal(_))))
}

/// Whether what is in `folder` is this user's own, or root's.
fn is_private(folder: &Path) -> bool {
    let own = rustix::process::geteuid().as_raw();
    fs::metadata(folder).is_ok_and(|about| about.uid() == own && about.mode() & 0o022 == 0)
}

/// Folders that the environment names.
struct Folders {
    /// Those of a service manager (systemd.exec(5), RuntimeDirectory=).
    given: Vec<PathBuf>,
    /// That of the user of this process (XDG Base Directory Specification).
    user: Option<PathBuf>,
    /// The user's for what is temporary, where there is none for a run, as on macOS; not one of all users.
    temporary: Option<PathBuf>,
}

impl Folders {
    fn of_environment() -> Self {
        Folders::of(|name| env::var_os(name))
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let given = variable("RUNTIME_DIRECTORY").unwrap_or_default();
        let whole =
            |name: &str| variable(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
        let user = whole("XDG_RUNTIME_DIR");
        Folders {
            given: env::split_paths(&given).filter(|folder| folder.is_absolute()).collect(),
            temporary: whole("TMPDIR").filter(|folder| user.is_none() && is_private(folder)),
            user,
        }
    }

    /// Zoners' own folders among them.
    fn ours(&self) -> impl Iterator<Item = PathBuf> {
        let users = self.user.iter().chain(&self.temporary).map(|folder| folder.join(OURS));
        self.given.iter().take(1).cloned().chain([PathBuf::from(OF_SYSTEM)]).chain(users)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_folder_is_made_outside_of_those_for_a_run() {
        for folder in ["/run/zoners", "/run/zoners/one", "/var/run/zoners"] {
            let is_named = is_below(Path::new(folder), Path::new(OF_SYSTEM));
            assert!(may_be_made(Path::new(folder)) || !is_named, "{folder}");
        }
        for folder in ["/tpm", "/run", "/run/zoner", "/run/zoners/../x", "run/zoners", "", "/"] {
            assert!(!may_be_made(Path::new(folder)), "{folder}");
        }
    }

    #[test]
    fn it_is_looked_for_where_the_manager_says_then_at_the_systems_then_at_the_users() {
        let at = |variables: &[(&str, &str)]| {
            let value = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(value))
            };
            let folders: Vec<PathBuf> = Folders::of(value).ours().collect();
            folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(at(&[]), [OF_SYSTEM]);
        let user = [("XDG_RUNTIME_DIR", "/run/user/7"), ("TMPDIR", "/tmp")];
        assert_eq!(at(&user), [OF_SYSTEM, "/run/user/7/zoners"]);
        let own = tempfile::tempdir().unwrap();
        let (own, ours) = (own.path().display(), own.path().join(OURS).display().to_string());
        assert_eq!(at(&[("TMPDIR", &own.to_string())]), [OF_SYSTEM, &ours]);
        assert_eq!(at(&[("TMPDIR", "/tmp")]), [OF_SYSTEM], "where others may put a socket as well");
        let managed =
            [("RUNTIME_DIRECTORY", "/run/dns:/run/other"), ("XDG_RUNTIME_DIR", "relative")];
        assert_eq!(at(&managed), ["/run/dns", OF_SYSTEM]);
        assert_eq!(sockets(Some(Path::new("/a/b"))), [Path::new("/a/b")]);
    }
}
