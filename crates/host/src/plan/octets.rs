//! Octets in JSON: as text where they are text.

use serde::{Deserialize, Serialize};

/// Octets of a file, of a link or of an attribute. JSON has `{"text": …}` for UTF-8, else `{"hex": …}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "OctetsText", into = "OctetsText")]
pub struct Octets(pub Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OctetsText {
    Text(String),
    Hex(String),
}

impl From<Octets> for OctetsText {
    fn from(octets: Octets) -> Self {
        match String::from_utf8(octets.0) {
            Ok(text) => OctetsText::Text(text),
            Err(error) => OctetsText::Hex(
                error.as_bytes().iter().map(|octet| format!("{octet:02x}")).collect(),
            ),
        }
    }
}

impl TryFrom<OctetsText> for Octets {
    type Error = String;

    fn try_from(text: OctetsText) -> Result<Self, String> {
        let hex = match text {
            OctetsText::Text(text) => return Ok(Octets(text.into_bytes())),
            OctetsText::Hex(hex) => hex,
        };
        let pair = |at: usize| hex.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
        let octets: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(pair).collect();
        octets.map(Octets).ok_or_else(|| "hexadecimal digits are malformed".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_return_from_json_as_they_were() {
        for (octets, json) in [
            (b"nameserver 192.0.2.1\n".to_vec(), r#"{"text":"nameserver 192.0.2.1\n"}"#),
            (vec![], r#"{"text":""}"#),
            (vec![0xff, 0x00, 0x0a], r#"{"hex":"ff000a"}"#),
        ] {
            let octets = Octets(octets);
            assert_eq!(serde_json::to_string(&octets).unwrap(), json);
            assert_eq!(serde_json::from_str::<Octets>(json).unwrap(), octets);
        }
        for wrong in [r#"{"hex":"f"}"#, r#"{"hex":"zz"}"#, r#"{"hex":"é"}"#, "7"] {
            assert!(serde_json::from_str::<Octets>(wrong).is_err(), "{wrong}");
        }
    }
}
