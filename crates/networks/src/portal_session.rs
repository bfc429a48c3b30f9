//! What the API of a captive portal says of this machine (RFC 8908).

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::evidence::PortalVerdict;

/// The media type of the API (RFC 8908 section 4).
pub const PORTAL_API_TYPE: &str = "application/captive+json";
/// The address by which a network says that it has no portal (RFC 8910 section 2).
pub const NO_PORTAL_API: &str = "urn:ietf:params:capport:unrestricted";
/// Octets of an address that is shown to a person.
const MAX_ADDRESS: usize = 1024;

/// The state of this machine at a captive portal (RFC 8908 section 5). A value of the wrong type counts as absent, except
/// `captive`, without which there is no state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PortalSession {
    /// Whether a person has to do something, such as to log in.
    pub captive: bool,
    /// The page for people.
    #[serde(default, deserialize_with = "address")]
    pub user_portal_url: Option<String>,
    /// A page about the place.
    #[serde(default, deserialize_with = "address")]
    pub venue_info_url: Option<String>,
    /// Whether a person can extend the session on the page.
    #[serde(default, deserialize_with = "leniently")]
    pub can_extend_session: Option<bool>,
    /// Seconds until the machine is captive again.
    #[serde(default, deserialize_with = "leniently")]
    pub seconds_remaining: Option<u64>,
    /// Octets until the machine is captive again.
    #[serde(default, deserialize_with = "leniently")]
    pub bytes_remaining: Option<u64>,
}

impl PortalSession {
    /// Reads the reply of an API; `None` if the reply is none of RFC 8908.
    #[must_use]
    pub fn read(reply: &[u8]) -> Option<Self> {
        serde_json::from_slice(reply).ok()
    }

    /// The verdict of the API.
    #[must_use]
    pub fn verdict(&self) -> PortalVerdict {
        match self.captive {
            true => PortalVerdict::Captive,
            false => PortalVerdict::Open,
        }
    }

    /// The time after which an open session ends.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.seconds_remaining.filter(|_| !self.captive).map(Duration::from_secs)
    }
}

fn leniently<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(T::deserialize(value).ok())
}

/// An address of the web that is fit to be shown.
fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let is_shown = |text: &String| {
        let is_web = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
        is_web && text.len() <= MAX_ADDRESS && text.bytes().all(|octet| octet.is_ascii_graphic())
    };
    Ok(leniently::<D, String>(deserializer)?.filter(is_shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 8908 section 5.
    const EXAMPLE: &str = r#"{
        "captive": true,
        "user-portal-url": "https://example.org/portal.html"
    }"#;

    #[test]
    fn the_state_is_read_as_the_rfc_has_it() {
        let session = PortalSession::read(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(session.verdict(), PortalVerdict::Captive);
        assert_eq!(session.user_portal_url.as_deref(), Some("https://example.org/portal.html"));
        let open = r#"{"captive":false,"user-portal-url":"https://example.org/portal.html",
            "venue-info-url":"https://flight.example.com/entertainment","seconds-remaining":326,
            "can-extend-session":true,"bytes-remaining":65536,"later":[{}]}"#;
        let session = PortalSession::read(open.as_bytes()).unwrap();
        assert_eq!(session.verdict(), PortalVerdict::Open);
        assert_eq!(session.remaining(), Some(Duration::from_secs(326)));
        assert_eq!(
            (session.can_extend_session, session.bytes_remaining),
            (Some(true), Some(65536))
        );
        assert!(session.venue_info_url.is_some());
    }

    #[test]
    fn odd_values_count_as_absent_and_a_reply_without_the_state_is_none() {
        let long = format!("https://{}/", "x".repeat(MAX_ADDRESS));
        for url in ["7", "[]", "\"javascript:alert(1)\"", "\"https://a b\"", &format!("\"{long}\"")]
        {
            let text = format!(
                "{{\"captive\":true,\"user-portal-url\":{url},\"seconds-remaining\":\"x\",\
                 \"bytes-remaining\":-1,\"can-extend-session\":1}}"
            );
            let session = PortalSession::read(text.as_bytes()).unwrap();
            assert_eq!(session, PortalSession { captive: true, ..PortalSession::default() });
            assert_eq!(session.remaining(), None);
        }
        let deep = format!("{{\"captive\":true,\"x\":{}", "[".repeat(100_000));
        for text in ["", "{}", "[]", "<html>", "{\"captive\":\"true\"}", &deep] {
            assert_eq!(PortalSession::read(text.as_bytes()), None, "{}", text.len());
        }
    }
}
