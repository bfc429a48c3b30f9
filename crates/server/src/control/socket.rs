//! The file of the control socket.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use zoners_api::Admin;
use zoners_files::{ServiceUser, check_folder};
use zoners_host::paths::runtime;

use super::conversation::Conversation;

/// Conversations at a time.
const MAX_CONVERSATIONS: usize = 16;
/// The pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The owner and the group may read and write.
const MODE: u32 = 0o660;
/// Any user comes as far as the socket.
const FOLDER_MODE: u32 = 0o755;

/// The socket's file, taken away when dropped.
#[derive(Debug)]
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode, so that no file of a later daemon is removed.
    file: (u64, u64),
    /// True while a different daemon has the socket too, so that the file must stay.
    shared: AtomicBool,
}

impl ControlSocket {
    /// Listens at `path`, for the service user if root becomes one. A socket left by a dead daemon of the same user
    /// is replaced; every other file stays.
    ///
    /// # Errors
    /// The folder is missing, other users could swap its files, or a file is there already.
    pub(crate) fn bind(path: &Path, heir: Option<ServiceUser>) -> io::Result<Self> {
        ControlSocket::try_bind(path, heir)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }

    fn try_bind(path: &Path, heir: Option<ServiceUser>) -> io::Result<Self> {
        let folder = folder(path);
        match heir {
            Some(heir) => prepare_for(heir, path)?,
            None if runtime::may_be_made(folder) => {
                DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
                check_folder(folder)?;
            }
            None => check_folder(folder)?,
        }
        remove_stale(path, heir);
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        fs::set_permissions(path, Permissions::from_mode(MODE))?;
        if let Some(heir) = heir {
            heir.give_path(path)?;
        }
        let file = identity(path)?;
        Ok(ControlSocket { listener, path: path.to_owned(), file, shared: AtomicBool::new(false) })
    }

    /// Takes the listener of an old daemon, if the listener is at `path`.
    pub(crate) fn adopt(listener: &UnixListener, path: &Path) -> Option<Self> {
        let address = listener.local_addr().ok()?;
        let file = identity(path).ok()?;
        let listener = listener.try_clone().ok()?;
        (address.as_pathname() == Some(path)).then(|| ControlSocket {
            listener,
            path: path.to_owned(),
            file,
            shared: AtomicBool::new(true),
        })
    }

    /// Leaves the file where it is at the end, if a different daemon has the socket too.
    pub(crate) fn share(&self, shared: bool) {
        self.shared.store(shared, Ordering::Relaxed);
    }

    /// Listens at the first usable path.
    ///
    /// # Errors
    /// None can be had, with the reason of each.
    pub(crate) fn bind_first(paths: &[PathBuf], heir: Option<ServiceUser>) -> Result<Self, String> {
        let mut tried = Vec::new();
        for path in paths {
            match ControlSocket::bind(path, heir) {
                Ok(control) => return Ok(control),
                Err(error) => tried.push(error.to_string()),
            }
        }
        Err(tried.join("; "))
    }

    /// The path of the socket.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Serves conversations while polled, on a tokio runtime.
    pub(crate) async fn serve(&self, admin: Arc<impl Admin>) {
        let listener = self.listener.try_clone().and_then(tokio::net::UnixListener::from_std);
        let listener = match listener {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!("control: cannot serve {}: {error}", self.path.display());
                return std::future::pending().await;
            }
        };
        let conversations = Arc::new(Semaphore::new(MAX_CONVERSATIONS));
        loop {
            let Ok(slot) = conversations.clone().acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else {
                // Descriptors ran out, most likely; give those in use time to close.
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let admin = admin.clone();
            tokio::spawn(async move {
                let _slot = slot;
                if let Some(conversation) = Conversation::with(stream) {
                    let _ = conversation.hold(&admin).await;
                }
            });
        }
    }
}

impl AsFd for ControlSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // The sandbox allows the removal in folders of Zoners; elsewhere the next start replaces the file.
        let is_own = !self.shared.load(Ordering::Relaxed);
        if is_own && identity(&self.path).is_ok_and(|file| file == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The folder of the file at `path`.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Prepares the folder of a socket made by root for the service user. A folder of Zoners by name goes to the service
/// user, who removes the socket in the end; a folder with further files keeps its owner.
fn prepare_for(heir: ServiceUser, path: &Path) -> io::Result<()> {
    let folder = folder(path);
    if !runtime::may_be_made(folder) {
        return heir.check_folder(folder);
    }
    heir.make_folder(folder, FOLDER_MODE)?;
    if runtime::is_own(folder) {
        let is_socket = |name: &str| path.file_name().is_some_and(|file| file == name);
        let _ = heir.take_over(folder, is_socket);
    }
    Ok(())
}

/// Removes a socket of this user, or of the service user, without a listening process.
fn remove_stale(path: &Path, heir: Option<ServiceUser>) {
    let own = rustix::process::geteuid().as_raw();
    let is_own = |user: u32| user == own || heir.is_some_and(|heir| heir.user == user);
    let is_ours = fs::symlink_metadata(path)
        .is_ok_and(|file| file.file_type().is_socket() && is_own(file.uid()));
    let is_dead = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    if is_ours && std::os::unix::net::UnixStream::connect(path).is_err_and(is_dead) {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn try_at(path: &Path) -> Result<(), String> {
        // Left where it is, as if the daemon were killed.
        ControlSocket::bind(path, None).map(std::mem::forget).map_err(|error| error.to_string())
    }

    #[test]
    fn only_a_dead_socket_of_ours_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        drop(UnixListener::bind(at("dead")).unwrap());
        assert_eq!(try_at(&at("dead")), Ok(()));
        let _alive = UnixListener::bind(at("alive")).unwrap();
        drop(UnixListener::bind(at("target")).unwrap());
        symlink(at("target"), at("link")).unwrap();
        fs::write(at("file"), "").unwrap();
        fs::create_dir(at("folder")).unwrap();
        for other in ["alive", "link", "file", "folder"] {
            assert!(try_at(&at(other)).unwrap_err().contains("in use"), "{other}");
        }
        assert!(at("target").exists());
        drop(UnixListener::bind(at("theirs")).unwrap());
        if rustix::process::geteuid().is_root()
            && std::os::unix::fs::chown(at("theirs"), Some(65_533), None).is_ok()
        {
            assert!(try_at(&at("theirs")).is_err());
        }
    }

    #[test]
    fn no_folder_is_made_and_none_that_others_may_write_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no/such/socket");
        assert!(try_at(&missing).is_err());
        assert!(!folder.path().join("no").exists());
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        assert!(try_at(&folder.path().join("socket")).unwrap_err().contains("mode 777"));
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    }
}
