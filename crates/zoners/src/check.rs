//! `zoners check`

use std::path::PathBuf;

use zoners_server::config::ConfigError;
use zoners_server::pipeline::Local;

use crate::output::println;
use crate::{Failure, configuration};

/// Arguments of `zoners check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The configuration file.
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = configuration(Some(&arguments.file))?;
    let wrong = |error: ConfigError| Failure::Usage(error.to_string());
    let settings = config.settings().map_err(wrong)?;
    Local::new(&config, &settings.routes).map_err(wrong)?;
    config.second_level().map_err(wrong)?;
    println!("{}: right", arguments.file.display());
    let listen: Vec<String> =
        config.server.listen.iter().flatten().map(ToString::to_string).collect();
    let listen =
        if listen.is_empty() { "port 53 of this machine".into() } else { listen.join(", ") };
    println!("  serves on {listen}");
    println!(
        "  knows {} root servers and {} routes",
        settings.root.servers.len(),
        settings.routes.len()
    );
    Ok(())
}
