//! The configuration: a TOML file, every key with a default.
//!
//! [`schema`] is the file as written. [`reading`] and [`words`] report faults so that a person can mend the file, with
//! the [`tree`] of the file and the keys that are [`allowed`].
//! [`build`] makes the settings of the resolver and the daemon. [`sound`] checks whether values go together.
//! [`overlay`] lays the settings of a network over the file, [`renamed`] accepts old names of keys; [`written`]
//! tells the settings of the file. [`json_schema()`] describes the file to editors, from answers of the parser
//! ([`probe`]) and with the words of the [`example`].

mod allowed;
mod build;
mod error;
mod example;
mod json_schema;
mod listen;
mod needs;
mod network_route;
mod overlay;
mod probe;
mod quic;
mod reading;
mod renamed;
mod schema;
mod sound;
mod source;
mod tree;
mod upstream_server;
mod uri_path;
pub mod values;
mod words;
mod written;

use std::path::Path;

pub(crate) use build::{ListenerAuthority, PrivateZone};
pub use error::ConfigError;
pub use example::{ExamplePart, example_parts};
pub use json_schema::json_schema;
pub(crate) use listen::{AddressSpec, ListenerSpec};
pub use network_route::{NetworkRoute, RouteReason};
pub use overlay::ConfigOverlay;
pub(crate) use quic::{Http3Listener, QuicListeners, QuicSpoken};
pub use schema::*;
pub(crate) use sound::nearest;
pub use source::ConfigSource;
pub use upstream_server::UpstreamServer;
pub use written::EXAMPLE;
pub(crate) use written::WrittenSetting;

/// The root servers, unless the configuration names a file.
pub const ROOT_HINTS: &str = include_str!("../data/root.hints");

/// The root zone's keys, unless the configuration names a file: KSK-2017 and KSK-2024.
pub const ROOT_ANCHORS: &str = include_str!("../data/root.anchors");

/// The servers from which the root zone is transferred, unless the configuration names some.
pub(crate) const LOCAL_ROOT_PRIMARIES: &str = include_str!("../data/local-root.primaries");

impl Config {
    /// Reads a configuration; `file` is what errors call it.
    ///
    /// # Errors
    /// The text is no TOML, has an unknown key or a value that is not allowed.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        reading::read(text, file)
    }

    /// Reads a configuration file.
    ///
    /// # Errors
    /// The file cannot be read, or see [`Config::parse`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let told = |what: &str| ConfigError::plain(format!("{file}: {what}"));
        let octets = std::fs::read(path).map_err(|error| told(&error.to_string()))?;
        let text = String::from_utf8(octets).map_err(|_| told("must be a text in UTF-8"))?;
        Config::parse(&text, &file)
    }
}

#[cfg(test)]
mod tests;
