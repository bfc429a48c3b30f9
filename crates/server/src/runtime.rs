//! Where what lasts for one run lies: the control socket.

use std::env::{split_paths, var_os};
use std::path::{Component, Path, PathBuf};

/// The folder of the system's service, and its older name.
const OF_SYSTEM: [&str; 2] = ["/run/zoners", "/var/run/zoners"];

/// The socket, unless the configuration says otherwise: in the folder that a service manager gives, or
/// in one of ours in the user's, or in that of the system's service.
#[must_use]
pub fn socket() -> PathBuf {
    let of_user = || of_user().map(|folder| folder.join("zoners"));
    let folder = given().into_iter().next().or_else(of_user);
    folder.unwrap_or_else(|| PathBuf::from(OF_SYSTEM[0])).join("zoners.sock")
}

/// Whether `folder` is one that is made where it is not there: below those that a system clears at its
/// start. Any other is a slip of the pen, more likely than not.
pub(crate) fn may_be_made(folder: &Path) -> bool {
    let of_user = of_user().filter(|folder| folder.is_dir());
    let roots = given().into_iter().chain(of_user).chain(OF_SYSTEM.map(PathBuf::from));
    roots.into_iter().any(|root| is_below(folder, &root))
}

/// Whether `folder` is ours and nobody else's, by its name: then a socket may be removed from it.
pub(crate) fn is_ours(folder: &Path) -> bool {
    let of_user = of_user().map(|folder| folder.join("zoners"));
    let roots = given().into_iter().chain(of_user).chain(OF_SYSTEM.map(PathBuf::from));
    roots.into_iter().any(|root| is_below(folder, &root))
}

fn is_below(folder: &Path, root: &Path) -> bool {
    let rest = folder.strip_prefix(root);
    rest.is_ok_and(|rest| rest.components().all(|part| matches!(part, Component::Normal(_))))
}

/// The folders of a service manager (systemd.exec(5), RuntimeDirectory=).
fn given() -> Vec<PathBuf> {
    let folders = var_os("RUNTIME_DIRECTORY").unwrap_or_default();
    split_paths(&folders).filter(|folder| folder.is_absolute()).collect()
}

/// The folder of the user who runs us (XDG Base Directory Specification).
fn of_user() -> Option<PathBuf> {
    var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_folder_is_made_outside_of_those_for_a_run() {
        for folder in ["/run/zoners", "/run/zoners/one", "/var/run/zoners"] {
            assert!(may_be_made(Path::new(folder)), "{folder}");
        }
        for folder in ["/tpm", "/run", "/run/zoner", "/run/zoners/../x", "run/zoners", "", "/"] {
            assert!(!may_be_made(Path::new(folder)), "{folder}");
        }
    }
}
