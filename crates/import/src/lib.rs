//! Settings of other servers as a configuration of Zoners.
//!
//! A reader for each kind of server yields [`Imported`]; one writer makes TOML with comments. Whatever has no
//! counterpart becomes a [`Remark`]: no setting is left out in silence, and no secret is copied.

mod accepted;
mod imported;
mod reading;
mod unbound;
mod write;

use std::path::PathBuf;

pub use accepted::MAX_REFUSED;
pub use imported::{Imported, Place, Remark, Setting};
pub use reading::{MAX_DEPTH, MAX_FILES, MAX_OCTETS, ReadFault};
pub use write::toml;

/// The kinds of files that [`import`] reads.
pub const KINDS: &str = "unbound.conf of Unbound";

/// The settings of these files and of the files that they include.
///
/// # Errors
/// A named file cannot be read, is over a limit, or is of another kind.
pub fn import(files: &[PathBuf]) -> Result<Imported, ReadFault> {
    let mut reading = reading::Reading::new(files);
    let mut reader = unbound::Reader::default();
    for path in files {
        // An earlier file may include a later one.
        let Some(text) = reading.named(path)? else { continue };
        let file = path.display().to_string();
        if !unbound::recognised(&text) {
            return Err(ReadFault(format!("{file} is not of a known kind: {KINDS}")));
        }
        reader.read(&text, &file, &mut reading, 0);
    }
    Ok(reader.finish())
}

#[cfg(test)]
mod tests;
