//! The servers set by hand for a network service of macOS, by networksetup(8).
//!
//! A step of this kind changes no file of ours: the preferences of the network belong to configd, and a person sees the
//! servers in the settings of the system.

use std::io;

use super::command::{CommandRunner, SystemCommand};
use crate::reports::networksetup;

/// The word for "as the network says".
const NO_SERVERS: &str = "empty";

/// The enabled network services.
///
/// # Errors
/// The program does not answer.
pub(crate) fn services(commands: &mut dyn CommandRunner) -> io::Result<Vec<String>> {
    let end = commands.run(&SystemCommand::of(&["networksetup", "-listallnetworkservices"]))?;
    match end.success {
        true => Ok(networksetup::services(&end.output)),
        false => Err(io::Error::other(format!("networksetup: {}", end.error))),
    }
}

/// The servers set for a service; none if the machine has no such service.
///
/// # Errors
/// The program cannot be started.
pub(crate) fn read(
    commands: &mut dyn CommandRunner,
    service: &str,
) -> io::Result<Option<Vec<String>>> {
    let end = commands.run(&SystemCommand::of(&["networksetup", "-getdnsservers", service]))?;
    Ok(networksetup::servers(&end.output).filter(|_| end.success))
}

/// The command that sets the servers of a service.
pub(super) fn set(service: &str, servers: &[String]) -> SystemCommand {
    let servers: Vec<&str> = match servers.is_empty() {
        true => vec![NO_SERVERS],
        false => servers.iter().map(String::as_str).collect(),
    };
    SystemCommand::of(&[&["networksetup", "-setdnsservers", service], servers.as_slice()].concat())
}

/// Lets the network name the servers of a service.
///
/// # Errors
/// The program cannot be started, or refuses.
pub(crate) fn set_none(commands: &mut dyn CommandRunner, service: &str) -> io::Result<()> {
    let command = set(service, &[]);
    let end = commands.run(&command)?;
    match end.success {
        true => Ok(()),
        false => Err(io::Error::other(format!("{command}: {}", end.error))),
    }
}
