//! Paths of DNS over HTTPS, of listeners and of servers.

/// The usual path (RFC 8484 section 4.1.1).
pub(super) const QUERY_PATH: &str = "/dns-query";
/// Octets of a path at most.
pub(super) const MAX_PATH: usize = 128;

/// Whether a path needs no escape, and is not that of the root.
pub(super) fn is_path(path: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "/-_.~".contains(letter);
    path.len() > 1 && path.len() <= MAX_PATH && path.starts_with('/') && path.chars().all(is_letter)
}
