//! `zoners stats`: every counter, by subject, with an explanation.

use zoners_api::words::grouped;
use zoners_api::{AdminReply, AdminRequest, CounterStats};
use zoners_dns::{Counter, CounterGroup};

use super::Socket;
use super::status::span;
use crate::Failure;
use crate::output::{self, println};
use crate::print::{BOLD, DIM, wrapped};

/// Arguments of `zoners stats`.
#[derive(Debug, clap::Args)]
pub(crate) struct StatsArguments {
    /// Show counters that are zero, too.
    #[arg(long)]
    all: bool,
    /// Print one JSON object, with all counters.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(crate) fn run(arguments: &StatsArguments) -> Result<(), Failure> {
    let stats: CounterStats = arguments.socket.request(&AdminRequest::Stats {})?;
    if arguments.json {
        println!("{}", AdminReply::from(stats).to_line());
    } else {
        let lines = page(&stats, arguments.all, output::width());
        lines.iter().for_each(|line| println!("{line}"));
    }
    Ok(())
}

/// The counters in lines of at most `width` columns.
pub(super) fn page(stats: &CounterStats, all: bool, width: usize) -> Vec<String> {
    let counted = |counter: &Counter| stats.counters.get(counter.name()).copied();
    let shown = |counter: &&Counter| counted(counter).is_some_and(|count| all || count > 0);
    let columns = Columns::of(Counter::ALL.iter().filter(shown), counted, width);
    let mut lines = vec![format!("Counted in {}:", span(stats.uptime_s))];
    for group in CounterGroup::ALL {
        let counters: Vec<&Counter> =
            Counter::ALL.iter().filter(|counter| counter.group() == *group).filter(shown).collect();
        if !counters.is_empty() {
            lines.push(String::new());
            lines.push(format!("{BOLD}{}{BOLD:#}", group.title()));
        }
        let rows = |counter: &&Counter| columns.rows(**counter, counted(counter).unwrap_or(0));
        lines.extend(counters.iter().flat_map(rows));
    }
    if !all {
        lines.push(String::new());
        let zero = wrapped("Counters that are zero are not shown; --all shows them.", width);
        lines.extend(zero.iter().map(|line| format!("{DIM}{line}{DIM:#}")));
    }
    lines
}

/// The widths of the columns.
struct Columns {
    count: usize,
    name: usize,
    help: usize,
}

impl Columns {
    /// The least width for a sentence beside a counter; on a narrower terminal the sentence goes below.
    const MIN_HELP: usize = 30;

    fn of<'a>(
        shown: impl Iterator<Item = &'a Counter>,
        counted: impl Fn(&Counter) -> Option<u64>,
        width: usize,
    ) -> Self {
        let (mut count, mut name) = (1, 1);
        for counter in shown {
            count = count.max(grouped(counted(counter).unwrap_or(0)).len());
            name = name.max(counter.name().len());
        }
        Columns { count, name, help: width.saturating_sub(count + name + 6) }
    }

    /// A counter in a row, or in several rows if the sentence is long.
    fn rows(&self, counter: Counter, count: u64) -> Vec<String> {
        let Columns { count: digits, name: letters, help } = *self;
        let (count, name) = (grouped(count), counter.name());
        if help < Self::MIN_HELP {
            let below = wrapped(counter.help(), (help + letters).max(20));
            let indent = digits + 4;
            let below = below.iter().map(|line| format!("{:indent$}{DIM}{line}{DIM:#}", ""));
            return [format!("  {count:>digits$}  {name}")].into_iter().chain(below).collect();
        }
        let head = [(count.as_str(), name)].into_iter().chain(std::iter::repeat(("", "")));
        let row = |((count, name), help): ((&str, &str), String)| {
            format!("  {count:>digits$}  {name:<letters$}  {DIM}{help}{DIM:#}")
        };
        head.zip(wrapped(counter.help(), help)).map(row).collect()
    }
}
