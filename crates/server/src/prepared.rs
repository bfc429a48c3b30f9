//! What a configuration comes to, with all that the files say that it names: the same for a daemon that starts
//! or is reloaded, and for a person who wants it checked.

use zoners_resolver::Settings;
use zoners_store::shared::SharedCacheConfig;

use crate::config::{Config, ConfigError};
use crate::pipeline::Local;

/// Everything that is made of a configuration before it is served.
#[derive(Debug)]
pub struct Prepared {
    /// How the resolver shall behave.
    pub settings: Settings,
    /// What is shared with other nodes.
    pub second_level: Option<SharedCacheConfig>,
    /// What is answered here.
    pub local: Local,
}

impl Config {
    /// Sees whether its values go together, and reads the files that it names.
    ///
    /// # Errors
    /// Something is wrong; all that is found is told.
    pub fn prepare(&self) -> Result<Prepared, ConfigError> {
        let mut error = ConfigError::default();
        error.take(self.sound());
        let settings = error.take(self.settings());
        let second_level = error.take(self.second_level());
        let local = error.take(Local::new(self, &self.routes()));
        match (settings, second_level, local) {
            (Some(settings), Some(second_level), Some(local)) if error.faults().is_empty() => {
                Ok(Prepared { settings, second_level, local })
            }
            _ => Err(error),
        }
    }
}
