//! What of the machine a start takes for granted.

use std::path::Path;

use zoners_host::privileges::find_user;

use super::bind;
use crate::config::{Config, ConfigError};

/// Sees whether this machine has what a start with this configuration needs, but for the addresses of
/// `server.listen`: a daemon that runs has them.
///
/// # Errors
/// It has not; all that is found is told.
pub fn check_start(config: &Config) -> Result<(), ConfigError> {
    let mut error = ConfigError::default();
    let mut wrong = |path: &str, what: &str| error.add(config.source.fault(path, what));
    if let Some(Err(what)) = config.server.user.as_deref().map(find_user) {
        wrong("server.user", &what);
    }
    if let Some(folder) = config.server.state.as_deref().filter(|folder| is_other(folder)) {
        wrong("server.state", &format!("{} is no folder", folder.display()));
    }
    for (place, address) in config.resolver.source_addresses.iter().enumerate() {
        if let Err(what) = bind::check_source(*address) {
            let what = format!("{address}: {what}");
            wrong(&format!("resolver.source-addresses[{place}]"), &what);
        }
    }
    error.outcome()
}

/// Whether there is something that is no folder.
fn is_other(folder: &Path) -> bool {
    folder.exists() && !folder.is_dir()
}
