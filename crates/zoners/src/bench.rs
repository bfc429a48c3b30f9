//! `zoners bench`

mod targets;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anstream::println;
use zoners_bench::names::Format;
use zoners_bench::{
    Comparison, Environment, Figures, Load, Names, Plan, Record, Stop, Store, Summary, Target,
    Verdict,
};
use zoners_dns::Rtype;

use crate::{Failure, configuration};
use targets::{InProcess, Server};

/// Questions a second that a server is asked at most: what a home line and a public server can bear.
const PACE: f64 = 50.0;

/// Arguments of `zoners bench`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  zoners bench --in-process
  zoners bench --server 127.0.0.1 --server tcp://192.0.2.1 --count 200
  zoners bench --in-process --save before
  zoners bench --in-process --against before")]
pub(crate) struct Arguments {
    /// A server to ask, such as 192.0.2.1 or tcp://192.0.2.1:53; may be given several times.
    #[arg(long, value_name = "ADDRESS", required_unless_present = "in_process")]
    server: Vec<String>,
    /// Ask a resolver in this process, which begins with an empty cache.
    #[arg(long)]
    in_process: bool,
    /// The configuration of the resolver in this process.
    #[arg(long, value_name = "FILE", requires = "in_process")]
    config: Option<PathBuf>,
    /// A file of names, one a line; without it, a thousand that are widely asked for.
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,
    /// Only the first so many names.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
    /// Types of records, asked together.
    #[arg(long, value_name = "TYPE,…", value_delimiter = ',', default_value = "A,AAAA,HTTPS")]
    types: Vec<String>,
    /// How often the list is gone through.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How often a name is asked again, right after.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=100))]
    repeats: u32,
    /// Names under way at a time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    in_flight: u32,
    /// Milliseconds after which a question has failed.
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    timeout: u64,
    /// Seconds after which it ends with what it has.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..))]
    time: u64,
    /// Keep what was measured under a name.
    #[arg(long, value_name = "NAME")]
    save: Option<String>,
    /// Compare with what was kept.
    #[arg(long, value_name = "NAME")]
    against: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let store = Store::new(&folder()?);
    let before = arguments.against.as_ref().map(|name| store.load(name));
    let before = before.transpose().map_err(|error| wrong(&error))?;
    let names = names(arguments)?;
    let plan = plan(arguments, &names)?;
    let targets = targets(arguments)?;
    let environment = Environment {
        time: SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
        version: env!("CARGO_PKG_VERSION").into(),
        ..Environment::default()
    };
    let mut record = Record {
        names: names.list.iter().map(ToString::to_string).collect(),
        source: names.source.clone(),
        fingerprint: names.fingerprint(),
        types: plan.types.iter().map(|rtype| rtype.to_int()).collect(),
        targets: targets.iter().map(|target| target.label().to_owned()).collect(),
        load: format!("{} names in flight", arguments.in_flight),
        timeout_ms: arguments.timeout,
        ..Record::new(environment, Vec::new())
    };
    if let Some(before) = &before {
        record.comparable(before).map_err(|error| wrong(&error))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let (watcher, stop) = (Arc::new(()), Stop::default());
    record.samples = runtime.block_on(zoners_bench::run::run(plan, targets, watcher, stop));
    if !record.samples.iter().any(|sample| sample.ending.is_good()) {
        let text = "not one question was answered: are the servers reachable from here?";
        return Err(Failure::Usage(text.into()));
    }
    show(&record, before.as_ref());
    if let Some(name) = &arguments.save {
        let path = store.save(name, &record).map_err(|error| Failure::Failed(error.to_string()))?;
        println!("saved as {name:?} in {}", path.display());
    }
    Ok(())
}

/// Where baselines lie.
fn folder() -> Result<PathBuf, Failure> {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/state"));
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).or_else(home);
    let none =
        || Failure::Usage("neither XDG_STATE_HOME nor HOME says where to keep baselines".into());
    state.map(|state| state.join("zoners/bench")).ok_or_else(none)
}

