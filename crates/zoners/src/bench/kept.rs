//! What was kept: `zoners bench list`, `show` and `remove`.

use anstream::println;
use zoners_bench::{Report, Store};

use super::{show, wrong};
use crate::Failure;

/// What is done with runs that were kept.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Kept {
    /// List the runs that were kept.
    List,
    /// Tell what came of a run that was kept.
    Show {
        /// Its name.
        name: String,
        /// The average of every name, not of the slowest alone.
        #[arg(long)]
        all: bool,
        /// One JSON object instead of text.
        #[arg(long, conflicts_with = "all")]
        json: bool,
    },
    /// Forget a run that was kept.
    Remove {
        /// Its name.
        name: String,
    },
}

pub(super) fn run(kept: &Kept, store: &Store) -> Result<(), Failure> {
    match kept {
        Kept::List => list(store),
        Kept::Show { name, all, json } => {
            let record = store.load(name).map_err(wrong)?;
            let report = Report::of(&record, None);
            if *json {
                let text = serde_json::to_string_pretty(&report);
                println!("{}", text.map_err(|error| Failure::Failed(error.to_string()))?);
            } else {
                show::report(&report, None, *all);
            }
            Ok(())
        }
        Kept::Remove { name } => store.remove(name).map_err(wrong),
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
            // One that cannot be read is no reason not to tell the others.
            Err(error) => println!("{name:width$}  {error}"),
        }
    }
    Ok(())
}
