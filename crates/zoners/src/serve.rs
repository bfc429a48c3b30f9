//! `zoners serve`

use std::io::IsTerminal;
use std::path::PathBuf;

use zoners_server::daemon::{Bound, Daemon};

use crate::{Failure, configuration};

/// Arguments of `zoners serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Port 53 needs the right to bind it; any other port in `listen` does not:
  [server]
  listen = [\"127.0.0.1:5300\"]")]
pub(crate) struct Arguments {
    /// The configuration file; without one, everything has its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How the log is written, to standard error.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

/// `--log-format`
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LogFormat {
    /// A line for a person.
    Text,
    /// A JSON object a line.
    Json,
}

/// Starts the log. Control characters in what is logged are escaped by the formats themselves.
fn start_log(format: LogFormat) {
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false);
    match format {
        LogFormat::Json => log.json().init(),
        LogFormat::Text => {
            let terminal = std::io::stderr().is_terminal();
            log.with_ansi(terminal && std::env::var_os("NO_COLOR").is_none()).init();
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    start_log(arguments.log_format);
    let config = configuration(arguments.config.as_ref())?;
    let daemon = Daemon::new(config, arguments.config.clone())
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let ready = |bound: &Bound| {
        if let Some(reason) = &bound.instead {
            tracing::warn!("port 53 cannot be had ({reason}); serving on another instead");
        }
        for address in &bound.addresses {
            tracing::info!("serving on {address}, UDP and TCP");
        }
    };
    daemon.serve(ready).map_err(|error| Failure::Failed(format!("cannot serve: {error}")))?;
    tracing::info!("stopped");
    Ok(())
}