fn names(arguments: &Arguments) -> Result<Names, Failure> {
    let read = match &arguments.names {
        None => Names::popular().map_err(|error| error.to_string()),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| error.to_string())
            .and_then(|text| {
                let source = path.display().to_string();
                Names::read(&text, Format::List, &source).map_err(|error| error.to_string())
            })
            .map_err(|error| format!("{}: {error}", path.display())),
    };
    let mut names = read.map_err(Failure::Usage)?;
    names.truncate(arguments.count.map_or(usize::MAX, |count| count as usize));
    Ok(names)
}

fn plan(arguments: &Arguments, names: &Names) -> Result<Plan, Failure> {
    let rtype = |text: &String| {
        let unknown =
            || Failure::Usage(format!("--types: {text:?} is no type, such as A or HTTPS"));
        text.to_ascii_uppercase().parse::<Rtype>().map_err(|_| unknown())
    };
    Ok(Plan {
        names: names.list.clone().into(),
        types: arguments.types.iter().map(rtype).collect::<Result<_, _>>()?,
        rounds: arguments.rounds as usize,
        repeats: arguments.repeats as usize,
        load: Load::Closed { names: arguments.in_flight as usize, pace: Some(PACE) },
        timeout: Duration::from_millis(arguments.timeout),
        time: Duration::from_secs(arguments.time),
    })
}

fn targets(arguments: &Arguments) -> Result<Vec<Arc<dyn Target>>, Failure> {
    let mut targets: Vec<Arc<dyn Target>> = Vec::new();
    for server in &arguments.server {
        targets.push(Arc::new(Server::new(server).map_err(Failure::Usage)?));
    }
    if arguments.in_process {
        let config = configuration(arguments.config.as_ref())?;
        let own = InProcess::new(config).map_err(|error| Failure::Usage(error.to_string()))?;
        targets.push(Arc::new(own));
    }
    Ok(targets)
}

fn show(record: &Record, before: Option<&Record>) {
    let penalty = |record: &Record| Duration::from_millis(record.timeout_ms);
    for (at, target) in record.targets.iter().enumerate() {
        let summary = Summary::of(&record.samples, at as u16, penalty(record));
        println!("{target}: {} names, {} questions", summary.domains.len(), summary.all.count);
        println!(
            "  {:<8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}  failed",
            "ms", "mean", "p50", "p90", "p95", "p99", "max"
        );
        line("first", &summary.cold);
        line("again", &summary.warm);
        for (failure, count) in &summary.failures {
            println!("  {count} x {failure}");
        }
        if let Some(before) = before {
            let earlier = Summary::of(&before.samples, at as u16, penalty(before));
            told(&Comparison::of(&earlier, &summary));
        }
    }
}

fn line(what: &str, figures: &Figures) {
    if figures.count > 0 {
        let Figures { mean, p50, p90, p95, p99, max, failed, .. } = figures;
        println!(
            "  {what:<8}{mean:>8.1}{p50:>8.1}{p90:>8.1}{p95:>8.1}{p99:>8.1}{max:>8.1}  {failed}"
        );
    }
}

fn told(comparison: &Comparison) {
    let verdict = match comparison.verdict {
        Verdict::Improved => "improved",
        Verdict::Regressed => "regressed",
        Verdict::NoChange => "no significant change",
        Verdict::Mixed => "some quicker, some slower",
    };
    println!("  against the baseline, {} names: {verdict}", comparison.pairs);
    for (what, change) in [("first", &comparison.cold), ("again", &comparison.warm)] {
        let Some(change) = change else { continue };
        let share = |value: f64| (value - 1.0) * 100.0;
        println!(
            "  {what}: typically {:+.1} % ({:+.1} to {:+.1}), mean {:+.1} ms ({:+.1} to {:+.1})",
            share(change.typical.value),
            share(change.typical.low),
            share(change.typical.high),
            change.mean.value,
            change.mean.low,
            change.mean.high
        );
    }
}
