//! `zoners lookup`

use std::path::PathBuf;
use std::sync::Arc;

use zoners_dns::{OptRcode, Question, Rtype, name};
use zoners_resolver::{Trace, worker::Resolution};
use zoners_server::config::ConfigError;
use zoners_server::daemon::Daemon;

use crate::{Failure, configuration, print};

/// Arguments of `zoners lookup`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  zoners lookup www.example.com
  zoners lookup example.com MX TXT
  zoners lookup example.com HTTPS --trace
  zoners lookup example.com TYPE65280 --json")]
pub(crate) struct Arguments {
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
    /// The configuration file; without one, everything has its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let name = name::parse(&arguments.name).map_err(Failure::Usage)?;
    let types = arguments.types.iter().map(|text| rtype(text)).collect::<Result<Vec<_>, _>>()?;
    let config = configuration(arguments.config.as_ref())?;
    let wrong = |error: ConfigError| Failure::Usage(error.to_string());
    let daemon = Daemon::new(config, None).map_err(wrong)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let service = daemon.service().map_err(wrong)?;
    let (mut failed, mut gone) = (false, false);
    for rtype in types {
        let question = Question::new(name.clone(), rtype);
        let (resolution, trace) = runtime.block_on(async {
            let trace = Arc::new(Trace::default());
            (service.look_up(&question, Some(trace.clone())).await, trace)
        });
        failed |= resolution.is_err();
        gone |= resolution.as_ref().is_ok_and(|answer| answer.rcode == OptRcode::NXDOMAIN);
        show(arguments, &question, &resolution, &trace);
    }
    match (failed, gone) {
        (true, _) => Err(Failure::NoAnswer),
        (false, true) => Err(Failure::NoSuchName),
        (false, false) => Ok(()),
    }
}

fn rtype(text: &str) -> Result<Rtype, Failure> {
    text.to_ascii_uppercase().parse().map_err(|_| {
        Failure::Usage(format!(
            "`{text}` is no record type: write A, MX, HTTPS, TYPE65280 or the like"
        ))
    })
}

fn show(arguments: &Arguments, question: &Question, resolution: &Resolution, trace: &Trace) {
    if arguments.json {
        return print::json(question, resolution, arguments.trace.then(|| trace.steps()));
    }
    if arguments.trace {
        print::trace(question, &trace.steps());
    }
    print::resolution(question, resolution);
}
