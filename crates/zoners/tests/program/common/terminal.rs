//! A program on a real terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

/// `zoners` on a terminal of 80 columns and 24 lines.
pub(crate) struct OnTerminal {
    child: Child,
    /// The person's side.
    person: File,
    /// The program's side, kept open to look at its modes.
    terminal: OwnedFd,
    pub(crate) seen: String,
}

impl OnTerminal {
    pub(crate) fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let path = ptsname(&person, Vec::new()).unwrap();
        let terminal = open(&path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).unwrap();
        let side = || Stdio::from(terminal.try_clone().unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_zoners"))
            .args(arguments)
            .env_remove("NO_COLOR")
            .env("TERM", "xterm")
            .envs(variables.iter().copied())
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .unwrap();
        OnTerminal { child, person: File::from(person), terminal, seen: String::new() }
    }

    /// Waits until the terminal has shown a text.
    pub(crate) fn sees(&mut self, text: &str) {
        self.sees_one(&[text]);
    }

    /// Waits until the terminal has shown one of these texts.
    pub(crate) fn sees_one(&mut self, texts: &[&str]) {
        let mut octets = [0; 4096];
        while !texts.iter().any(|text| self.seen.contains(text)) {
            let length = self.person.read(&mut octets).unwrap();
            assert!(!self.seen.contains("panicked"), "{}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&octets[..length]));
        }
    }

    /// Whether there was a colour (SGR 31 to 36).
    pub(crate) fn has_colours(&self) -> bool {
        let sequences = self.seen.split("\x1b[").filter_map(|part| part.split_once('m'));
        let mut codes = sequences.flat_map(|(codes, _)| codes.split(';'));
        codes.any(|code| code.parse().is_ok_and(|code: u8| (31..=36).contains(&code)))
    }

    pub(crate) fn types(&mut self, keys: &str) {
        self.person.write_all(keys.as_bytes()).unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// The modes of the terminal.
    pub(crate) fn modes(&self) -> LocalModes {
        tcgetattr(&self.terminal).unwrap().local_modes
    }

    /// Waits for the end: the terminal is as before. Returns the exit code, and all that was shown.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        let modes = self.modes();
        assert!(
            modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG),
            "{modes:?}"
        );
        let OnTerminal { mut person, terminal, mut seen, .. } = self;
        drop(terminal);
        let mut octets = [0; 4096];
        // The other side is closed: the rest, and then an error (EIO on Linux) or the end.
        while let Ok(length @ 1..) = person.read(&mut octets) {
            seen.push_str(&String::from_utf8_lossy(&octets[..length]));
        }
        (code, seen)
    }
}
