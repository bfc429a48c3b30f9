//! The command line of Zoners: parse, call, print.

// These panic where nothing can be written; `output` does not.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod check;
mod control;
#[cfg(feature = "demo")]
mod demo;
mod lookup;
mod manual;
mod output;
mod print;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use output::eprintln;

/// A miss allocates some forty times; see "Decisions" in ARCHITECTURE.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The DNS server that a machine can rely on all day.
#[derive(Debug, Parser)]
#[command(version, about, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Resolve names in this process, from the root servers down, and print what was found.
    Lookup(lookup::Arguments),
    /// Serve clients over UDP and TCP.
    Serve(serve::Arguments),
    /// Serve a simulated Internet with a dozen names to try; needs no network.
    #[cfg(feature = "demo")]
    Demo(demo::Arguments),
    /// Say how the running daemon is doing.
    Status(control::Figures),
    /// Print every counter of the running daemon.
    Stats(control::Figures),
    /// Say what the running daemon knows of the servers of a zone, or of all.
    Servers(control::Servers),
    /// See to the running daemon's cache.
    Cache(control::Cache),
    /// Let zones whose owners made a mistake go unvalidated for a while.
    Nta(control::Nta),
    /// Measure servers, or a resolver in this process, and compare with before.
    Bench(Box<bench::Arguments>),
    /// Check a configuration file, and say what is wrong with it.
    Check(check::Arguments),
    /// Print a script that completes commands in a shell.
    Completions(manual::Completions),
    /// Write manual pages.
    Manual(manual::Manual),
}

const EXAMPLES: &str = "\
Examples:
  zoners serve                            serve on port 53 of this machine
  zoners serve --config zoners.toml       serve as a file says
  zoners lookup example.com               find its addresses
  zoners lookup example.com MX --trace    find its mail servers, hop by hop
  zoners demo                             see it work without a network
  zoners stats                            what the running daemon has counted
  zoners servers example.com              what is known of the zone's servers
  zoners cache lookup example.com         what it knows of a name
  zoners cache flush example.com          let it forget a name
  zoners nta add example.com --for 7200   take it as it comes for two hours
  zoners bench --in-process               measure it on a thousand names
  zoners check zoners.toml                see whether a file is right

Exit codes:
  0  done, or the name was resolved
  1  no answer could be had, or serving ended with an error: it may work out later
  2  the command line or the configuration is wrong
  3  the name does not exist
  4  `bench` found what its --fail-on names
  5  `check` found what `serve` would pass over
As shells tell of signals: 130 after Ctrl-C, 141 if nobody read the output";

/// Why a command ended without success.
#[derive(Debug)]
enum Failure {
    /// It did not work out.
    Failed(String),
    /// The person who called must change something.
    Usage(String),
    /// The name does not exist; that was said already.
    NoSuchName,
    /// There is no answer; that was said already.
    NoAnswer,
    /// What was measured is worse than allowed.
    Worse(String),
    /// The person who called had enough.
    Interrupted,
    /// Whoever read the output had enough.
    Unread,
    /// What was wrong was said already; this is the exit code.
    Told(u8),
}

impl Failure {
    /// What is still to be said.
    fn message(&self) -> Option<&str> {
        match self {
            Failure::Failed(message) | Failure::Usage(message) | Failure::Worse(message) => {
                Some(message)
            }
            Failure::NoSuchName
            | Failure::NoAnswer
            | Failure::Interrupted
            | Failure::Unread
            | Failure::Told(_) => None,
        }
    }

    /// The exit code.
    fn code(&self) -> u8 {
        match self {
            Failure::Failed(_) | Failure::NoAnswer => 1,
            Failure::Usage(_) => 2,
            Failure::NoSuchName => 3,
            Failure::Worse(_) => 4,
            // As shells tell of SIGINT and SIGPIPE.
            Failure::Interrupted => 130,
            Failure::Unread => 141,
            Failure::Told(code) => *code,
        }
    }
}

fn main() -> ExitCode {
    let ended = match Arguments::try_parse() {
        Ok(arguments) => run(arguments.command),
        Err(error) => explain(&error),
    };
    match ended.and_then(|()| output::is_whole()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                eprintln!("{}", print::error(message));
            }
            ExitCode::from(failure.code())
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Lookup(arguments) => lookup::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        #[cfg(feature = "demo")]
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Status(arguments) => control::figures(&arguments, "status"),
        Command::Stats(arguments) => control::figures(&arguments, "stats"),
        Command::Servers(arguments) => control::servers(&arguments),
        Command::Cache(arguments) => control::cache(&arguments),
        Command::Nta(arguments) => control::nta(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Completions(arguments) => manual::completions(&arguments),
        Command::Manual(arguments) => manual::manual(&arguments),
    }
}

/// Prints the help or the version that was asked for, or what is wrong with the command line.
fn explain(error: &clap::Error) -> Result<(), Failure> {
    if error.use_stderr() {
        let _ = error.print();
        return Err(Failure::Told(2));
    }
    output::with(|| error.print());
    Ok(())
}

/// The configuration in `file`, or the defaults.
fn configuration(file: Option<&PathBuf>) -> Result<zoners_server::Config, Failure> {
    match file {
        Some(path) => {
            zoners_server::Config::load(path).map_err(|error| Failure::Usage(error.to_string()))
        }
        None => Ok(zoners_server::Config::default()),
    }
}
