//! `zoners completions` and `zoners manual`: made from the same definitions as the help.

mod settings;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use zoners_files::replace;

use crate::{CommandLine, Failure, output};

/// The page of the settings.
const SETTINGS: &str = "zoners.toml.5";
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
  zoners manual pages && man pages/zoners.toml.5")]
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

/// Writes every page.
pub(crate) fn manual(arguments: &Manual) -> Result<(), Failure> {
    let folder = &arguments.folder;
    let write = |ManualPage { name, text }: ManualPage| {
        replace(&folder.join(name), MODE, |out| out.write_all(text.as_bytes()))
    };
    std::fs::create_dir_all(folder)
        .and_then(|()| pages()?.into_iter().try_for_each(write))
        .map_err(|error| Failure::Failed(format!("{}: {error}", folder.display())))
}

/// A page of the manual.
pub(crate) struct ManualPage {
    /// The name of the file, with the section at the end.
    pub(crate) name: String,
    /// The text, in roff.
    pub(crate) text: String,
}

/// The pages of the program, of each command, and of the settings.
///
/// # Errors
/// A page cannot be made.
pub(crate) fn pages() -> io::Result<Vec<ManualPage>> {
    let mut program = CommandLine::command().disable_help_subcommand(true);
    program.build();
    let mut pages = vec![ManualPage { name: SETTINGS.to_owned(), text: settings::page() }];
    pages_of(program, &mut pages)?;
    Ok(pages)
}

/// The pages of a command and of its subcommands.
fn pages_of(command: Command, pages: &mut Vec<ManualPage>) -> io::Result<()> {
    let below: Vec<Command> = command.get_subcommands().cloned().collect();
    let (page, mut text) = (Man::new(command), Vec::new());
    page.render(&mut text)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    pages.push(ManualPage { name: page.get_filename(), text });
    let mut below = below.into_iter().filter(|command| !command.is_hide_set());
    below.try_for_each(|command| pages_of(command, pages))
}
