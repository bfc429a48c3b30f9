//! The root key sentinel (RFC 8509): special names resolve, or fail, according to the trusted root
//! keys.

use zoners_dns::{Name, Rtype};

use crate::model::settings::Settings;

/// The test of a sentinel name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sentinel {
    /// Resolves if the key with this tag is trusted.
    IsTa(u16),
    /// Resolves if the key is not trusted.
    NotTa(u16),
}

/// Whether `name` is a sentinel whose answer, although proven, must be SERVFAIL.
pub(crate) fn sentinel_fails(settings: &Settings, name: &Name, rtype: Rtype) -> bool {
    if !settings.sentinel || !matches!(rtype, Rtype::A | Rtype::AAAA) {
        return false;
    }
    let trusted = |tag: u16| {
        let root = settings.anchors.iter().filter(|anchor| anchor.zone.is_root());
        root.into_iter().any(|anchor| {
            anchor.ds.iter().any(|ds| ds.key_tag == tag)
                || anchor.keys.iter().any(|key| key.tag == tag)
        })
    };
    match read(name.first().as_slice()) {
        Some(Sentinel::IsTa(tag)) => !trusted(tag),
        Some(Sentinel::NotTa(tag)) => trusted(tag),
        None => false,
    }
}

fn read(label: &[u8]) -> Option<Sentinel> {
    let label = label.to_ascii_lowercase();
    let tag = |digits: &[u8]| {
        let five = digits.len() == 5 && digits.iter().all(u8::is_ascii_digit);
        std::str::from_utf8(digits).ok().filter(|_| five)?.parse().ok()
    };
    if let Some(digits) = label.strip_prefix(b"root-key-sentinel-is-ta-") {
        return tag(digits).map(Sentinel::IsTa);
    }
    label.strip_prefix(b"root-key-sentinel-not-ta-").and_then(tag).map(Sentinel::NotTa)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_exactly() {
        assert_eq!(read(b"Root-Key-Sentinel-Is-TA-00042"), Some(Sentinel::IsTa(42)));
        assert_eq!(read(b"root-key-sentinel-not-ta-20326"), Some(Sentinel::NotTa(20326)));
        for other in [&b"root-key-sentinel-is-ta-42"[..], b"root-key-sentinel-is-ta-99999", b"www"]
        {
            assert_eq!(read(other), None);
        }
    }
}
