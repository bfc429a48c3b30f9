//! The cache across restarts: a file in the state folder, written in the background now and then and at the end, and
//! read back beside the first answers.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use zoners_host::clock::boot_id;
use zoners_resolver::{Settings, Shared};
use zoners_store::Seal;
use zoners_store::snapshot::{self, Boot, Fingerprints, Loaded, Refusal, SnapshotOptions, Times};

use super::cache_file::CacheFile;
use super::origin::fingerprints;
use super::{network_zones, secret_file};
use crate::config::Config;

/// The file of the cache.
pub(super) const FILE: &str = "cache";
/// The name of an unusable file, for an operator to look at.
pub(super) const ASIDE: &str = "cache.bad";
/// The file of the secret with which the file of the cache is sealed.
pub(super) const SECRET: &str = "cache.key";
/// Octets.
const SECRET_LENGTH: usize = 32;
/// The first answer waits no longer than this for the file: a small file is read by then.
const LOAD_HEAD_START: Duration = Duration::from_millis(25);
/// Mean octets written per second, so a large cache does not wear out the disk.
const WRITTEN_PER_SECOND: u64 = 64 * 1024;

/// Keeps the cache in a folder.
#[derive(Debug)]
pub(super) struct CacheKeeper {
    folder: PathBuf,
    file: Arc<CacheFile>,
    secret: Arc<Seal>,
    shared: Arc<Shared>,
    every: Duration,
    max_octets: u64,
    loading: Loading,
    writing: Option<JoinHandle<io::Result<u64>>>,
    due: Instant,
}

/// The read of the file under way.
#[derive(Debug)]
struct Loading {
    stop: Arc<AtomicBool>,
    complete: Receiver<()>,
    done: bool,
}

impl CacheKeeper {
    /// Reads the file in `folder` in the background, and keeps the cache there from then on.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub(super) fn open(
        folder: PathBuf,
        config: &Config,
        shared: &Arc<Shared>,
        settings: &Settings,
    ) -> io::Result<Self> {
        let secret = Arc::new(Seal::new(&secret_file::read_or_make(
            &folder.join(SECRET),
            SECRET_LENGTH,
            &shared.random,
        )?));
        let every = Duration::from_secs(config.cache.persist_every.into());
        let loading = Loading::begin(&folder, &secret, shared, settings)?;
        let due = Instant::now() + every;
        let max_octets = config.cache.size.0 as u64;
        let file = Arc::new(CacheFile::new(folder.join(FILE), folder.join(ASIDE)));
        Ok(CacheKeeper {
            folder,
            file,
            secret,
            shared: shared.clone(),
            every,
            max_octets,
            loading,
            writing: None,
            due,
        })
    }

    /// The file, which a flush erases.
    pub(super) fn file(&self) -> Arc<CacheFile> {
        self.file.clone()
    }

    /// Writes the cache in the background, if a write is due. The trust anchors of `settings` have proven the entries.
    pub(super) fn look(&mut self, settings: &Settings) {
        if let Some(writing) = self.writing.take_if(|writing| writing.is_finished()) {
            let octets =
                octets_or_log(writing.join().unwrap_or_else(|_| Err(io::Error::other("a panic"))));
            let pace = Duration::from_secs(octets / WRITTEN_PER_SECOND);
            self.due = Instant::now() + self.every.max(pace);
        }
        if self.writing.is_none() && Instant::now() >= self.due && self.loading.is_done() {
            let thread = std::thread::Builder::new().name("keeper".into());
            let writing = thread.spawn(self.writing(settings));
            self.writing = writing.inspect_err(log_not_written).ok();
        }
    }

    /// Writes the cache for the last time, unless the file is not yet read.
    pub(super) fn finish(mut self, settings: &Settings) {
        self.loading.stop.store(true, Ordering::Relaxed);
        if let Some(writing) = self.writing.take() {
            let _ = writing.join();
        }
        if self.loading.is_done() {
            octets_or_log(self.writing(settings)());
        }
    }

    /// The work of a write for a new daemon, which reads the file; none while the file itself is not yet read.
    pub(super) fn write_for_successor(
        &mut self,
        settings: &Settings,
    ) -> Option<impl FnOnce() + use<>> {
        let write = self.loading.is_done().then(|| self.writing(settings))?;
        Some(move || {
            octets_or_log(write());
        })
    }

    /// Leaves the file to a new daemon.
    pub(super) fn leave_to_successor(self) {
        self.loading.stop.store(true, Ordering::Relaxed);
        if let Some(writing) = self.writing {
            let _ = writing.join();
        }
    }

    /// The work of a write, for whatever thread.
    fn writing(&self, settings: &Settings) -> impl FnOnce() -> io::Result<u64> + use<> {
        let (shared, secret) = (self.shared.clone(), self.secret.clone());
        let (file, max_octets) = (self.file.clone(), self.max_octets);
        let fingerprints = fingerprints(settings, &shared);
        let (folder, zones) = (self.folder.clone(), settings.network_zones.clone());
        move || {
            network_zones::note(&folder, &zones)?;
            file.write(|path| write(path, &shared, &secret, fingerprints, max_octets))
        }
    }
}

