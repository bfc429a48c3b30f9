//! Whether questions of this machine's programs arrive at the daemon.

use std::path::Path;

use zoners_api::{AdminRequest, CounterStats};
use zoners_dns::{Counter, Random};
use zoners_host::install_steps::CONFIG;

use crate::config_file::ConfigFile;
use crate::control::Socket;

/// A name below `zone` that is new to every cache on the way.
///
/// # Errors
/// The system has no randomness.
pub(crate) fn new_name(zone: &str) -> Result<String, String> {
    Ok(format!("zoners-{:04x}{:04x}.{zone}", Random::from_system()?.id(), std::process::id()))
}

/// Queries received by the daemon so far.
///
/// # Errors
/// The daemon does not tell.
pub(crate) fn client_queries() -> Result<u64, String> {
    let config = Some(Path::new(CONFIG)).filter(|config| config.exists());
    let config = config.map(ConfigFile::named).unwrap_or_default();
    let stats: CounterStats = Socket::new(None, config)
        .request(&AdminRequest::Stats {})
        .map_err(|failure| failure.message().unwrap_or_default().to_owned())?;
    let counter = Counter::ClientQueries.name();
    stats
        .counters
        .get(counter)
        .copied()
        .ok_or_else(|| format!("the daemon does not count {counter}"))
}
