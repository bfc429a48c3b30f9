//! Names and long work of requests.

use tokio::task::spawn_blocking;
use zoners_api::AdminError;
use zoners_dns::{Name, name};

/// A name typed by a person.
pub(super) fn parse(text: &str) -> Result<Name, AdminError> {
    name::parse(text).map_err(AdminError::invalid)
}

/// Does long work on a separate thread.
pub(super) async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, AdminError> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(error.to_string())).map_err(AdminError::failed)
}
