//! The command line of Zoners: parse, call, print.

// These panic on write errors; `output` does not.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod any_network;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod arrivals;
mod bench;
mod check;
mod config_file;
mod control;
#[cfg(feature = "demo")]
mod demo;
mod dns_server;
mod doctor;
#[cfg(test)]
mod help_tests;
mod import;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod install;
mod logging;
mod lookup;
mod machine_dns;
mod manual;
mod mistakes;
mod output;
mod overview;
mod phone;
mod print;
mod serve;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod system_dns;
mod tls;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use output::eprintln;

/// A miss allocates some forty times; see D8 in `docs/decisions.md`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Zoners finds the addresses behind names such as example.com.
///
/// Zoners asks the servers of the Internet directly, from the root down, instead of the resolver of your provider;
/// checks their signatures (DNSSEC), and remembers the answers. Without a command, Zoners describes the setup of this
/// machine and the next steps.
#[derive(Debug, Parser)]
#[command(name = "zoners", version, after_help = EXAMPLES)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look up a name, as with dig: addresses or other records, and whether the answer is proven.
    Lookup(Box<lookup::LookupArguments>),
    /// Answer the DNS queries of this machine or network, until Ctrl-C or a signal.
    Serve(Box<serve::ServeArguments>),
    /// Try Zoners on a simulated Internet with a dozen names; needs no network.
    #[cfg(feature = "demo")]
    Demo(demo::DemoArguments),
    /// Show how the running daemon is doing: whether names resolve, problems, and advice.
    Status(control::status::StatusArguments),
    /// Show the counters of the running daemon, each with an explanation.
    Stats(control::stats::StatsArguments),
    /// Print every figure of the running daemon for monitoring programs such as Prometheus.
    Metrics(control::metrics::MetricsArguments),
    /// Show the queries of clients as they end: client, question, outcome and reason.
    Watch(control::watch::WatchArguments),
    /// Show what happens now, as a moving picture: queries, waits, slow names, servers at fault, clients.
    Top(control::top::TopArguments),
    /// Show why a name was slow or failed: the cause in a sentence, and each server on the way.
    Why(control::why::WhyArguments),
    /// Show the slowest names, providers and servers of the last hour, with the cause.
    Slow(control::troubles::TroubleArguments),
    /// Show the names that failed in the last hour, with the cause.
    Failures(control::troubles::TroubleArguments),
    /// Show which latencies have changed, and since when: of providers, of the line, of the resolver.
    Trend(control::trend::TrendArguments),
    /// Forget past resolutions and latencies.
    History(control::troubles::HistoryArguments),
    /// Show the queries of the query log: search, follow, or print them for other programs.
    Log(control::log::LogArguments),
    /// Open the dashboard in a browser: how the daemon is doing, queries as they end, policy, network.
    Dashboard(control::dashboard::DashboardArguments),
    /// Make, list and end tokens for programs that ask over HTTP.
    Token(control::token::TokenArguments),
    /// Show the measurements of servers in the running daemon: of a zone, or of every zone.
    Servers(control::servers::ServersArguments),
    /// Show the networks of this machine: links, their resolvers and domains, and the names that they answer.
    Network(control::network::NetworkArguments),
    /// Show, empty, save or load the cache of the running daemon.
    Cache(control::cache::CacheArguments),
    /// Let the running daemon read the configuration again, and show the faults.
    Reload(control::reload::ReloadArguments),
    /// Let a new daemon take over from the running one, as after an upgrade, without a query lost.
    Restart(control::restart::RestartArguments),
    /// Check whether the running daemon answers and resolves, for Docker and monitoring.
    Healthcheck(control::healthcheck::HealthcheckArguments),
    /// Find out whose fault it is that names do not resolve: machine, settings, router, provider or other side.
    Doctor(Box<doctor::DoctorArguments>),
    /// Skip DNSSEC validation for a zone whose owner made a mistake, for a time.
    Nta(control::nta::NtaArguments),
    /// Show which rule blocks or allows a name, the lists in force, and what a list would block; pause blocking.
    Policy(control::policy::PolicyArguments),
    /// Make Zoners the resolver of this machine: a service, and the DNS settings; undone by `uninstall`.
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    Install(install::InstallArguments),
    /// Undo `install`: everything is as before, to the octet.
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    Uninstall(install::UninstallArguments),
    /// Take the DNS settings of this machine while Zoners answers, and release them else; for the service.
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    #[command(hide = true)]
    SystemDns(Box<system_dns::SystemDnsArguments>),
    /// Make a certificate for encrypted transports, signed by a private authority (CA).
    Tls(tls::TlsArguments),
    /// Put a phone on this server: a QR code, a profile for devices of Apple, and the steps for Android.
    Phone(phone::PhoneArguments),
    /// Measure how fast names resolve, here or by any server, and compare with before.
    Bench(Box<bench::BenchArguments>),
    /// Check a configuration file, and show each fault.
    Check(check::CheckArguments),
    /// Write a configuration with the settings of another server, and tell what has no counterpart.
    Import(import::ImportArguments),
    /// Print a script for the completion of commands in a shell.
    Completions(manual::Completions),
    /// Write the manual pages.
    Manual(manual::Manual),
}

