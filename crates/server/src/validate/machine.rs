//! Parts of a configuration that depend on this machine.

use std::io;
use std::net::{IpAddr, UdpSocket};
use std::path::Path;

use zoners_host::privileges::find_user;

use crate::config::{Config, ConfigError};

/// Checks that the user exists, the state folder can be a folder, and queries can leave from the source addresses.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let mut error = ConfigError::default();
    let mut add = |path: &str, what: &str| error.add(config.source.fault(path, what));
    if let Some(Err(what)) = config.server.user.as_deref().map(find_user) {
        add("server.user", &what);
    }
    if let Some(folder) = config.server.state.as_deref().filter(|folder| is_no_folder(folder)) {
        add("server.state", &format!("{} is no folder", folder.display()));
    }
    for (number, address) in config.resolver.source_addresses.iter().enumerate() {
        if let Err(what) = check_source(*address) {
            let what = format!("{address}: {what}");
            add(&format!("resolver.source-addresses[{number}]"), &what);
        }
    }
    error.outcome()
}

/// Whether the path leads to a file of another kind.
fn is_no_folder(path: &Path) -> bool {
    path.exists() && !path.is_dir()
}

/// Binds an address, as a query would.
fn check_source(address: IpAddr) -> io::Result<()> {
    UdpSocket::bind((address, 0)).map(drop)
}
