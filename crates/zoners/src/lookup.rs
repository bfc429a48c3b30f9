//! `zoners lookup`

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use zoners_dns::Question;
use zoners_resolver::Trace;
use zoners_server::config::ConfigError;
use zoners_server::daemon::Daemon;
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
    for object in resolve_all(arguments)? {
        failed |= object["rcode"] == "SERVFAIL";
        gone |= object["rcode"] == "NXDOMAIN";
        show(arguments, object);
    }
    match (failed, gone) {
        (true, _) => Err(Failure::NoAnswer),
        (false, true) => Err(Failure::NoSuchName),
        (false, false) => Ok(()),
    }
}

/// The end of each question, with its trace.
fn resolve_all(arguments: &LookupArguments) -> Result<Vec<Value>, Failure> {
    let question =
        |rtype: &String| control::question(&arguments.name, rtype).map_err(Failure::Usage);
    let questions = arguments.types.iter().map(question).collect::<Result<Vec<_>, _>>()?;
    if arguments.server {
        let socket = Socket::new(arguments.control.clone(), arguments.config.path());
        let ask = |question: &Question| {
            let name = question.name.fmt_with_dot().to_string();
            let rtype = question.rtype.to_string();
            socket.request(&json!({ "do": "lookup", "name": name, "type": rtype }))
        };
        return questions.iter().map(ask).collect();
    }
    let wrong = |error: ConfigError| Failure::Usage(error.to_string());
    let daemon = Daemon::new(arguments.config.load()?.0, None).map_err(wrong)?;
    let service = daemon.service();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let resolve = |question: &Question| {
        runtime.block_on(async {
            let trace = Arc::new(Trace::default());
            let resolution = service.look_up(question, Some(trace.clone())).await;
            report::resolution(question, &resolution, Some(&trace.steps()))
        })
    };
    Ok(questions.iter().map(resolve).collect())
}

fn show(arguments: &LookupArguments, mut object: Value) {
    if arguments.json {
        if !arguments.trace
            && let Some(fields) = object.as_object_mut()
        {
            fields.remove("trace");
        }
        return println!("{object}");
    }
    if arguments.trace {
        print::trace(&object);
    }
    print::resolution(&object);
}