impl Loading {
    fn begin(
        folder: &Path,
        secret: &Arc<Seal>,
        shared: &Arc<Shared>,
        settings: &Settings,
    ) -> io::Result<Self> {
        let stop = Arc::<AtomicBool>::default();
        let (send, complete) = channel();
        let fingerprints = fingerprints(settings, shared);
        let (folder, secret, shared) = (folder.to_owned(), secret.clone(), shared.clone());
        let (stopping, of_networks) = (stop.clone(), network_zones::noted(&folder));
        std::thread::Builder::new().name("keeper".into()).spawn(move || {
            let options = SnapshotOptions { seal: Some(&secret), fingerprints };
            let proceed = || !stopping.load(Ordering::Relaxed);
            let (path, cache, clock) = (folder.join(FILE), &shared.cache, &*shared.clock);
            log_outcome(
                snapshot::read(&path, cache, &options, clock, boot(), true, proceed),
                &folder,
            );
            for zone in &of_networks {
                cache.flush(zone, true);
            }
            if proceed() {
                let _ = send.send(());
            }
        })?;
        let done = complete.recv_timeout(LOAD_HEAD_START).is_ok();
        Ok(Loading { stop, complete, done })
    }

    /// Whether the read is over.
    fn is_done(&mut self) -> bool {
        self.done |= self.complete.try_recv().is_ok();
        self.done
    }
}

/// Logs the outcome of a read. A foreign file is put aside.
fn log_outcome(outcome: Result<Loaded, Refusal>, folder: &Path) {
    let path = folder.join(FILE);
    let shown = path.display();
    match outcome {
        Ok(Loaded { entries, age, trusted }) => {
            let again = if trusted { "" } else { ", to be validated again" };
            let age = age.as_secs();
            let taken = entries.imported;
            tracing::info!("cache: loaded {taken} entries ({age} s old) from {shown}{again}");
        }
        Err(Refusal::Unreadable(error)) if error.kind() == io::ErrorKind::NotFound => {}
        Err(Refusal::Unreadable(error)) => tracing::warn!("cache: {shown} is not used: {error}"),
        Err(Refusal::Outdated(why)) => tracing::info!("cache: {shown} is not used: {why}"),
        Err(Refusal::Foreign(why)) => match fs::rename(&path, folder.join(ASIDE)) {
            Ok(()) => tracing::warn!("cache: {shown} is put aside as {ASIDE}: {why}"),
            Err(error) => {
                tracing::warn!("cache: {shown} is not used: {why}; it cannot be put aside: {error}")
            }
        },
    }
}

/// The octets written; logs a failure.
fn octets_or_log(written: io::Result<u64>) -> u64 {
    let written = written.inspect_err(log_not_written);
    written.inspect(|octets| tracing::debug!("cache: {octets} octets written")).unwrap_or(0)
}

fn log_not_written(error: &io::Error) {
    tracing::warn!("cache: not written: {error}");
}

/// Writes the cache to `path`, no more than about `max_octets`; returns the octets written.
///
/// # Errors
/// The file cannot be written.
fn write(
    path: &Path,
    shared: &Shared,
    seal: &Seal,
    fingerprints: Fingerprints,
    max_octets: u64,
) -> io::Result<u64> {
    let times = Times { reading: shared.clock.read(), boot: boot() };
    let options = SnapshotOptions { seal: Some(seal), fingerprints };
    snapshot::write(path, &shared.cache, &options, times, &shared.random, max_octets)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// Writes the whole cache to a file opened by a command; returns the octets written.
///
/// # Errors
/// The file cannot be written.
pub(super) fn dump(file: File, shared: &Shared, fingerprints: Fingerprints) -> io::Result<u64> {
    let times = Times { reading: shared.clock.read(), boot: boot() };
    let options = SnapshotOptions { seal: None, fingerprints };
    let mut out = BufWriter::new(file);
    let octets =
        snapshot::write_to(&mut out, &shared.cache, &options, times, &shared.random, u64::MAX)?;
    out.flush()?;
    Ok(octets)
}

/// Loads a file opened by a command into the cache.
///
/// # Errors
/// The reason why the file is not used to the end.
pub(super) fn bring(
    file: File,
    shared: &Shared,
    fingerprints: Fingerprints,
) -> Result<Loaded, String> {
    let options = SnapshotOptions { seal: None, fingerprints };
    let (cache, clock) = (&shared.cache, &*shared.clock);
    let read = snapshot::read_from(file, cache, &options, clock, boot(), false, || true);
    read.map_err(|refusal| match refusal {
        Refusal::Unreadable(error) => error.to_string(),
        Refusal::Foreign(why) | Refusal::Outdated(why) => why.to_owned(),
    })
}

/// The identifier of this start of the machine, read once, before the sandbox closes.
pub(super) fn boot() -> Boot {
    Boot(boot_id())
}
