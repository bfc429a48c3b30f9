//! The one validation of a configuration: `check`, a start, a reload and a look-up without a daemon all go by it.

mod machine;

use zoners_resolver::Settings;
use zoners_store::shared::SharedCacheConfig;

use crate::config::{Config, ConfigError};
use crate::pipeline::Local;

/// The use for which a configuration is validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A start of the daemon: the values, the files, and the user, folder and addresses of this machine. The addresses
    /// of `server.listen` are left out: a running daemon has bound them.
    Start,
    /// A reload, or a look-up without a daemon: the values and the files. A reload cannot change what `Start` looks at
    /// beside, and could not look: it is another user by then, in a sandbox.
    Contents,
}

/// All that is made of a valid configuration before it is in force.
#[derive(Debug)]
pub struct Validated {
    /// The behaviour of the resolver.
    pub settings: Settings,
    /// The second level, and the terms on which nodes share it.
    pub second_level: Option<SharedCacheConfig>,
    /// Local data: records and hosts.
    pub local: Local,
}

impl Config {
    /// Checks the values against each other, reads the files that they name, and looks at the machine for a start.
    ///
    /// # Errors
    /// All faults that were found, each with its key and line.
    pub fn validate(&self, scope: Scope) -> Result<Validated, ConfigError> {
        let mut error = ConfigError::default();
        error.take(self.sound());
        let settings = error.take(self.settings());
        let second_level = error.take(self.second_level());
        let local = error.take(Local::new(self, &self.routes()));
        if scope == Scope::Start {
            error.take(machine::check(self));
        }
        match (settings, second_level, local) {
            (Some(settings), Some(second_level), Some(local)) if error.faults().is_empty() => {
                Ok(Validated { settings, second_level, local })
            }
            (_, _, local) => {
                // A start would pass these over, and `check` tells them beside the faults.
                error.remark(local.iter().flat_map(|local| local.remarks().to_vec()));
                Err(error)
            }
        }
    }
}
