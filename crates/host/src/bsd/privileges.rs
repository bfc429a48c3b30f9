//! Rights of a process of the BSDs and macOS.

use std::io;

/// These systems have no switch for this.
pub(crate) fn forbid_new() -> io::Result<()> {
    Ok(())
}
