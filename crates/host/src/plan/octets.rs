//! Octets in JSON: UTF-8 as text.

use serde::{Deserialize, Serialize};

/// EntryOctets of a file, of a link or of an attribute. JSON has `{"text": …}` for UTF-8, else `{"hex": …}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "EntryOctetsText", into = "EntryOctetsText")]
pub struct EntryOctets(pub Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EntryOctetsText {
    Text(String),
    Hex(String),
}

impl From<EntryOctets> for EntryOctetsText {
    fn from(octets: EntryOctets) -> Self {
        match String::from_utf8(octets.0) {
            Ok(text) => EntryOctetsText::Text(text),
            Err(error) => EntryOctetsText::Hex(
                error.as_bytes().iter().map(|octet| format!("{octet:02x}")).collect(),
            ),
        }
    }
}

impl TryFrom<EntryOctetsText> for EntryOctets {
    type Error = String;

    fn try_from(text: EntryOctetsText) -> Result<Self, String> {
        let hex = match text {
            EntryOctetsText::Text(text) => return Ok(EntryOctets(text.into_bytes())),
            EntryOctetsText::Hex(hex) => hex,
        };
        let pair = |at: usize| hex.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
        let octets: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(pair).collect();
        octets.map(EntryOctets).ok_or_else(|| "hexadecimal digits are malformed".to_owned())
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
            let octets = EntryOctets(octets);
            assert_eq!(serde_json::to_string(&octets).unwrap(), json);
            assert_eq!(serde_json::from_str::<EntryOctets>(json).unwrap(), octets);
        }
        for wrong in [r#"{"hex":"f"}"#, r#"{"hex":"zz"}"#, r#"{"hex":"é"}"#, "7"] {
            assert!(serde_json::from_str::<EntryOctets>(wrong).is_err(), "{wrong}");
        }
    }
}
