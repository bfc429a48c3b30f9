//! The log of `serve`, to standard error.

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};
use zoners_server::Log;

/// The common prefix of the project's crates.
const CRATES: &str = "zoners_";

/// How the log is written.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Logging {
    /// How the log is written, to standard error.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// What is logged: error, warn, info, debug or trace, and after commas the levels of parts, as in
    /// `info,resolver=debug`. Parts are the crates of Zoners.
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = levels)]
    log_level: Targets,
}

/// `--log-format`
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LogFormat {
    /// A line for a person.
    Text,
    /// A JSON object a line.
    Json,
}

impl Logging {
    /// Whether the log is written for people rather than programs.
    pub(crate) fn is_for_people(&self) -> bool {
        matches!(self.log_format, LogFormat::Text)
    }

    /// Starts the log. The formats escape control characters.
    pub(crate) fn start(&self) -> Log {
        let log = Log::default();
        let writer = log.clone();
        let lines = fmt::layer()
            .with_writer(move || writer.clone())
            .with_target(false)
            // The default would write to standard error directly, and panic on a failure.
            .log_internal_errors(false);
        let terminal = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let levels = self.log_level.clone();
        let registry = tracing_subscriber::registry();
        match self.log_format {
            LogFormat::Json => registry.with(lines.json().with_filter(levels)).init(),
            LogFormat::Text => {
                registry.with(lines.with_ansi(terminal).with_filter(levels)).init();
            }
        }
        std::panic::set_hook(Box::new(|panic| tracing::error!("a bug in Zoners: {panic}")));
        log
    }
}

/// Levels as `info` or `info,resolver=debug`.
fn levels(text: &str) -> Result<Targets, String> {
    let allowed = || {
        "must be error, warn, info, debug or trace; for a part with a level of its own, as in \
         info,resolver=debug"
            .to_owned()
    };
    let level = |text: &str| {
        let level = text.parse::<LevelFilter>().ok().filter(|_| !text.is_empty());
        level.ok_or_else(allowed)
    };
    let mut targets = Targets::new().with_default(LevelFilter::INFO);
    for directive in text.split(',').map(str::trim) {
        targets = match directive.split_once('=') {
            None => targets.with_default(level(directive)?),
            Some((part, of_part)) => {
                let is_whole = part.starts_with(CRATES) || part == "zoners";
                let prefix = if is_whole { "" } else { CRATES };
                targets.with_target(format!("{prefix}{part}"), level(of_part)?)
            }
        };
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn a_level_counts_for_all_or_for_a_part() {
        let targets = levels("warn,resolver=debug").unwrap();
        assert!(targets.would_enable("zoners_resolver::race", &Level::DEBUG));
        assert!(!targets.would_enable("zoners_server", &Level::INFO));
        assert!(targets.would_enable("zoners_server", &Level::WARN));
        let of_one = levels("server=trace").unwrap();
        assert!(of_one.would_enable("zoners_net", &Level::INFO), "the others as without");
        for wrong in ["", "loud", "info,resolver=loud", "info,,"] {
            assert!(levels(wrong).unwrap_err().contains("resolver=debug"), "{wrong}");
        }
    }
}
