//! The names of protocols in ALPN (RFC 7301).

/// DNS over TLS; RFC 7858 names no protocol, and RFC 9539 demands the name.
pub const DOT: &[u8] = b"dot";
/// HTTP/2 (RFC 9113 section 3.1).
pub const HTTP_2: &[u8] = b"h2";
/// HTTP/1.1 (RFC 7301 section 6).
pub const HTTP_1_1: &[u8] = b"http/1.1";
/// DNS over QUIC (RFC 9250 section 4.1.1).
pub const DOQ: &[u8] = b"doq";
/// HTTP/3 (RFC 9114 section 3.1).
pub const HTTP_3: &[u8] = b"h3";