const EXAMPLES: &str = "\
Examples:
  sudo zoners install                     make it the resolver of this machine
  zoners serve                            answer queries on port 53 of this machine
  zoners lookup example.com               find its addresses
  zoners lookup example.com MX +short     find its mail servers, names alone
  zoners lookup @1.1.1.1 example.com      ask a server of your choice
  zoners lookup example.com +trace        see every server on the way
  zoners demo                             try it without a network
  zoners status                           see how the running daemon is doing
  zoners network                          see resolvers and domains of this network
  sudo zoners doctor                      find out whose fault it is
  zoners watch --failed                   see which queries fail, as they come
  zoners top                              see what happens now
  zoners why example.com                  see why it was slow, or failed
  zoners slow                             see the slowest names of the last hour
  zoners cache flush example.com          let it forget a name
  zoners bench --in-process               measure it on a thousand names
  zoners check zoners.toml                see whether a configuration is right

Configuration: /etc/zoners/zoners.toml or ~/.config/zoners/zoners.toml; none is needed.

Exit codes:
  0  done, or the name was resolved
  1  no answer could be had, or serving ended with an error: it may work out later
     (`healthcheck`: the daemon does not answer, or does not resolve)
  2  the command line or the configuration is wrong
  3  the name does not exist
  4  `bench` found what its --fail-on names
  5  `check` found what `serve` would pass over
  10 to 14  `doctor` found a fault: of the machine, settings, router, provider, other side
As shells tell of signals: 130 after Ctrl-C, 141 if nobody read the output";

/// Why a command ended without success.
#[derive(Debug)]
enum Failure {
    /// The command failed.
    Failed(String),
    /// The user must change the call.
    Usage(String),
    /// The name does not exist; the message was printed.
    NoSuchName,
    /// There is no answer; the message was printed.
    NoAnswer,
    /// The measured values are worse than allowed.
    Worse(String),
    /// The user interrupted the command.
    Interrupted,
    /// The reader of the output has gone.
    Unread,
    /// The message was printed; the exit code remains.
    Told(u8),
}

impl Failure {
    /// The message to be printed.
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
    let ended = match CommandLine::try_parse() {
        Ok(CommandLine { command: Some(command) }) => run(command),
        Ok(CommandLine { command: None }) => overview::run(),
        Err(error) => explain(error),
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
        Command::Status(arguments) => control::status::run(&arguments),
        Command::Stats(arguments) => control::stats::run(&arguments),
        Command::Metrics(arguments) => control::metrics::run(&arguments),
        Command::Watch(arguments) => control::watch::run(&arguments),
        Command::Top(arguments) => control::top::run(&arguments),
        Command::Why(arguments) => control::why::run(&arguments),
        Command::Slow(arguments) => control::troubles::run(&arguments, false),
        Command::Failures(arguments) => control::troubles::run(&arguments, true),
        Command::Trend(arguments) => control::trend::run(&arguments),
        Command::History(arguments) => control::troubles::history(&arguments),
        Command::Log(arguments) => control::log::run(&arguments),
        Command::Dashboard(arguments) => control::dashboard::run(&arguments),
        Command::Token(arguments) => control::token::run(&arguments),
        Command::Servers(arguments) => control::servers::run(&arguments),
        Command::Network(arguments) => control::network::run(&arguments),
        Command::Cache(arguments) => control::cache::run(&arguments),
        Command::Reload(arguments) => control::reload::run(&arguments),
        Command::Restart(arguments) => control::restart::run(&arguments),
        Command::Healthcheck(arguments) => control::healthcheck::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Nta(arguments) => control::nta::run(&arguments),
        Command::Policy(arguments) => control::policy::run(&arguments),
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        Command::Install(arguments) => install::install(&arguments),
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        Command::Uninstall(arguments) => install::uninstall(&arguments),
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        Command::SystemDns(arguments) => system_dns::run(&arguments),
        Command::Tls(arguments) => tls::run(&arguments),
        Command::Phone(arguments) => phone::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Completions(arguments) => manual::completions(&arguments),
        Command::Manual(arguments) => manual::manual(&arguments),
    }
}

/// Prints the requested help or version, or the fault of the command line.
fn explain(error: clap::Error) -> Result<(), Failure> {
    if error.use_stderr() {
        let _ = mistakes::with_hint(error).print();
        return Err(Failure::Told(2));
    }
    output::with(|| error.print());
    Ok(())
}
