//! Names of leases: read again when a DHCP server has written its files, and dropped when leases end.

use std::future::pending;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::sleep;
use zoners_dns::Clock;
use zoners_host::file_watch::FileWatch;

use super::generation::Generation;
use crate::clock::SystemClock;
use crate::pipeline::local::leases::{LeaseNames, watched};

/// Longer waits are cut: the clock may be set meanwhile.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// What the names in force have to be made anew for.
pub(super) enum LeaseChange {
    /// The files were read again.
    Read(Box<LeaseNames>),
    /// A lease may have ended.
    Ended,
}

/// Watches the files of leases.
#[derive(Debug)]
pub(super) struct LeaseKeeper {
    files: Vec<PathBuf>,
    watch: Option<FileWatch>,
    under_way: Option<oneshot::Receiver<Box<LeaseNames>>>,
    /// The remarks in the log.
    remarks: Vec<String>,
}

impl LeaseKeeper {
    /// Begins to watch, once the names of a generation are in force.
    pub(super) fn begin(generation: &Generation) -> Self {
        let (files, watch, under_way) = (Vec::new(), None, None);
        let remarks = generation.rules.local().leases().remarks().to_vec();
        let mut keeper = LeaseKeeper { files, watch, under_way, remarks };
        keeper.follow(generation);
        keeper
    }

    /// Follows a new generation. Files may have changed since the generation was read.
    pub(super) fn follow(&mut self, generation: &Generation) {
        let files = watched(&generation.config.network);
        if files != self.files {
            self.watch = (!files.is_empty()).then(|| FileWatch::begin(files.clone()));
            self.files = files;
        }
        // The names of a reading under way belong to the former generation.
        self.under_way = None;
        if self.watch.is_some() {
            self.read(generation);
        }
    }

    /// The next change. Safe to cancel and call again.
    pub(super) async fn change(&mut self, generation: &Generation) -> LeaseChange {
        loop {
            tokio::select! {
                biased;
                names = done(&mut self.under_way) => return LeaseChange::Read(names),
                () = written(&mut self.watch) => {}
                () = end_of_lease(generation) => return LeaseChange::Ended,
            }
            self.read(generation);
        }
    }

    /// Puts the names of now into force.
    pub(super) fn apply(&mut self, change: LeaseChange, generation: &Generation) {
        let local = generation.rules.local();
        let names = match change {
            LeaseChange::Read(names) => *names,
            LeaseChange::Ended => local.leases().moved_to(SystemClock.wall_seconds()),
        };
        for remark in names.remarks().iter().filter(|remark| !self.remarks.contains(remark)) {
            tracing::warn!("leases: {remark}");
        }
        self.remarks = names.remarks().to_vec();
        tracing::debug!("leases: {} devices have a name", names.devices());
        local.put_leases(names);
    }

    /// Begins to read on a thread of its own, as files may be large. A reading under way began before the change and is
    /// given up.
    fn read(&mut self, generation: &Generation) {
        let config = generation.config.network.clone();
        let (send, done) = oneshot::channel();
        let work = move || {
            let names = LeaseNames::read(&config, SystemClock.wall_seconds());
            // The reading may have been given up.
            let _ = send.send(Box::new(names));
        };
        match std::thread::Builder::new().name("leases".into()).spawn(work) {
            Ok(_) => self.under_way = Some(done),
            Err(error) => tracing::error!("leases: the system gives no thread: {error}"),
        }
    }
}

/// Ends with the reading under way. Safe to cancel.
async fn done(under_way: &mut Option<oneshot::Receiver<Box<LeaseNames>>>) -> Box<LeaseNames> {
    let names = match under_way {
        Some(reading) => reading.await,
        None => return pending().await,
    };
    *under_way = None;
    match names {
        Ok(names) => names,
        // The thread has ended without a result: the names of before stay.
        Err(_) => pending().await,
    }
}

async fn written(watch: &mut Option<FileWatch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => pending().await,
    }
}

/// Ends at the end of a lease in force, or when the clock says so after a while.
async fn end_of_lease(generation: &Generation) {
    let leases = generation.rules.local().leases();
    loop {
        let Some(end) = leases.next_end() else { return pending().await };
        match end.saturating_sub(SystemClock.wall_seconds()) {
            0 => return,
            seconds => sleep(Duration::from_secs(seconds).min(MAX_WAIT)).await,
        }
    }
}
