//! Manual pages, completions and the example of a configuration, as files of a plan.

use std::io;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::{CommandLine, Failure};

const PAGES: &str = "/usr/local/share/man/man1";
/// The example of a configuration.
pub(super) const EXAMPLE: &str = "/usr/local/share/doc/zoners/zoners.example.toml";
/// Where shells look for completions.
const COMPLETIONS: [(Shell, &str); 3] = [
    (Shell::Bash, "/usr/local/share/bash-completion/completions/zoners"),
    (Shell::Zsh, "/usr/local/share/zsh/site-functions/_zoners"),
    (Shell::Fish, "/usr/local/share/fish/vendor_completions.d/zoners.fish"),
];

/// All files: path and text.
pub(super) fn all() -> Result<Vec<(String, String)>, Failure> {
    let mut files =
        vec![(EXAMPLE.to_owned(), include_str!("../../../../zoners.example.toml").to_owned())];
    let mut program = CommandLine::command().disable_help_subcommand(true);
    program.build();
    manual(program, &mut files).map_err(|error| Failure::Failed(error.to_string()))?;
    for (shell, path) in COMPLETIONS {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut CommandLine::command(), "zoners", &mut script);
        files.push((path.to_owned(), String::from_utf8_lossy(&script).into_owned()));
    }
    Ok(files)
}

/// The pages of a command and of the subcommands.
fn manual(command: Command, files: &mut Vec<(String, String)>) -> io::Result<()> {
    let below: Vec<Command> = command.get_subcommands().cloned().collect();
    let (page, mut text) = (Man::new(command), Vec::new());
    page.render(&mut text)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    files.push((format!("{PAGES}/{}", page.get_filename()), text));
    let mut below = below.into_iter().filter(|command| !command.is_hide_set());
    below.try_for_each(|command| manual(command, files))
}
