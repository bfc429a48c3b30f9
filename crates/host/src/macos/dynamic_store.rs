//! The dynamic store of macOS, asked and changed by scutil(8).

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

/// The program.
pub(super) const SCUTIL: &str = "/usr/sbin/scutil";

/// A running scutil(8), which holds temporary entries. Once the session is dropped, or this process ends however, the
/// program ends, and configd removes the entries.
#[derive(Debug)]
pub struct StoreSession {
    program: Child,
}

impl StoreSession {
    /// Starts the program.
    ///
    /// # Errors
    /// The system has no such program.
    pub fn open() -> io::Result<Self> {
        let mut command = Command::new(SCUTIL);
        command.env_clear().stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(StoreSession { program: command.spawn()? })
    }

    /// Has the program carry out commands. Whether an entry stands is told by [`look`] alone.
    ///
    /// # Errors
    /// The program has ended.
    pub fn run(&mut self, commands: &str) -> io::Result<()> {
        let input = self.program.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(commands.as_bytes())
    }
}

impl Drop for StoreSession {
    fn drop(&mut self) {
        // The end of the input ends the program.
        drop(self.program.stdin.take());
        let _ = self.program.wait();
    }
}
