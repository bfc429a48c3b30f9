//! The restart of a service by systemd, which keeps the sockets meanwhile.

use std::process::Command;

use zoners_host::privileges::is_root;

use crate::Failure;
use crate::print::clean;

/// Restarts the service; the new daemon serves when this returns.
///
/// # Errors
/// The caller is not root, or the new daemon does not come up.
pub(super) fn restart(service: &str) -> Result<(), Failure> {
    if !is_root() {
        let text =
            "the program comes up, but only root may restart the service: sudo zoners restart";
        return Err(Failure::Usage(text.to_owned()));
    }
    let ended = Command::new("systemctl").args(["restart", service]).output();
    let ended = ended.map_err(|error| Failure::Failed(format!("systemctl: {error}")))?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    let said: Vec<String> = said.trim().lines().map(clean).collect();
    Err(Failure::Failed(format!(
        "{service} does not come up: systemd tries again (`journalctl -u {service}` has the reasons)\n{}",
        said.join("\n")
    )))
}
