//! Signals of writes, by inotify(7).

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::net::unix::pipe::Receiver;

pub(crate) use InotifySignals as WriteSignals;

/// Signals of writes to files, and of made or removed files.
///
/// The events are read as from a pipe: tokio has no type for inotify without `unsafe`.
#[derive(Debug)]
pub(crate) struct InotifySignals(Option<Receiver>);

impl InotifySignals {
    /// Without inotify there are no signals.
    pub(crate) fn new() -> Self {
        let log = |error: &io::Error| {
            tracing::warn!("files: changes go unnoticed: the system gives no inotify: {error}");
        };
        InotifySignals(events().inspect_err(log).ok())
    }

    /// Watches the present files, and their folders for new ones. A replaced file is watched after a further
    /// call.
    pub(crate) fn watch(&mut self, paths: &[PathBuf]) {
        let Some(events) = &self.0 else { return };
        let of_folder = WatchFlags::CREATE | WatchFlags::MOVE | WatchFlags::DELETE;
        let folders = paths.iter().map(|path| (folder(path), of_folder));
        let files = paths.iter().map(|path| (path.as_path(), WatchFlags::MODIFY));
        for (path, flags) in folders.chain(files) {
            // Missing files and folders are no fault. A folder in place of a file must not end the watch of that folder.
            let _ = inotify::add_watch(events, path, flags | WatchFlags::MASK_ADD);
        }
    }

    /// Ends with the next signal. Safe to cancel.
    pub(crate) async fn next(&mut self) {
        let Some(events) = &self.0 else { return std::future::pending().await };
        let mut octets = [0u8; 4096];
        while events.readable().await.is_ok() {
            match events.try_read(&mut octets) {
                Ok(_) => return,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    tracing::warn!("files: changes go unnoticed: {error}");
                    break;
                }
            }
        }
        self.0 = None;
        std::future::pending().await
    }
}

fn events() -> io::Result<Receiver> {
    let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    Receiver::from_owned_fd_unchecked(events)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
