//! Safe access to files in folders which foreign users may be able to write.
//!
//! [`replace()`] writes a file under a random name and renames the file over the previous version,
//! so that a link planted at either name is not followed; a [`Draft`] is the same for a file that is
//! written piece by piece. [`open_own`] and [`read_own`] read a file
//! of the daemon only if no foreign user could have written the file. [`make_folder`] and
//! [`check_folder`] ensure that no foreign user can replace entries of a folder. A [`Lock`] is held
//! by a single process at a time. [`ServiceUser`] is the user for which root creates files before
//! the process becomes the user.

mod folder;
mod lock;
mod own;
mod replace;
mod service_user;

pub use folder::{check_folder, make_folder};
pub use lock::{Lock, LockAttempt};
pub use own::{open_own, open_secret, read_own};
pub use replace::{Draft, replace};
pub use service_user::ServiceUser;

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;

/// The mode bits for writing by group or world.
const GROUP_OR_WORLD_WRITE: u32 = 0o022;

fn refused(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why.into())
}

/// The owner of a file, if the owner is neither the user of this process, nor root, nor the user
/// that root is about to become.
fn foreign_owner(file: &Metadata, future_user: Option<u32>) -> Option<u32> {
    let own = rustix::process::geteuid().as_raw();
    Some(file.uid()).filter(|owner| *owner != own && *owner != 0 && Some(*owner) != future_user)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    /// A named pipe, made by the program of the system: rustix makes none on macOS.
    pub(crate) fn make_pipe(path: &Path) {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }
}
