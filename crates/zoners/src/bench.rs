//! `zoners bench`

mod in_process;
mod kept;
mod measure;
mod plan;
mod progress;
mod server;
mod serving;
mod show;
mod system;
mod watched;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use zoners_bench::baseline::BaselineError;
use zoners_bench::{BenchReport, ComparisonVerdict, Environment, SavedRun, Store, report};
use zoners_files::replace;
use zoners_host::paths::state;

use crate::config_file::ConfigFile;
use crate::output::{eprintln, println};
use crate::{Failure, output};
use in_process::InProcessTarget;
use kept::SavedRunCommand;
use measure::{BenchTargets, MeasuredRun, measure};
use plan::{How, What, plans};
use server::ServerTarget;

/// Permissions of a page, before the umask.
const PAGE_MODE: u32 = 0o666;

/// Arguments of `zoners bench`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  zoners bench                                  the system's resolver, a thousand names
  zoners bench --server 127.0.0.1 --server tcp://192.0.2.1 --count 200
  zoners bench --in-process --save before       a resolver of our own, hop by hop
  zoners bench --in-process --against before --html report.html
  zoners bench --names history.json --format history
  zoners bench --server 127.0.0.1 --rate 100..5000
  zoners bench list
  zoners bench show after --against before

Exit codes:
  0    measured, and nothing that --fail-on names came of it
  1    what was measured could not be written
  2    there is nothing to measure or to compare: the message says what to do
  4    what --fail-on names has happened
  130  interrupted; the results so far were told"
)]
pub(crate) struct BenchArguments {
    #[command(subcommand)]
    kept: Option<SavedRunCommand>,
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    told: Told,
}

