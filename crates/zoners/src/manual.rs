//! `zoners completions` and `zoners manual`: made from the same definitions as the help.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use zoners_files::replace;

use crate::{CommandLine, Failure, output};

/// Permissions of a page.
const MODE: u32 = 0o644;

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
    clap_complete::generate(arguments.shell, &mut CommandLine::command(), "zoners", &mut script);
    output::octets(&script);
    Ok(())
}

/// Writes a page for the program and for each command.
pub(crate) fn manual(arguments: &Manual) -> Result<(), Failure> {
    let folder = &arguments.folder;
    let mut program = CommandLine::command().disable_help_subcommand(true);
    program.build();
    std::fs::create_dir_all(folder)
        .and_then(|()| pages(program, folder))
        .map_err(|error| Failure::Failed(format!("{}: {error}", folder.display())))
}

/// Writes the pages of a command and of its subcommands.
fn pages(command: Command, folder: &Path) -> io::Result<()> {
    let below: Vec<Command> = command.get_subcommands().cloned().collect();
    let page = Man::new(command);
    replace(&folder.join(page.get_filename()), MODE, |out| page.render(out))?;
    below.into_iter().filter(|command| !command.is_hide_set()).try_for_each(|c| pages(c, folder))
}
