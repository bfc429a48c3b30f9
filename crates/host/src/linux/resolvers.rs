//! The resolvers of the system, as a file tells.

use std::fs;
use std::io;

use crate::resolvers::{RESOLV_CONF, SystemResolver, parse};

pub(crate) const SOURCE: &str = RESOLV_CONF;

pub(crate) fn all() -> io::Result<Vec<SystemResolver>> {
    parse(&fs::read(RESOLV_CONF)?)
}
