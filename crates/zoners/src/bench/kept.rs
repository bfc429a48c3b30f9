//! Saved runs: `zoners bench list`, `show` and `remove`.

use zoners_bench::{BenchReport, Store};

use super::{Form, wrong};
use crate::Failure;
use crate::output::println;

/// What is done with runs that were kept.
#[derive(Debug, clap::Subcommand)]
pub(super) enum SavedRunCommand {
    /// List the runs that were kept.
    List,
    /// Show the results of a kept run.
    Show {
        /// Its name.
        name: String,
        /// Compare with another that was kept.
        #[arg(long, value_name = "NAME")]
        against: Option<String>,
        #[command(flatten)]
        form: Form,
    },
    /// Forget a run that was kept.
    Remove {
        /// Its name.
        name: String,
    },
}

pub(super) fn run(kept: &SavedRunCommand, store: &Store) -> Result<(), Failure> {
    match kept {
        SavedRunCommand::List => list(store),
        SavedRunCommand::Show { name, against, form } => {
            form.can_be_written()?;
            let record = store.load(name).map_err(wrong)?;
            let before =
                against.as_ref().map(|name| store.load(name)).transpose().map_err(wrong)?;
            if let Some(before) = &before {
                record.comparable(before).map_err(wrong)?;
            }
            form.tell(&BenchReport::of(&record, before.as_ref()), against.as_deref())
        }
        SavedRunCommand::Remove { name } => store.remove(name).map_err(wrong),
    }
}

fn list(store: &Store) -> Result<(), Failure> {
    let names = store.list().map_err(wrong)?;
    if names.is_empty() {
        println!("nothing was kept yet; --save NAME does");
    }
    let width = names.iter().map(String::len).max().unwrap_or_default();
    for name in names {
        match store.load(&name) {
            Ok(record) => println!(
                "{name:width$}  {}  {} names, {}",
                record.environment.when(),
                record.names.len(),
                record.targets.join(", ")
            ),
            // An unreadable run does not prevent the list of the rest.
            Err(error) => println!("{name:width$}  {error}"),
        }
    }
    Ok(())
}
