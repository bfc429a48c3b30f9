//! Names and long work of requests.

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use zoners_api::AdminError;
use zoners_dns::{Name, name};

/// A name typed by a person.
pub(super) fn parse(text: &str) -> Result<Name, AdminError> {
    name::parse(text).map_err(AdminError::invalid)
}

/// Requests at a time with long work: each may hold thousands of records or queries.
const MAX_LONG: usize = 4;
static LONG: Semaphore = Semaphore::const_new(MAX_LONG);

/// Does long work on a separate thread, once there is room beside the long work of other requests.
pub(super) async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, AdminError> {
    in_turn(&LONG, work).await
}

async fn in_turn<T: Send + 'static>(
    turns: &'static Semaphore,
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, AdminError> {
    // The semaphore is never closed.
    let turn = turns.acquire().await.ok();
    let work = move || {
        let _turn = turn;
        work()
    };
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(error.to_string())).map_err(AdminError::failed)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn long_work_has_its_turns() {
        static TURNS: Semaphore = Semaphore::const_new(MAX_LONG);
        let mut context = Context::from_waker(Waker::noop());
        let (end, ended) = mpsc::channel::<()>();
        let ended = std::sync::Arc::new(std::sync::Mutex::new(ended));
        let mut under_way: Vec<_> = (0..=MAX_LONG)
            .map(|_| {
                let ended = ended.clone();
                Box::pin(in_turn(&TURNS, move || {
                    let _ = ended.lock().unwrap().recv();
                    Ok(())
                }))
            })
            .collect();
        for work in &mut under_way {
            assert!(work.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(TURNS.available_permits(), 0);
        let mut more = Box::pin(in_turn(&TURNS, || Ok(7)));
        assert!(more.as_mut().poll(&mut context).is_pending());
        drop(end);
        for work in under_way {
            work.await.unwrap();
        }
        assert_eq!(more.await, Ok(7));
        assert_eq!(TURNS.available_permits(), MAX_LONG);
    }
}
