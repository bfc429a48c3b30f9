//! Domain names.

use std::hash::Hasher;
use std::net::IpAddr;

use bytes::Bytes;
use domain::base::name::ToName;

/// Octets of the longest name (RFC 1035 section 3.1).
const MAX_NAME_OCTETS: usize = 255;

/// An absolute domain name, uncompressed, in its original spelling.
///
/// Comparing and hashing ignore case (RFC 4343). Cloning and taking the parent are cheap, because
/// names share octets.
pub type Name = domain::base::Name<Bytes>;

/// A name in a packet or in a [`Name`], borrowed and not copied.
pub type NameSlice = domain::base::Name<[u8]>;

/// The root name.
#[must_use]
pub fn root() -> Name {
    Name::root_bytes()
}

/// Parses a name in presentation format; a missing final dot is added.
///
/// # Errors
/// The text is not a domain name; the error gives the reason.
pub fn parse(text: &str) -> Result<Name, String> {
    Name::bytes_from_str(text).map_err(|error| format!("`{text}` is no domain name: {error}"))
}

/// Hashes a name without regard to case, in one call. Hashing label by label and octet by octet, as
/// `domain` does, takes twenty times as long.
pub fn hash<H: Hasher>(name: &NameSlice, state: &mut H) {
    let mut octets = [0; MAX_NAME_OCTETS];
    let length = name.len().min(MAX_NAME_OCTETS);
    octets[..length].copy_from_slice(&name.as_slice()[..length]);
    // Octets with the length of a label are below 64, so they are not letters.
    octets[..length].make_ascii_lowercase();
    state.write(&octets[..length]);
}

/// The number of labels without the root label: 0 for `.`, 2 for `example.com.`.
#[must_use]
pub fn depth(name: &Name) -> usize {
    name.label_count() - 1
}

/// Whether `name` equals `zone` or lies below `zone`.
#[must_use]
pub fn is_within(name: &Name, zone: &Name) -> bool {
    let (name, zone) = (name.as_slice(), zone.as_slice());
    let Some(start) = name.len().checked_sub(zone.len()) else { return false };
    // Most names differ in the compared octets. Equal octets may begin in the middle of a label, so
    // the labels are checked last.
    name[start..].eq_ignore_ascii_case(zone) && begins_label(name, start)
}

/// Whether a label of a name begins at an offset.
fn begins_label(name: &[u8], offset: usize) -> bool {
    let mut at = 0;
    while at < offset {
        at += 1 + usize::from(name[at]);
    }
    at == offset
}

/// Whether `name` lies strictly below `zone`.
#[must_use]
pub fn is_below(name: &Name, zone: &Name) -> bool {
    name.len() > zone.len() && is_within(name, zone)
}

/// The ancestor of `name` (or `name` itself) that has `labels` labels.
#[must_use]
pub fn ancestor(name: &Name, labels: usize) -> Name {
    let mut at = name.clone();
    for _ in labels..depth(name) {
        match at.parent() {
            Some(parent) => at = parent,
            None => break,
        }
    }
    at
}

/// The ancestor of `name` (or `name` itself) that begins at octet `at`; `None` if no label begins
/// there.
#[must_use]
pub fn from_offset(name: &Name, at: usize) -> Option<Name> {
    let octets = (at < name.len()).then(|| name.as_octets().slice(at..))?;
    Name::from_octets(octets).ok()
}

/// `name` and its ancestors, from the longest to the root.
pub fn with_ancestors(name: &Name) -> impl Iterator<Item = Name> {
    std::iter::successors(Some(name.clone()), Name::parent)
}

/// An owned copy of a name.
#[must_use]
pub fn owned(name: &NameSlice) -> Name {
    // The octets of a valid name are valid.
    Name::from_octets(Bytes::copy_from_slice(name.as_slice())).unwrap_or_else(|_| root())
}

/// The operator of a nameserver, as far as its name in presentation format shows: the domain of the name.
///
/// So `ns1.example.net` and `ns2.example.net` belong to `example.net`. An operator with nameservers in several domains
/// counts as several.
#[must_use]
pub fn operator_domain(server: &str) -> &str {
    let bare = server.strip_suffix('.').unwrap_or(server);
    match bare.split_once('.') {
        Some((_, domain)) if domain.contains('.') => domain,
        _ => bare,
    }
}

/// The name in lower case, for keys and canonical forms (RFC 4034 section 6.2).
#[must_use]
pub fn lowercase(name: &Name) -> Name {
    name.to_canonical_name()
}

/// Replaces the suffix `from` of `name` by `to`, as a DNAME does (RFC 6672 section 2.2).
///
/// `None` if `name` does not lie below `from`, or the result would be longer than 255 octets.
#[must_use]
pub fn substitute(name: &Name, from: &Name, to: &Name) -> Option<Name> {
    if !is_below(name, from) {
        return None;
    }
    let prefix = name.as_slice().get(..name.len() - from.len())?;
    Name::from_octets(Bytes::from([prefix, to.as_slice()].concat())).ok()
}

/// The owner name of the PTR record of an address (RFC 1035 section 3.5, RFC 3596 section 2.5).
#[must_use]
pub fn reverse(address: IpAddr) -> Name {
    // The result has 73 octets at most, so conversion cannot fail.
    Name::reverse_from_addr(address).unwrap_or_else(|_| root())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        parse(text).unwrap()
    }

    #[test]
    fn ancestors_go_up_to_the_root() {
        let www = name("www.Example.com");
        assert_eq!(depth(&www), 3);
        assert_eq!(ancestor(&www, 2), name("example.com"));
        assert_eq!(ancestor(&www, 0), root());
        assert_eq!(ancestor(&www, 9), www);
        assert_eq!(with_ancestors(&www).count(), 4);
    }

    #[test]
    fn within_ignores_case_and_respects_label_ends() {
        assert!(is_within(&name("a.EXAMPLE.com"), &name("example.COM")));
        assert!(is_below(&name("example.com"), &root()));
        assert!(!is_below(&name("example.com"), &name("example.com")));
        assert!(!is_within(&name("badexample.com"), &name("example.com")));
    }

    #[test]
    fn substitution_follows_dname() {
        let target = substitute(&name("a.b.old.test"), &name("old.test"), &name("new.example"));
        assert_eq!(target, Some(name("a.b.new.example")));
        assert_eq!(substitute(&name("old.test"), &name("old.test"), &name("new.example")), None);
        let long = name(&"a234567890123456789.".repeat(11));
        let under = substitute(&name("x.y"), &name("y"), &long);
        assert!(under.is_some(), "223 octets fit");
        let deep = name(&format!("{}y", "b234567890123456789.".repeat(3)));
        assert_eq!(substitute(&deep, &name("y"), &long), None, "over 255 octets");
    }
}
