//! `zoners import`

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use zoners_import::{Imported, Kind, toml};
use zoners_server::Config;
use zoners_server::validate::Scope;

use crate::Failure;
use crate::output::{eprintln, println};

/// Arguments of `zoners import`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It reads unbound.conf of Unbound; pihole.toml, setupVars.conf, custom.list and adlists.list of Pi-hole;
AdGuardHome.yaml; dnsmasq.conf; dnscrypt-proxy.toml with its rules. Files that these include are read
below the folder of a named file; name other files too. What has no counterpart is told on standard
error, and in comments of the configuration. Keys and passwords are not copied.

Examples:
  zoners import /etc/unbound/unbound.conf --write zoners.toml
  zoners import /etc/pihole/pihole.toml adlists.list --write zoners.toml"
)]
pub(crate) struct ImportArguments {
    /// The configuration files of the other server.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The server of the files, where name and text of a file do not tell.
    #[arg(long, value_name = "SERVER", value_parser = PossibleValuesParser::new(Kind::ALL.map(|(word, _)| word)))]
    from: Option<String>,
    /// Write to this file, which must not exist yet, instead of standard output.
    #[arg(long, value_name = "PATH")]
    write: Option<PathBuf>,
}

pub(crate) fn run(arguments: &ImportArguments) -> Result<(), Failure> {
    let said = arguments.from.as_deref();
    let kind = Kind::ALL.into_iter().find(|(word, _)| said == Some(*word)).map(|(_, kind)| kind);
    let found = zoners_import::import(&arguments.files, kind);
    let found = found.map_err(|fault| Failure::Usage(fault.to_string()))?;
    let imported = found.accepted(check);
    let text = toml(&imported);
    check(&text).map_err(Failure::Failed)?;
    match &arguments.write {
        Some(path) => write_new(path, &text)
            .map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?,
        None => println!("{}", text.trim_end()),
    }
    tell(&imported);
    Ok(())
}

/// Writes a new file; on a full disk nothing stays that would bar the next call.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes()).inspect_err(|_| drop(fs::remove_file(path)))
}

/// What `zoners check` says of a configuration.
fn check(text: &str) -> Result<(), String> {
    let config = Config::parse(text, "zoners.toml").map_err(|error| error.to_string())?;
    config.validate(Scope::Start).map(drop).map_err(|error| error.to_string())
}

fn tell(imported: &Imported) {
    imported.remarks.iter().for_each(|remark| eprintln!("{remark}"));
    let (taken, left) = (imported.settings.len(), imported.remarks.len());
    eprintln!("{taken} settings taken over, {left} not");
}
