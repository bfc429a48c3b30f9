//! Files in folders that others may reach.
//!
//! A file is written under a name that cannot be guessed and put in the place of the one before, so
//! that no link planted at either name is followed ([`replace()`]). A file of the daemon's own is read
//! only if nobody else could have written it ([`open_own`], [`read_own`]), and lies in a folder whose
//! entries nobody else can swap ([`make_folder`], [`check_folder`]). A [`Lock`] is a file that one process
//! at a time holds. What root makes for another user, it makes for its [`ServiceUser`].

mod folder;
mod lock;
mod own;
mod replace;
mod service_user;

pub use folder::{check_folder, make_folder};
pub use lock::{Lock, LockAttempt};
pub use own::{open_own, open_secret, read_own};
pub use replace::replace;
pub use service_user::ServiceUser;

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;

/// The bits of a mode by which the group and all others may write.
const OTHERS_WRITE: u32 = 0o022;

fn refused(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why.into())
}

/// The user that a file belongs to, if it is neither this process's, nor root, nor the one that root is
/// about to become.
fn stranger(file: &Metadata, heir: Option<u32>) -> Option<u32> {
    let own = rustix::process::geteuid().as_raw();
    Some(file.uid()).filter(|owner| *owner != own && *owner != 0 && Some(*owner) != heir)
}
