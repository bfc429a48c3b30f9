//! How durations, sizes and addresses are written, in the configuration and on the command line.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// What may be written for a duration.
pub const DURATION: &str = "a number of seconds, or a duration such as 90s, 15min, 2h or 1d";

/// Units of sizes: decimal units of the SI, binary units of IEC 80000-13.
const SIZE_UNITS: [(&str, usize); 8] = [
    ("", 1),
    ("B", 1),
    ("kB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// A duration: seconds where no unit follows, else as `90s`, `15min`, `2h`, `1d` or `1h 30min`.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    match text.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text.trim()).ok(),
    }
}

/// The same for an argument of the command line.
///
/// # Errors
/// The text is no duration; the error says what is allowed.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    duration(text).ok_or_else(|| format!("must be {DURATION}"))
}

/// A number of octets: `128MB` is 128,000,000, `128MiB` is 134,217,728. Letters may be large or small.
#[must_use]
pub fn size(text: &str) -> Option<usize> {
    let text = text.trim();
    let unit = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let digits = text.strip_suffix(unit)?;
    let (_, factor) =
        SIZE_UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim_start()))?;
    digits.parse::<usize>().ok()?.checked_mul(*factor)
}

/// An IP address with a port, or without one, which then is `port`. An IPv6 address may stand in brackets.
#[must_use]
pub fn address(text: &str, port: u16) -> Option<SocketAddr> {
    let bare = || {
        let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let ip: IpAddr = match inner {
            Some(inner) => IpAddr::V6(inner.parse().ok()?),
            None => text.parse().ok()?,
        };
        Some(SocketAddr::new(ip, port))
    };
    text.parse().ok().or_else(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_or_are_seconds() {
        let seconds = [
            ("0", 0),
            ("300", 300),
            (" 90s", 90),
            ("15min", 900),
            ("15m", 900),
            ("2h", 7200),
            ("1h 30min", 5400),
            ("1d", 86_400),
            ("1w", 604_800),
        ];
        for (text, expected) in seconds {
            assert_eq!(duration(text), Some(Duration::from_secs(expected)), "{text}");
        }
        for wrong in ["", "-1", "2 hours and", "h", "2x", "99999999999999999999"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
        assert!(parse_duration("soon").unwrap_err().contains("2h"));
    }

    #[test]
    fn sizes_are_decimal_or_binary() {
        let octets = [
            ("128MB", 128_000_000),
            ("128MiB", 128 << 20),
            ("128 mib", 128 << 20),
            ("1GiB", 1 << 30),
            ("64kb", 64_000),
            ("4096", 4096),
        ];
        for (text, expected) in octets {
            assert_eq!(size(text), Some(expected), "{text}");
        }
        for wrong in ["", "MiB", "-1MiB", "1.5MiB", "128M", "1TiB", "99999999999999GiB", "1 MiB x"]
        {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn addresses_have_a_port_or_get_it() {
        for (text, expected) in [
            ("127.0.0.1", "127.0.0.1:53"),
            ("127.0.0.1:5300", "127.0.0.1:5300"),
            ("::1", "[::1]:53"),
            ("[::1]", "[::1]:53"),
            ("[::1]:5300", "[::1]:5300"),
        ] {
            assert_eq!(address(text, 53), expected.parse().ok(), "{text}");
        }
        for wrong in ["", "localhost", "[127.0.0.1]", "127.0.0.1:", "::1:x", "1.2.3"] {
            assert_eq!(address(wrong, 53), None, "{wrong}");
        }
    }
}
