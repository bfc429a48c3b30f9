//! Rights of a process of Linux.

use std::io;

pub(crate) fn forbid_new() -> io::Result<()> {
    Ok(rustix::thread::set_no_new_privs(true)?)
}
