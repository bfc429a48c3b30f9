//! The resolvers of macOS, as scutil(8) tells.

use std::fs;
use std::io;

use crate::program::output;
use crate::reports::scutil_dns;
use crate::resolvers::{RESOLV_CONF, SystemResolver, parse};

pub(crate) const SOURCE: &str = "scutil --dns";

/// From the program, or from the file with the primary resolver where the program tells nothing.
pub(crate) fn all() -> io::Result<Vec<SystemResolver>> {
    let told = output("/usr/sbin/scutil", &["--dns"]).map(|text| scutil_dns::resolvers(&text));
    match told.filter(|resolvers| !resolvers.is_empty()) {
        Some(resolvers) => Ok(resolvers),
        None => parse(&fs::read(RESOLV_CONF)?),
    }
}
