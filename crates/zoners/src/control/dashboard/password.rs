//! `zoners dashboard password`

use std::io::{self, BufRead, IsTerminal, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zoners_api::{AdminReply, AdminRequest, AdminSecret, DashboardPasswordSet};

use crate::Failure;
use crate::control::Socket;
use crate::output::println;
use crate::print::clean;

/// Arguments of `zoners dashboard password`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without --remove, the password is asked for twice, or read as a line of the standard input. The server keeps
a hash (Argon2id) in its state folder. Sessions that a former password has opened end."
)]
pub(super) struct PasswordArguments {
    /// Remove the password: no browser of another machine is let in.
    #[arg(long)]
    remove: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(super) fn run(arguments: &PasswordArguments) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::Failed(format!("no password: {error}"));
    let password = match arguments.remove {
        true => None,
        false => Some(AdminSecret(read().map_err(failed)?)),
    };
    let request = AdminRequest::DashboardPassword { password };
    let set: DashboardPasswordSet = arguments.socket.request(&request)?;
    if arguments.json {
        println!("{}", AdminReply::from(set).to_line());
        return Ok(());
    }
    let done = if set.is_set { "set" } else { "removed" };
    match set.file {
        Some(file) => println!("the password of the dashboard is {done} ({})", clean(&file)),
        None => println!("the password of the dashboard is {done}; it ends with the server"),
    }
    Ok(())
}

/// A password of the person at the terminal, typed twice, or a line of the standard input.
fn read() -> io::Result<String> {
    if !io::stdin().is_terminal() {
        return line();
    }
    let first = unseen("Password: ")?;
    match unseen("Again: ")? == first {
        true => Ok(first),
        false => Err(io::Error::other("the two passwords differ")),
    }
}

/// A line that is typed without being shown. The terminal is as before when the line ends.
fn unseen(prompt: &str) -> io::Result<String> {
    let mut terminal = io::stderr();
    terminal.write_all(prompt.as_bytes())?;
    let _hidden = HiddenInput::begin()?;
    let line = line();
    terminal.write_all(b"\n")?;
    line
}

fn line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A terminal that does not show what is typed, until dropped.
struct HiddenInput(Termios);

impl HiddenInput {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(HiddenInput(before))
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
