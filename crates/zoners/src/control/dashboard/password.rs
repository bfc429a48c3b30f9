//! `zoners dashboard password`

use std::io::{self, BufRead, IsTerminal, Read, Write};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
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
    let password = match arguments.remove {
        true => None,
        false => Some(AdminSecret(read()?)),
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
fn read() -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(failed)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let first = unseen("Password: ")?;
    match unseen("Again: ")? == first {
        true => Ok(first),
        false => Err(failed(io::Error::other("the two passwords differ"))),
    }
}

fn failed(error: io::Error) -> Failure {
    Failure::Failed(format!("no password: {error}"))
}

/// A line that is typed without being shown. The terminal is as before when the line ends.
fn unseen(prompt: &str) -> Result<String, Failure> {
    let hidden = HiddenInput::begin().map_err(failed)?;
    let mut terminal = io::stderr();
    terminal.write_all(prompt.as_bytes()).map_err(failed)?;
    let line = hidden.line();
    terminal.write_all(b"\n").map_err(failed)?;
    line.map_err(failed)?.ok_or(Failure::Interrupted)
}

/// A terminal that does not show what is typed, until dropped.
///
/// The key that interrupts (Ctrl-C) ends the line and sends no signal: a signal would leave a terminal that shows nothing.
struct HiddenInput(Termios);

impl HiddenInput {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        hidden.special_codes[SpecialCodeIndex::VEOL] =
            before.special_codes[SpecialCodeIndex::VINTR];
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(HiddenInput(before))
    }

    /// The line; `None` if the person interrupts.
    fn line(&self) -> io::Result<Option<String>> {
        let interrupt = self.0.special_codes[SpecialCodeIndex::VINTR];
        let mut line = Vec::new();
        for octet in io::stdin().lock().bytes() {
            match octet? {
                octet if octet == interrupt => return Ok(None),
                b'\n' => break,
                octet => line.push(octet),
            }
        }
        let line = String::from_utf8(line).map_err(io::Error::other)?;
        // Keys for signals (Ctrl-Z) come as characters here.
        match line.chars().any(char::is_control) {
            true => Err(io::Error::other("it has a control character")),
            false => Ok(Some(line)),
        }
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
