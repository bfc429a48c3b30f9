//! Values that more than one table has.

use serde::{Deserialize, Deserializer, de};
use zoners_dns::{Name, Prefix, name};

pub(super) fn zones<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Name>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| name::parse(text).map_err(de::Error::custom)).collect()
}

pub(super) fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
    name::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

pub(super) fn some_prefixes<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Prefix>>, D::Error> {
    prefixes(deserializer).map(Some)
}

pub(super) fn prefixes<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Prefix>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(de::Error::custom)).collect()
}
