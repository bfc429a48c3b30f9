//! `zoners completions` and `zoners manual`: made from the same definitions as the help.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::CommandFactory;

use crate::{Arguments, Failure};

/// Arguments of `zoners completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  zoners completions bash > /etc/bash_completion.d/zoners")]
pub(crate) struct Completions {
    /// The shell.
    shell: clap_complete::Shell,
}

/// Arguments of `zoners manual`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  zoners manual /usr/local/share/man/man1")]
pub(crate) struct Manual {
    /// The folder that the pages are written to.
    folder: PathBuf,
}

pub(crate) fn completions(arguments: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "zoners", &mut script);
    io::stdout().write_all(&script).map_err(|error| Failure::Failed(error.to_string()))
}

/// Writes a page for the program and one for each command.
pub(crate) fn manual(arguments: &Manual) -> Result<(), Failure> {
    let folder = &arguments.folder;
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Arguments::command(), folder))
        .map_err(|error| Failure::Failed(format!("{}: {error}", folder.display())))
}
