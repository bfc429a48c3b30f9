//! `zoners lookup`

use std::path::PathBuf;

use zoners_api::{AdminReply, AdminRequest, LookupReport};
use zoners_dns::Question;
use zoners_server::config::ConfigError;
use zoners_server::daemon::Configured;
use zoners_server::{control, report};

use crate::config_file::ConfigFile;
use crate::control::Socket;
use crate::output::println;
use crate::{Failure, print};

/// Arguments of `zoners lookup`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  zoners lookup www.example.com
  zoners lookup example.com MX TXT
  zoners lookup example.com HTTPS --trace
  zoners lookup example.com TYPE65280 --json")]
pub(crate) struct LookupArguments {
    /// The name.
    name: String,
    /// Types of records, such as A, MX, HTTPS or TYPE65280.
    #[arg(value_name = "TYPE", default_values = ["A", "AAAA"])]
    types: Vec<String>,
    /// Show every hop: who was asked what, and what came back.
    #[arg(long)]
    trace: bool,
    /// Print one JSON object a question.
    #[arg(long)]
    json: bool,
    /// Let the running daemon resolve, with all that it knows.
    #[arg(long)]
    server: bool,
    /// The daemon's control socket, as for `zoners status`.
    #[arg(long, value_name = "FILE", requires = "server")]
    control: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
}

pub(crate) fn run(arguments: &LookupArguments) -> Result<(), Failure> {
    let (mut failed, mut gone) = (false, false);
    for report in resolve_all(arguments)? {
        failed |= report.rcode == "SERVFAIL";
        gone |= report.rcode == "NXDOMAIN";
        show(arguments, report);
    }
    match (failed, gone) {
        (true, _) => Err(Failure::NoAnswer),
        (false, true) => Err(Failure::NoSuchName),
        (false, false) => Ok(()),
    }
}

/// The end of each question, with its trace.
fn resolve_all(arguments: &LookupArguments) -> Result<Vec<LookupReport>, Failure> {
    let question =
        |rtype: &String| control::question(&arguments.name, rtype).map_err(Failure::Usage);
    let questions = arguments.types.iter().map(question).collect::<Result<Vec<_>, _>>()?;
    if arguments.server {
        let socket = Socket::new(arguments.control.clone(), arguments.config.path());
        let ask = |question: &Question| {
            let name = question.name.fmt_with_dot().to_string();
            let rtype = question.rtype.to_string();
            socket.request(&AdminRequest::Lookup { name, r#type: rtype })
        };
        return questions.iter().map(ask).collect();
    }
    let wrong = |error: ConfigError| Failure::Usage(error.to_string());
    let configured = Configured::new(arguments.config.load()?.0).map_err(wrong)?;
    let service = configured.service();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let resolve = |question: &Question| runtime.block_on(report::look_up(&service, question));
    Ok(questions.iter().map(resolve).collect())
}

fn show(arguments: &LookupArguments, report: LookupReport) {
    if arguments.json {
        let trace = report.trace.filter(|_| arguments.trace);
        return println!("{}", AdminReply::from(LookupReport { trace, ..report }).to_line());
    }
    if arguments.trace {
        print::trace(&report);
    }
    print::resolution(&report);
}
