//! The hand-over to a new daemon: the new daemon gets duplicates of the sockets and serves beside this daemon, which
//! ends once the new daemon confirms. Without a confirmation nothing has changed.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use zoners_api::{DescriptorKind, HandOver, HandOverReport};

use super::hand_over_requests::HandOverCaller;
use super::keeper::CacheKeeper;
use super::serving::Serving;
use crate::control::ControlSocket;

/// The hand-over under way, one at a time.
#[derive(Debug, Default)]
pub(super) struct HandingOver {
    /// Resolves with the confirmation of the new daemon, or with the end of the conversation.
    confirmed: Option<oneshot::Receiver<()>>,
}

impl HandingOver {
    /// Writes the cache, and gives the caller duplicates of everything.
    pub(super) fn begin(
        &mut self,
        caller: HandOverCaller,
        serving: &Serving,
        control: Option<&ControlSocket>,
        keeper: Option<&mut CacheKeeper>,
    ) {
        if self.confirmed.is_some() {
            drop(caller.send(Err("a hand-over to another daemon is under way".to_owned())));
            return;
        }
        let (report, descriptors) = match duplicates(serving, control) {
            Ok(parts) => parts,
            Err(error) => return drop(caller.send(Err(error.to_string()))),
        };
        let (confirm, confirmed) = oneshot::channel();
        self.confirmed = Some(confirmed);
        // Should this daemon end before the confirmation, the new daemon is the heir.
        serving.listening.share_sockets(true);
        control.iter().for_each(|control| control.share(true));
        let confirm = Box::new(move || confirm.send(()).unwrap_or(()));
        let parts = HandOver { report, descriptors, confirm };
        let write =
            keeper.and_then(|keeper| keeper.write_for_successor(&serving.generation.settings));
        tokio::spawn(async move {
            if let Some(write) = write {
                // A cache that is not written is no reason to stay.
                let _ = spawn_blocking(write).await;
            }
            drop(caller.send(Ok(parts)));
        });
    }

    /// Ends with the hand-over under way; true if the new daemon serves. Safe to cancel.
    pub(super) async fn is_confirmed(&mut self) -> bool {
        let Some(confirmed) = &mut self.confirmed else { return std::future::pending().await };
        let is_confirmed = confirmed.await.is_ok();
        self.confirmed = None;
        is_confirmed
    }
}

/// Duplicates of the descriptors that one daemon alone may have, and of the log.
fn duplicates(
    serving: &Serving,
    control: Option<&ControlSocket>,
) -> io::Result<(HandOverReport, Vec<OwnedFd>)> {
    let (log, given) = (io::stderr(), serving.listening.is_given());
    let mut all: Vec<(DescriptorKind, BorrowedFd<'_>)> = vec![(DescriptorKind::Log, log.as_fd())];
    all.extend(serving.listening.lock().map(|lock| (DescriptorKind::Lock, lock)));
    all.extend(serving.sockets(control));
    let descriptors = all.iter().map(|(_, descriptor)| descriptor.try_clone_to_owned());
    let descriptors = descriptors.collect::<io::Result<_>>()?;
    let kinds = all.iter().map(|(kind, _)| *kind).collect();
    let stored = serving.kept.names().map(str::to_owned).collect();
    Ok((HandOverReport { descriptors: kinds, given, stored }, descriptors))
}
