//! The plan of a run, made from the arguments, or the fault of the arguments.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use zoners_bench::names::Format;
use zoners_bench::{LoadShape, NameList, Plan};
use zoners_dns::Rtype;
use zoners_server::config::values::duration;

use super::server::ServerTarget;
use crate::Failure;

/// The default limits of questions per second, for a public server and for a server nearby:
/// tolerable for a home uplink and for public servers.
const PACES: [f64; 2] = [50.0, 200.0];
/// Questions per second outside the measurement, if there is no limit.
const UNPACED: f64 = 1000.0;
/// The limit of questions per second without `--i-run-this-server`.
const MOST_UNASKED: f64 = 100.0;
/// The fastest accepted rate.
const FASTEST: f64 = 20_000.0;
/// The default duration in seconds of a closed loop, and of an open loop.
const TIMES: [u64; 2] = [900, 30];

/// The request.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What is asked")]
pub(super) struct What {
    /// A file of names, `-` for standard input; without a file, a thousand popular names.
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,
    /// What that file is.
    #[arg(long, value_enum, default_value_t, requires = "names")]
    format: FileFormat,
    /// Only the first so many names.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
    /// Types of records, asked together as a browser does.
    #[arg(long, value_name = "TYPE,…", value_delimiter = ',', default_value = "A,AAAA,HTTPS")]
    types: Vec<String>,
}

/// How names lie in a file.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum FileFormat {
    /// One name a line, `#` begins a comment
    #[default]
    List,
    /// The query log of dnsmasq, Pi-hole, Unbound or BIND
    QueryLog,
    /// The history or bookmarks that a browser exported
    History,
}

/// How it is asked.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "How it is asked")]
pub(super) struct How {
    /// How often the list is gone through.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How often a name is asked again, right after.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=100))]
    repeats: u32,
    /// Names under way at a time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    in_flight: u32,
    /// Questions a second of each server, at most; 0 is as fast as they are answered. By default 50 for a public
    /// server, 200 for a server nearby.
    #[arg(long, value_name = "Q", allow_negative_numbers = true)]
    pace: Option<f64>,
    /// Ask at this rate without waiting for answers, such as 200 questions a second of each server;
    /// 100..5000 is a ramp, which finds the rate at which answers are lost or slow. Each name is asked
    /// once before.
    #[arg(long, value_name = "Q|FROM..TO", conflicts_with_all = ["rounds", "repeats"])]
    rate: Option<Rate>,
    /// Send nothing to the first router; without this option the distance to the router is measured and kept with
    /// the run.
    #[arg(long)]
    pub(super) no_gateway: bool,
    /// I may ask these servers more than 100 questions a second.
    #[arg(long)]
    i_run_this_server: bool,
    /// The time after which a question has failed, such as 800ms or 5s, at most 60s. A bare number is milliseconds.
    #[arg(long, default_value = "5s", value_parser = milliseconds)]
    pub(super) timeout: u64,
    /// The time after which the run ends with the results so far, such as 90s or 2h. The default is 15min, or 30s
    /// at a rate.
    #[arg(long, value_parser = seconds)]
    time: Option<u64>,
}

/// The milliseconds of a timeout: a number, or a duration with a unit.
fn milliseconds(text: &str) -> Result<u64, String> {
    let bare = text.parse().map(Duration::from_millis).ok();
    let timeout = bare.or_else(|| duration(text)).map(|timeout| timeout.as_millis() as u64);
    timeout.filter(|millis| (1..=60_000).contains(millis)).ok_or_else(|| {
        "must be a duration from 1ms to 60s, such as 800ms or 5s, or a number of milliseconds"
            .to_owned()
    })
}

/// The seconds of a run: a number, or a duration with a unit.
fn seconds(text: &str) -> Result<u64, String> {
    let time = duration(text).filter(|time| time.subsec_nanos() == 0).map(|time| time.as_secs());
    time.filter(|seconds| (1..=86_400).contains(seconds)).ok_or_else(|| {
        "must be a duration from 1s to 1d, such as 90s or 2h, or a number of seconds".to_owned()
    })
}

/// Questions per second, at the start and at the end.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rate(f64, f64);

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let rate =
            |text: &str| text.parse::<f64>().ok().filter(|rate| (1.0..=FASTEST).contains(rate));
        match (rate(from), rate(to)) {
            (Some(from), Some(to)) if from <= to => Ok(Rate(from, to)),
            _ => Err(format!(
                "a rate from 1 to {FASTEST}, such as 200, or a ramp, such as 100..5000"
            )),
        }
    }
}

impl What {
    /// The names to ask.
    pub(super) fn names(&self) -> Result<NameList, Failure> {
        let mut names = match &self.names {
            None => NameList::popular().map_err(|error| Failure::Usage(error.to_string()))?,
            Some(path) => read(path, self.format)
                .map_err(|why| Failure::Usage(format!("--names {}: {why}", path.display())))?,
        };
        names.truncate(self.count.map_or(usize::MAX, |count| count as usize));
        Ok(names)
    }

