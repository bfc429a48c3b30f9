//! Commands of the system, as a person would type them.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

/// Where programs of the system are found, whatever the caller's `PATH` is: `sudo` may leave out the `sbin` folders.
const PROGRAM_FOLDERS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program with its arguments. [`fmt::Display`] quotes as a shell needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SystemCommand(pub Vec<String>);

/// The end of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandEnd {
    /// Whether the command succeeded.
    pub success: bool,
    /// The exit status in words: `exit status 3`, `killed by signal 9`.
    pub status: String,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub error: String,
}

/// Runs commands: the system in earnest, a model of a system in tests.
pub trait CommandRunner {
    /// Runs a command to the end.
    ///
    /// # Errors
    /// The command cannot be started.
    fn run(&mut self, command: &SystemCommand) -> io::Result<CommandEnd>;
}

/// Runs commands on this machine, without input, in the language of the C locale.
#[derive(Debug, Default)]
pub struct RealCommands;

/// As [`RealCommands`], and a command that takes longer than the limit is killed and has failed.
#[derive(Debug)]
pub struct LimitedCommands {
    /// The limit.
    pub limit: Duration,
}

/// Runs nothing, and reports success: for an undo before the programs of the system have started.
#[derive(Debug, Default)]
pub struct NoCommands;

impl CommandRunner for NoCommands {
    fn run(&mut self, _: &SystemCommand) -> io::Result<CommandEnd> {
        Ok(CommandEnd { success: true, ..CommandEnd::default() })
    }
}

impl SystemCommand {
    /// A command from words.
    #[must_use]
    pub fn of(words: &[&str]) -> Self {
        SystemCommand(words.iter().map(|word| (*word).to_owned()).collect())
    }

    /// The program of the command with the environment of every command.
    fn prepared(&self) -> io::Result<Command> {
        let (program, arguments) = self.0.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(arguments).env("PATH", PROGRAM_FOLDERS).env("LC_ALL", "C");
        command.stdin(Stdio::null());
        Ok(command)
    }

    /// Runs the command.
    ///
    /// # Errors
    /// The exit status and the last line of a command that failed, or the reason for which the command did not start.
    pub fn run_by(&self, commands: &mut dyn CommandRunner) -> Result<(), String> {
        let end = commands.run(self).map_err(|error| error.to_string())?;
        if end.success {
            return Ok(());
        }
        let status = if end.status.is_empty() { "failed" } else { &end.status };
        let text = if end.error.trim().is_empty() { &end.output } else { &end.error };
        Err(match text.trim().lines().last() {
            Some(line) => format!("{status}: {line}"),
            None => status.to_owned(),
        })
    }
}

impl fmt::Display for SystemCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain =
            |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@%+,~".contains(letter);
        for (at, word) in self.0.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            match !word.is_empty() && word.chars().all(is_plain) {
                true => write!(f, "{space}{word}")?,
                false => write!(f, "{space}'{}'", word.replace('\'', r"'\''"))?,
            }
        }
        Ok(())
    }
}

impl CommandRunner for RealCommands {
    fn run(&mut self, command: &SystemCommand) -> io::Result<CommandEnd> {
        Ok(end(&command.prepared()?.output()?))
    }
}

impl CommandRunner for LimitedCommands {
    fn run(&mut self, command: &SystemCommand) -> io::Result<CommandEnd> {
        let mut prepared = command.prepared()?;
        let child = prepared.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let process = Pid::from_child(&child);
        let (sender, receiver) = mpsc::channel();
        // The end of a daemon's output may never come, though its parent has ended: the thread is left to itself.
        thread::Builder::new().name("command".to_owned()).spawn(move || {
            let _ = sender.send(child.wait_with_output());
        })?;
        match receiver.recv_timeout(self.limit) {
            Ok(ended) => Ok(end(&ended?)),
            Err(_) => {
                let _ = kill_process(process, Signal::KILL);
                let text = format!("no end within {} s", self.limit.as_secs());
                Err(io::Error::new(io::ErrorKind::TimedOut, text))
            }
        }
    }
}

fn end(ended: &Output) -> CommandEnd {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).trim_end().to_owned();
    CommandEnd {
        success: ended.status.success(),
        status: match (ended.status.code(), ended.status.signal()) {
            (Some(code), _) => format!("exit status {code}"),
            (None, Some(signal)) => format!("killed by signal {signal}"),
            (None, None) => "no exit status".to_owned(),
        },
        output: text(&ended.stdout),
        error: text(&ended.stderr),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_a_shell_takes_them() {
        let command = SystemCommand::of(&["sh", "-c", "echo it's", "a=b", ""]);
        assert_eq!(command.to_string(), r"sh -c 'echo it'\''s' a=b ''");
    }

    #[test]
    fn commands_run_to_their_end() {
        let run =
            |script: &str| RealCommands.run(&SystemCommand::of(&["sh", "-c", script])).unwrap();
        let well = run("echo out; echo err >&2");
        assert_eq!((well.success, &*well.output, &*well.error), (true, "out", "err"));
        assert_eq!((run("exit 3").success, &*run("exit 3").status), (false, "exit status 3"));
        assert_eq!(run("kill -9 $$").status, "killed by signal 9");
        let command = SystemCommand::of(&["sh", "-c", "echo first; echo last; exit 3"]);
        assert_eq!(command.run_by(&mut RealCommands), Err("exit status 3: last".to_owned()));
        assert!(RealCommands.run(&SystemCommand::of(&["no-such-program-anywhere"])).is_err());
        assert!(RealCommands.run(&SystemCommand(Vec::new())).is_err());
    }

    #[test]
    fn a_command_without_an_end_is_killed_and_has_failed() {
        let sleep = SystemCommand::of(&["sleep", "1000000"]);
        let mut impatient = LimitedCommands { limit: Duration::ZERO };
        let reason = sleep.run_by(&mut impatient).unwrap_err();
        assert_eq!(reason, "no end within 0 s");
        let mut patient = LimitedCommands { limit: Duration::MAX };
        let end = patient.run(&SystemCommand::of(&["sh", "-c", "echo out; exit 3"])).unwrap();
        assert_eq!((end.success, &*end.status, &*end.output), (false, "exit status 3", "out"));
    }
}
