//! What the installs of every system have in common: names, and steps of the same kind.

use std::path::{Path, PathBuf};

use crate::plan::{FileSource, IfChanged, PlanStep};

/// The check that the daemon answers at 127.0.0.1, before the settings change.
pub const CHECK_ANSWERS: &str = "answers";
/// The check that a query of this machine's programs arrives at the daemon, after the settings have changed.
pub const CHECK_ASKED: &str = "asked";
/// The configuration of the service.
pub const CONFIG: &str = "/etc/zoners/zoners.toml";

/// What the caller brings.
#[derive(Clone, Debug, Default)]
pub struct InstallInput {
    /// The program to be installed: a file of the running system.
    pub program: PathBuf,
    /// The configuration for a machine without one. Where the manager is not systemd, the daemon is started as root
    /// and must be told to become the user of the service.
    pub config: String,
    /// Manual pages and completions: path and text.
    pub pages: Vec<(String, String)>,
}

/// The program at its place, put back by the undo even if upgrades have replaced the program.
pub(crate) fn copy_program(from: &Path, to: &str) -> PlanStep {
    PlanStep::WriteFile {
        path: to.into(),
        content: FileSource::CopyOf(from.to_owned()),
        mode: 0o755,
        owner: None,
        immutable: false,
        if_changed: IfChanged::Restore,
    }
}

/// The configuration, which stays once a person has edited it.
pub(crate) fn config(text: String) -> PlanStep {
    PlanStep::write_where(CONFIG, text, IfChanged::Keep)
}

/// Pages, written anew by upgrades.
pub(crate) fn pages(pages: Vec<(String, String)>) -> impl Iterator<Item = PlanStep> {
    let page =
        |(path, text): (String, String)| PlanStep::write_where(&path, text, IfChanged::Restore);
    pages.into_iter().map(page)
}

/// The check between the start of the daemon and the change of the settings.
pub(crate) fn check_answers() -> PlanStep {
    check(CHECK_ANSWERS, "127.0.0.1 answers with a proven name, over UDP and TCP")
}

/// The check after the change of the settings.
pub(crate) fn check_asked() -> PlanStep {
    check(CHECK_ASKED, "a question of this machine's programs arrives there")
}

fn check(name: &str, text: &str) -> PlanStep {
    PlanStep::Check { name: name.to_owned(), text: text.to_owned() }
}
