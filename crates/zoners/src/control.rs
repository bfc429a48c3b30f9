//! Commands asking a running daemon: `zoners status`, `stats`, `metrics`, `servers`, `network`, `cache`, `nta`, `policy`,
//! `reload`, `restart`, `healthcheck`, `watch`, `log`, `top`, `why`, `slow`, `failures`, `trend`, `history`, `dashboard`,
//! `token`.

pub(crate) mod cache;
pub(crate) mod dashboard;
pub(crate) mod healthcheck;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod network;
pub(crate) mod nta;
pub(crate) mod policy;
pub(crate) mod reload;
pub(crate) mod restart;
pub(crate) mod servers;
pub(crate) mod stats;
pub(crate) mod status;
#[cfg(test)]
mod tests;
pub(crate) mod token;
pub(crate) mod top;
pub(crate) mod trend;
pub(crate) mod troubles;
pub(crate) mod watch;
pub(crate) mod why;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;

use zoners_api::{AdminError, AdminReply, AdminRequest, WatchFilter};
use zoners_host::paths::runtime::control_sockets;
use zoners_server::control::{self, ControlError, EventLines};

use crate::Failure;
use crate::config_file::ConfigFile;

/// Which daemon is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Socket {
    /// The daemon's control socket. Without this option: the socket named in the configuration file, else
    /// zoners.sock in $RUNTIME_DIRECTORY, /run/zoners (/var/run/zoners on macOS and BSD), and
    /// $XDG_RUNTIME_DIR/zoners or $TMPDIR/zoners.
    #[arg(long = "control", value_name = "FILE", conflicts_with = "config")]
    path: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
}

impl Socket {
    /// The socket at `path`, or by the configuration in `config`.
    pub(crate) fn new(path: Option<PathBuf>, config: ConfigFile) -> Self {
        Socket { path, config }
    }

    /// Whether the caller named a socket or a configuration.
    fn is_named(&self) -> bool {
        self.path.is_some() || self.config.is_named()
    }

    /// Sends a request to the daemon.
    pub(crate) fn request<T: TryFrom<AdminReply, Error = AdminError>>(
        &self,
        request: &AdminRequest,
    ) -> Result<T, Failure> {
        let sent = control::request(&self.paths()?, request, None);
        sent.map_err(failure)
    }

    /// Begins a watch of the daemon.
    fn watch(&self, filter: &WatchFilter) -> Result<EventLines, Failure> {
        control::watch(&self.paths()?, filter).map_err(failure)
    }

    /// The places of the socket, first to last.
    fn paths(&self) -> Result<Vec<PathBuf>, Failure> {
        let configured = match (&self.path, self.config.load()) {
            (Some(path), _) => Some(path.clone()),
            (None, Ok((config, _))) => config.server.control,
            (None, Err(failure)) if self.config.is_named() => return Err(failure),
            // A file at a usual place may be for the daemon's user alone to read.
            (None, Err(_)) => None,
        };
        if configured.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            let text = "this configuration has no control socket: server.control is empty";
            return Err(Failure::Usage(text.to_owned()));
        }
        Ok(control_sockets(configured.as_deref()))
    }
}

fn failure(error: ControlError) -> Failure {
    Failure::Failed(error.to_string())
}

/// Sends a request to the daemon at the first usable path, with a file to be written or read.
fn request_with<T: TryFrom<AdminReply, Error = AdminError>>(
    paths: &[PathBuf],
    request: &AdminRequest,
    file: &File,
) -> io::Result<T> {
    control::request(paths, request, Some(file.as_fd())).map_err(io::Error::other)
}
