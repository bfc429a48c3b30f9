//! `[cache.redis]`: the cache shared by several nodes.

use std::fmt;
use std::path::PathBuf;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use zoners_store::shared::RedisServers;

/// Octets of the shortest secret.
const SHORTEST: usize = 16;

/// `[cache.redis]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RedisConfig {
    /// The address of the server; several for a cluster or for sentinels.
    pub url: Urls,
    /// Whether the addresses belong to a cluster.
    #[serde(default)]
    pub cluster: bool,
    /// The name under which sentinels know the server.
    pub sentinel: Option<String>,
    /// Certificates that may sign the server's, instead of the certificates of the system.
    pub ca_file: Option<PathBuf>,
    /// The first part of every key.
    #[serde(default = "namespace")]
    pub namespace: String,
    /// The common secret of nodes with trust in each proof of the group.
    pub secret: Option<Secret>,
    /// A file with the secret, instead.
    pub secret_file: Option<PathBuf>,
    /// Wait while a different node resolves the question.
    #[serde(default)]
    pub single_flight: bool,
}

fn namespace() -> String {
    "zoners".to_owned()
}

/// Addresses, which may hold passwords.
#[derive(Clone, PartialEq, Eq)]
pub struct Urls(pub Vec<String>);

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Urls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} servers", self.0.len())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }
}

impl Secret {
    /// A secret, if the text is long enough.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        match text.trim() {
            text if text.len() >= SHORTEST => Ok(Secret(text.to_owned())),
            _ => Err(format!("must have at least {SHORTEST} characters")),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Secret::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Urls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let urls = deserializer.deserialize_any(OneOrMany)?;
        if urls.is_empty() {
            return Err(de::Error::custom("must have at least one address"));
        }
        for url in &urls {
            RedisServers::check(url).map_err(|_| {
                de::Error::custom(
                    "must be the address of a server: \"redis://host:6379\", \"rediss://host:6380\" for TLS, \
                     \"unix:///path/to/socket\", or a list of addresses",
                )
            })?;
        }
        Ok(Urls(urls))
    }
}

/// A text, or a list of texts.
struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the address of a server in quotes, or a list of such")
    }

    fn visit_str<E: de::Error>(self, url: &str) -> Result<Vec<String>, E> {
        Ok(vec![url.to_owned()])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut urls: A) -> Result<Vec<String>, A::Error> {
        let mut all = Vec::new();
        while let Some(url) = urls.next_element()? {
            all.push(url);
        }
        Ok(all)
    }
}
