//! Standard output and standard error, which may be full, closed, or a pipe without a reader.
//!
//! The first failure ends the output; the command completes the work, and reports the failure at the end.

use std::fmt;
use std::io::{self, Write};
use std::sync::OnceLock;

use crate::Failure;

/// Why standard output takes no more.
static BROKEN: OnceLock<io::Error> = OnceLock::new();

/// Writes a line to standard output.
macro_rules! println {
    () => { $crate::output::line(format_args!("")) };
    ($($text:tt)*) => { $crate::output::line(format_args!($($text)*)) };
}

/// Writes a line to standard error, as far as possible.
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::output::remark(format_args!($($text)*)) };
}

pub(crate) use {eprintln, println};

pub(crate) fn line(text: fmt::Arguments<'_>) {
    with(|| writeln!(anstream::stdout(), "{text}"));
}

/// The width of a page on standard output: that of the terminal within readable bounds; 80
/// elsewhere.
pub(crate) fn width() -> usize {
    const NARROWEST: u16 = 40;
    const WIDEST: u16 = 110;
    let columns = rustix::termios::tcgetwinsize(io::stdout()).map_or(0, |size| size.ws_col);
    if columns == 0 { 80 } else { columns.clamp(NARROWEST, WIDEST).into() }
}

/// Writes octets to standard output.
pub(crate) fn octets(octets: &[u8]) {
    with(|| io::stdout().write_all(octets));
}

pub(crate) fn remark(text: fmt::Arguments<'_>) {
    // A command works whether or not a person reads the remarks.
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Whether the whole output was written.
pub(crate) fn is_whole() -> Result<(), Failure> {
    with(|| io::stdout().flush());
    match BROKEN.get() {
        None => Ok(()),
        // A reader that left has read enough, as `head` does.
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::Unread),
        Some(error) => Err(Failure::Failed(format!("standard output: {error}"))),
    }
}

/// Whether a write has failed.
pub(crate) fn is_broken() -> bool {
    BROKEN.get().is_some()
}

/// Writes to standard output, unless a write has failed before.
pub(crate) fn with(write: impl FnOnce() -> io::Result<()>) {
    if BROKEN.get().is_none()
        && let Err(error) = write()
    {
        let _ = BROKEN.set(error);
    }
}
