//! `zoners serve`

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use zoners_server::Log;
use zoners_server::daemon::{Daemon, ListenStatus};

use crate::{Failure, configuration, print};

/// Arguments of `zoners serve`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Port 53 needs the right to bind it; a port above 1023 in `listen` does not:
  [server]
  listen = [\"127.0.0.1:5300\"]

Signals:
  SIGHUP             read the configuration again
  SIGUSR1            write what was counted to the log
  SIGTERM, SIGINT    finish what is under way, and end

Called at a terminal, without a configuration and not by a service manager, it takes port 5300 where 53
is not to be had; else it ends with 1 and says who has the port, so that a service manager tries again."
)]
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

/// For so long the last lines of the log are waited for.
const FLUSH: Duration = Duration::from_millis(250);

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut log = start_log(arguments.log_format);
    let ended = serve(arguments, log.clone());
    match &ended {
        Ok(()) => tracing::info!("stopped"),
        Err(failure) => {
            let message = failure.message().unwrap_or_default();
            // Beside the log, what goes to standard error would wait as long as the log does.
            let _ = writeln!(log, "{}", print::for_errors(&print::error(message)));
        }
    }
    if !log.has_begun() {
        log.begin(io::stderr()).map_err(|error| Failure::Failed(error.to_string()))?;
    }
    log.flush(FLUSH);
    ended.map_err(|failure| Failure::Told(failure.code()))
}

fn serve(arguments: &Arguments, log: Log) -> Result<(), Failure> {
    let config = configuration(arguments.config.as_ref())?;
    let daemon = Daemon::new(config, arguments.config.clone())
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let ready = |bound: &ListenStatus| {
        if let Some(reason) = &bound.instead {
            tracing::warn!("port 53 cannot be had ({reason}); serving on another instead");
        }
        for why in &bound.missing {
            tracing::error!("not served: {why}");
        }
        for address in &bound.absent {
            tracing::warn!("{address} is not there yet; it is served once it is");
        }
        for address in &bound.addresses {
            tracing::info!("serving on {address}, UDP and TCP");
        }
    };
    let ended = daemon.logging_to(log).serve(ready);
    ended.map_err(|error| Failure::Failed(format!("cannot serve: {error}")))
}

/// Starts the log. Control characters in what is logged are escaped by the formats themselves.
fn start_log(format: LogFormat) -> Log {
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_target(false)
        // It would write to standard error itself, and panic where that takes nothing.
        .log_internal_errors(false);
    match format {
        LogFormat::Json => lines.json().init(),
        LogFormat::Text => {
            let terminal = io::stderr().is_terminal();
            lines.with_ansi(terminal && std::env::var_os("NO_COLOR").is_none()).init();
        }
    }
    std::panic::set_hook(Box::new(|panic| tracing::error!("a bug in Zoners: {panic}")));
    log
}
