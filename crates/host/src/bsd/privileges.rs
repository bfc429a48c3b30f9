//! Rights of a process of the BSDs and macOS.

use std::io;

/// There is no such switch.
pub(crate) fn forbid_new() -> io::Result<()> {
    Ok(())
}