/// The targets of a run.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Who is asked (by default the system's resolver)")]
struct Whom {
    /// A server, such as 192.0.2.1 or tcp://192.0.2.1:53; may be given several times.
    #[arg(long, value_name = "ADDRESS")]
    server: Vec<String>,
    /// A resolver in this process, which begins with an empty cache and shows where the time goes.
    #[arg(long)]
    in_process: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// What is told.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What is told")]
struct Told {
    /// Keep what was measured under a name.
    #[arg(long, value_name = "NAME")]
    save: Option<String>,
    /// Compare with what was kept.
    #[arg(long, value_name = "NAME")]
    against: Option<String>,
    /// End with code 4 if this has happened; regressions need --against.
    #[arg(long, value_name = "WHAT,…", value_delimiter = ',')]
    fail_on: Vec<FailOn>,
    #[command(flatten)]
    form: Form,
}

/// The form of the output.
#[derive(Debug, clap::Args)]
pub(crate) struct Form {
    /// The average of every name, not of the slowest alone.
    #[arg(long)]
    all: bool,
    /// One JSON object instead of text.
    #[arg(long, conflicts_with_all = ["csv", "all"])]
    json: bool,
    /// A line for each name, as CSV, instead of text.
    #[arg(long, conflicts_with = "all")]
    csv: bool,
    /// Write a page with curves, the slowest names hop by hop, and the nameservers; the page needs no network.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// The conditions under which a run fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// First asks or repeats are slower than in the baseline, or more fail
    Regression,
    /// More questions fail than in the baseline; without one, any had no answer at all
    Loss,
}

pub(crate) fn run(arguments: &BenchArguments) -> Result<(), Failure> {
    let store = Store::new(&folder()?);
    match &arguments.kept {
        Some(kept) => kept::run(kept, &store),
        None => measured(arguments, &store),
    }
}

fn measured(arguments: &BenchArguments, store: &Store) -> Result<(), Failure> {
    let BenchArguments { whom, what, how, told, .. } = arguments;
    let before = told.against.as_ref().map(|name| store.load(name)).transpose().map_err(wrong)?;
    if told.fail_on.contains(&FailOn::Regression) && before.is_none() {
        return Err(Failure::Usage("--fail-on regression: --against says since when".into()));
    }
    told.save.as_ref().map(|name| store.check(name)).transpose().map_err(wrong)?;
    told.form.can_be_written()?;
    let names = what.names()?;
    let targets = targets(whom)?;
    let plans = plans(what, how, &names, &targets.servers, targets.count())?;
    let comparable = |record: &SavedRun| match &before {
        Some(before) => record.comparable(before).map_err(wrong),
        None => Ok(()),
    };
    let environment = environment(whom, how)?;
    let MeasuredRun { record, interrupted } =
        measure(&names, plans, how, targets, environment, comparable)?;
    let report = BenchReport::of(&record, before.as_ref());
    told.form.tell(&report, told.against.as_deref())?;
    if let Some(name) = &told.save {
        let path = store.save(name, &record).map_err(|error| Failure::Failed(error.to_string()))?;
        eprintln!("saved as {name:?} in {}", path.display());
    }
    if interrupted {
        return Err(Failure::Interrupted);
    }
    told.fail_on.iter().try_for_each(|what| fails(*what, &report))
}

fn wrong(error: BaselineError) -> Failure {
    Failure::Usage(error.to_string())
}

/// Where baselines lie.
fn folder() -> Result<PathBuf, Failure> {
    let none =
        || Failure::Usage("neither XDG_STATE_HOME nor HOME says where to keep baselines".into());
    state::of_user().map(|state| state.join("bench")).ok_or_else(none)
}

fn targets(whom: &Whom) -> Result<BenchTargets, Failure> {
    let mut servers = Vec::new();
    for server in &whom.server {
        servers.push(ServerTarget::new(server).map_err(Failure::Usage)?);
    }
    let own = match whom.in_process {
        true => {
            let (config, _) = whom.config.load()?;
            Some(InProcessTarget::new(config).map_err(Failure::Usage)?)
        }
        false => None,
    };
    if servers.is_empty() && own.is_none() {
        let system = system::resolver().and_then(ServerTarget::of_system);
        servers.push(system.map_err(Failure::Usage)?);
    }
    Ok(BenchTargets { servers, own })
}

/// The environment of the run.
fn environment(whom: &Whom, how: &How) -> Result<Environment, Failure> {
    let file = whom.config.path().filter(|_| whom.in_process);
    let configuration = match &file {
        Some(path) => {
            let octets = std::fs::read(path)
                .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
            format!(
                "{}, fingerprint {:016x}",
                path.display(),
                zoners_bench::names::fingerprint(octets)
            )
        }
        None => "defaults".into(),
    };
    Ok(system::environment(configuration, !how.no_gateway))
}

impl Form {
    /// Says so before everything is measured, and not after, if the page cannot be written.
    fn can_be_written(&self) -> Result<(), Failure> {
        let Some(path) = &self.html else { return Ok(()) };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // No link is followed, and a new file in the place of a device would destroy the device.
        let is_other = path.symlink_metadata().is_ok_and(|there| !there.is_file());
        let why = match (is_other, folder.is_some_and(|folder| !folder.is_dir())) {
            (_, true) => "no file in a folder that is there",
            (true, false) => "what is there is no plain file",
            (false, false) => return Ok(()),
        };
        Err(Failure::Usage(format!("--html {}: {why}", path.display())))
    }

    /// Prints the results; `against` is the name of the baseline.
    fn tell(&self, report: &BenchReport, against: Option<&str>) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::Failed(error.to_string());
        if self.json {
            let text =
                serde_json::to_string_pretty(report).map_err(|error| failed(error.into()))?;
            println!("{text}");
        } else if self.csv {
            let mut text = Vec::new();
            report::csv::write(report, &mut text).map_err(failed)?;
            output::octets(&text);
        } else {
            show::report(report, against, self.all);
        }
        if let Some(path) = &self.html {
            let page = report::html::page(report);
            replace(path, PAGE_MODE, |out| out.write_all(page.as_bytes()))
                .map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
            eprintln!("wrote {}", path.display());
        }
        Ok(())
    }
}

/// Whether a condition of `--fail-on` holds.
fn fails(what: FailOn, report: &BenchReport) -> Result<(), Failure> {
    for asked in &report.targets {
        let failed = match (what, &asked.against) {
            (FailOn::Regression, Some(comparison)) => {
                matches!(
                    comparison.verdict,
                    ComparisonVerdict::Regressed | ComparisonVerdict::Mixed
                )
            }
            (FailOn::Regression, None) => false,
            (FailOn::Loss, Some(comparison)) => comparison.fails_more(),
            (FailOn::Loss, None) => asked.summary.silent > 0,
        };
        if failed {
            let what = match what {
                FailOn::Regression => "a regression",
                FailOn::Loss => "a loss",
            };
            return Err(Failure::Worse(format!("{}: {what}, as --fail-on forbids", asked.label)));
        }
    }
    Ok(())
}
