//! `[[tsig-key]]`: keys that we share with other servers, to sign messages (RFC 8945).

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use zoners_dns::Name;
use zoners_zones::tsig::TsigAlgorithm;

use super::readers::{TextValue, text};

/// `[[tsig-key]]`
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TsigKeyConfig {
    /// The name of the key, the same on both servers.
    #[serde(deserialize_with = "text")]
    pub name: Name,
    /// The algorithm.
    #[serde(default = "default_algorithm", deserialize_with = "text")]
    pub algorithm: TsigAlgorithm,
    /// The secret in base64.
    pub secret: Option<String>,
    /// A file with the secret in base64.
    pub secret_file: Option<PathBuf>,
}

fn default_algorithm() -> TsigAlgorithm {
    TsigAlgorithm::HmacSha256
}

impl TextValue for TsigAlgorithm {
    const ALLOWED: &'static str = "\"hmac-sha256\", \"hmac-sha384\" or \"hmac-sha512\"";

    fn read(text: &str) -> Option<Self> {
        TsigAlgorithm::from_text(text)
    }
}

/// The secret stays out of the log.
impl fmt::Debug for TsigKeyConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TsigKeyConfig({})", self.name)
    }
}