    fn types(&self) -> Result<Vec<Rtype>, Failure> {
        let rtype = |text: &String| {
            text.to_ascii_uppercase().parse::<Rtype>().map_err(|_| {
                Failure::Usage(format!("--types: {text:?} is no type, such as A or HTTPS"))
            })
        };
        self.types.iter().map(rtype).collect()
    }
}

fn read(path: &Path, format: FileFormat) -> Result<NameList, String> {
    let (mut octets, is_input) = (Vec::new(), path == Path::new("-"));
    let read = match is_input {
        true => std::io::stdin().lock().read_to_end(&mut octets).map(drop),
        false => std::fs::read(path).map(|read| octets = read),
    };
    read.map_err(|error| error.to_string())?;
    // A log may have octets that are no UTF-8; names are ASCII.
    let text = String::from_utf8_lossy(&octets);
    let source = if is_input { "standard input".into() } else { path.display().to_string() };
    let format = match format {
        FileFormat::List => Format::List,
        FileFormat::QueryLog => Format::QueryLog,
        FileFormat::History => Format::History,
    };
    NameList::read(&text, format, &source).map_err(|error| error.to_string())
}

/// The parts of a run: a closed loop over the names, and perhaps an open loop at a rate.
pub(super) struct Plans {
    /// First asks, and repeats unless a rate follows.
    pub(super) closed: Plan,
    /// At a rate; everything was asked before.
    pub(super) open: Option<Plan>,
    /// For a person.
    pub(super) load: String,
    /// Questions per second outside the measurement.
    pub(super) pace: f64,
}

/// The plans for `servers`, and perhaps further targets.
pub(super) fn plans(
    what: &What,
    how: &How,
    names: &NameList,
    servers: &[ServerTarget],
    targets: usize,
) -> Result<Plans, Failure> {
    let near = servers.iter().all(ServerTarget::is_near);
    if !near && !how.i_run_this_server {
        how.is_bearable().map_err(Failure::Usage)?;
    }
    let pace = how.pace.unwrap_or(PACES[usize::from(near)]);
    if !(0.0..=FASTEST).contains(&pace) {
        return Err(Failure::Usage(format!("--pace: from 0 to {FASTEST} questions a second")));
    }
    let at_once = how.in_flight as usize;
    let time = how.time.unwrap_or(TIMES[usize::from(how.rate.is_some())]);
    let repeats = if how.rate.is_some() { 0 } else { how.repeats as usize };
    let closed = Plan {
        names: names.list.clone().into(),
        types: what.types()?,
        rounds: how.rounds as usize,
        repeats,
        again: false,
        load: LoadShape::Closed { names: at_once, pace: (pace > 0.0).then_some(pace) },
        timeout: Duration::from_millis(how.timeout),
        time: Duration::from_secs(how.time.unwrap_or(TIMES[0])),
    };
    let open = how.rate.map(|Rate(from, to)| {
        let all = targets as f64;
        let load = LoadShape::Open { from: from * all, to: to * all };
        Plan { again: true, load, time: Duration::from_secs(time), ..closed.clone() }
    });
    let paced =
        if pace > 0.0 { format!(", at most {pace} questions a second") } else { String::new() };
    let load = match how.rate {
        Some(Rate(from, to)) if from < to => {
            format!(
                "from {from} to {to} questions a second in {time} s, each name asked once before"
            )
        }
        Some(Rate(rate, _)) => {
            format!("{rate} questions a second for {time} s, each name asked once before")
        }
        None => {
            format!("{at_once} names in flight{paced}; rounds: {}, repeats: {repeats}", how.rounds)
        }
    };
    Ok(Plans { closed, open, load, pace: if pace > 0.0 { pace } else { UNPACED } })
}

impl How {
    /// Whether public servers may be asked at this rate.
    fn is_bearable(&self) -> Result<(), String> {
        let rate = self.rate.map(|Rate(_, to)| to);
        let pace = self.pace.map(|pace| if pace == 0.0 { f64::INFINITY } else { pace });
        match rate.into_iter().chain(pace).find(|rate| *rate > MOST_UNASKED) {
            None => Ok(()),
            Some(_) => Err(format!(
                "more than {MOST_UNASKED} questions a second are too many for a server that is neither on \
                 this machine nor on a private network; ask more slowly, or say --i-run-this-server"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_or_are_what_they_were() {
        for (text, millis) in [("5000", 5000), ("5s", 5000), ("800ms", 800), ("1min", 60_000)] {
            assert_eq!(milliseconds(text), Ok(millis), "{text}");
        }
        for (text, expected) in [("90", 90), ("15min", 900), ("2h", 7200)] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        assert!(["0", "61s", "soon", "-1"].into_iter().all(|text| milliseconds(text).is_err()));
        assert!(["0", "2d", "800ms", "soon"].into_iter().all(|text| seconds(text).is_err()));
    }

    #[test]
    fn rates_are_read() {
        assert_eq!("200".parse(), Ok(Rate(200.0, 200.0)));
        assert_eq!("100..5000".parse(), Ok(Rate(100.0, 5000.0)));
        for wrong in ["", "0", "-5", "nan", "5000..100", "20001", "1..", "a..b"] {
            let told = wrong.parse::<Rate>().unwrap_err();
            assert!(told.contains("such as 200"), "{wrong}: {told}");
        }
    }
}
