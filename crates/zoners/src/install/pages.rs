//! Manual pages, completions and the example of a configuration, as files of a plan.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::manual::{self, ManualPage};
use crate::{CommandLine, Failure};

/// Folders of manual pages, each with a section.
const PAGES: &str = "/usr/local/share/man/man";
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
    let mut files = vec![(EXAMPLE.to_owned(), zoners_server::config::EXAMPLE.to_owned())];
    for ManualPage { name, text } in
        manual::pages().map_err(|error| Failure::Failed(error.to_string()))?
    {
        let section = name.rsplit('.').next().unwrap_or_default();
        files.push((format!("{PAGES}{section}/{name}"), text));
    }
    for (shell, path) in COMPLETIONS {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut CommandLine::command(), "zoners", &mut script);
        files.push((path.to_owned(), String::from_utf8_lossy(&script).into_owned()));
    }
    Ok(files)
}
