//! The control socket: requests and replies of `zoners_api`, a line each.
//!
//! Only the daemon's own user and root get answers; the mode of the file keeps out users who are neither the owner nor
//! in the group of the file. Requests with an effect are logged, with the user and the process of the caller.
//!
//! A watch turns a conversation round: after the reply the daemon sends events, until the caller leaves.
//!
//! A file is not named but handed over, as an open descriptor beside the request (`SCM_RIGHTS`, unix(7)): so
//! the daemon reads and writes with the rights of the caller, and the sandbox needs no exception.

mod client;
mod conversation;
mod event_lines;
mod socket;
mod take_over;

use zoners_dns::{Question, name};

pub(crate) use client::status;
pub use client::{ControlError, request};
pub use event_lines::{EventLines, watch};
pub(crate) use socket::{ControlSocket, folder};
pub(crate) use take_over::{Predecessor, take_over};

/// A question from the texts of a person.
///
/// # Errors
/// The name or the type is none.
pub fn question(text: &str, rtype: &str) -> Result<Question, String> {
    let rtype = rtype.to_ascii_uppercase().parse().map_err(|_| {
        format!("`{rtype}` is no record type: write A, MX, HTTPS, TYPE65280 or the like")
    })?;
    Ok(Question::new(name::parse(text)?, rtype))
}
