//! What an HTTP reply says of a captive portal.

use crate::evidence::PortalVerdict;

/// The reply to a request whose answer is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct PortalReply<'a> {
    /// The status code.
    pub status: u16,
    /// The header field `Location`.
    pub location: Option<&'a str>,
    /// The first octets of the content, as text.
    pub content: &'a str,
}

/// The verdict on a reply, and the host of the portal if the reply names one. `expected` is the beginning of the
/// content that comes without a portal; empty for a reply without content (204).
#[must_use]
pub fn judge_reply(reply: PortalReply<'_>, expected: &str) -> (PortalVerdict, Option<String>) {
    let content = reply.content.trim_start();
    match reply.status {
        204 if expected.is_empty() => (PortalVerdict::Open, None),
        200 if !expected.is_empty() && content.starts_with(expected) => (PortalVerdict::Open, None),
        // 511: Network Authentication Required (RFC 6585 section 6).
        200 | 204 | 300..=399 | 511 => (PortalVerdict::Captive, named_host(reply)),
        // The server of the probe has trouble of its own.
        _ => (PortalVerdict::Unclear, None),
    }
}

/// The host to which a reply sends its reader: by `Location`, else by a refresh in the content.
fn named_host(reply: PortalReply<'_>) -> Option<String> {
    let refresh = || {
        // ASCII letters alone change, so places stay.
        let at = reply.content.to_ascii_lowercase().find("url=")?;
        Some(reply.content.get(at + 4..)?.trim_start_matches(['\'', '"', ' ']))
    };
    reply.location.and_then(host_of).or_else(|| refresh().and_then(host_of))
}

/// The host of an HTTP address; `None` for an address without a name, as one of IP.
#[must_use]
pub fn host_of(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let end = |letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_'));
    let host = rest.split(end).next().unwrap_or_default().trim_end_matches('.');
    let is_name = host
        .rsplit('.')
        .next()
        .is_some_and(|top| !top.is_empty() && !top.chars().all(|letter| letter.is_ascii_digit()));
    is_name.then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(
        status: u16,
        location: Option<&str>,
        content: &str,
        expected: &str,
    ) -> (PortalVerdict, Option<String>) {
        judge_reply(PortalReply { status, location, content }, expected)
    }

    #[test]
    fn the_expected_reply_shows_an_open_network_and_any_other_content_a_portal() {
        use PortalVerdict::{Captive, Open, Unclear};
        assert_eq!(judged(204, None, "", ""), (Open, None));
        assert_eq!(judged(200, None, "\nsuccess\n", "success"), (Open, None));
        assert_eq!(judged(200, None, "<html>Welcome</html>", "success"), (Captive, None));
        assert_eq!(judged(200, None, "", ""), (Captive, None));
        assert_eq!(judged(204, None, "", "success"), (Captive, None));
        assert_eq!(judged(511, None, "", "success"), (Captive, None));
        for trouble in [100, 400, 404, 500, 503] {
            assert_eq!(judged(trouble, None, "", "success"), (Unclear, None));
        }
    }

    #[test]
    fn a_portal_is_named_by_the_address_to_which_it_sends() {
        for (location, name) in [
            ("http://login.hotel.example/start?x=1", Some("login.hotel.example")),
            ("https://Login.Hotel.example.:8443/", Some("login.hotel.example")),
            ("http://192.168.0.1/login", None),
            ("http://[fe80::1]/login", None),
            ("/login", None),
            ("ftp://hotel.example/", None),
            ("http://", None),
        ] {
            let (verdict, host) = judged(302, Some(location), "", "success");
            assert_eq!((verdict, host.as_deref()), (PortalVerdict::Captive, name), "{location}");
        }
        let refresh = "<META http-equiv=refresh content=\"0; URL='https://wifi.example/in'\">";
        assert_eq!(judged(200, None, refresh, "success").1.as_deref(), Some("wifi.example"));
        assert_eq!(judged(200, None, "ü url=ü", "success").1, None);
    }
}
