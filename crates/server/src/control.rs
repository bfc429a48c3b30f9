//! The control socket: requests and replies of `zoners_api`, a line each.
//!
//! Only the user that the daemon runs as, and root, are answered; the mode of the file keeps out users who are
//! neither the owner nor of its group. What changes something is logged, with the user and the process that
//! asked.
//!
//! A file is not named but handed over, as an open descriptor beside the request (`SCM_RIGHTS`, unix(7)): so
//! the daemon reads and writes what the caller may, and its sandbox needs no exception.

mod client;
mod conversation;
mod socket;

use zoners_dns::{Question, name};

pub(crate) use client::status;
pub use client::{ControlError, request};
pub(crate) use socket::{Control, folder};

/// A question out of what a person wrote.
///
/// # Errors
/// The name or the type is none.
pub fn question(text: &str, rtype: &str) -> Result<Question, String> {
    let rtype = rtype.to_ascii_uppercase().parse().map_err(|_| {
        format!("`{rtype}` is no record type: write A, MX, HTTPS, TYPE65280 or the like")
    })?;
    Ok(Question::new(name::parse(text)?, rtype))
}
