//! Keeping the cache across restarts: a file in the state folder, written in the background now and
//! then and at the end, read back beside the first answers.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use zoners_dns::Random;
use zoners_files::{open_secret, replace};
use zoners_host::clock::boot_id;
use zoners_resolver::{Settings, Shared};
use zoners_store::Seal;
use zoners_store::snapshot::{self, Boot, Fingerprints, Loaded, Refusal, SnapshotOptions, Times};

use crate::config::Config;

/// The file of the cache.
pub(super) const FILE: &str = "cache";
/// What becomes of one that is not used.
pub(super) const ASIDE: &str = "cache.bad";
/// The file of the secret that it is sealed with.
pub(super) const SECRET: &str = "cache.key";
const SECRET_LENGTH: usize = 32;
/// The first answer waits no longer than this for what is read back: a small file is through by then.
const HEAD_START: Duration = Duration::from_millis(25);
/// Octets a second that writing takes on average, so that a large cache does not wear the disk.
const PACE: u64 = 64 * 1024;

/// Keeps a cache in a folder.
#[derive(Debug)]
pub(super) struct Keeper {
    folder: PathBuf,
    secret: Arc<Seal>,
    shared: Arc<Shared>,
    every: Duration,
    most: u64,
    loading: Loading,
    writing: Option<JoinHandle<io::Result<u64>>>,
    due: Instant,
}

/// Reading back that is under way.
#[derive(Debug)]
struct Loading {
    stop: Arc<AtomicBool>,
    whole: Receiver<()>,
    done: bool,
}

impl Keeper {
    /// Reads back what `folder` has, in the background, and keeps it from then on.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub(super) fn open(
        folder: PathBuf,
        config: &Config,
        shared: &Arc<Shared>,
        settings: &Settings,
    ) -> io::Result<Self> {
        let secret = Arc::new(Seal::new(&secret(&folder.join(SECRET), &shared.random)?));
        let every = Duration::from_secs(config.cache.persist_every.into());
        let loading = Loading::begin(&folder, &secret, shared, settings)?;
        let due = Instant::now() + every;
        let most = config.cache.size.0 as u64;
        Ok(Keeper {
            folder,
            secret,
            shared: shared.clone(),
            every,
            most,
            loading,
            writing: None,
            due,
        })
    }

    /// Writes the cache in the background, if it is time to. What it says was proven by `settings`.
    pub(super) fn look(&mut self, settings: &Settings) {
        if let Some(writing) = self.writing.take_if(|writing| writing.is_finished()) {
            let octets = told(writing.join().unwrap_or_else(|_| Err(io::Error::other("a panic"))));
            let pace = Duration::from_secs(octets / PACE);
            self.due = Instant::now() + self.every.max(pace);
        }
        if self.writing.is_none() && Instant::now() >= self.due && self.loading.is_done() {
            let thread = std::thread::Builder::new().name("keeper".into());
            let writing = thread.spawn(self.writing(settings));
            self.writing = writing.inspect_err(not_kept).ok();
        }
    }

    /// Writes the cache for the last time, unless it is not yet read back.
    pub(super) fn finish(mut self, settings: &Settings) {
        self.loading.stop.store(true, Ordering::Relaxed);
        if let Some(writing) = self.writing.take() {
            let _ = writing.join();
        }
        if self.loading.is_done() {
            told(self.writing(settings)());
        }
    }

    /// What writes the cache, wherever it runs.
    fn writing(&self, settings: &Settings) -> impl FnOnce() -> io::Result<u64> + use<> {
        let (shared, secret) = (self.shared.clone(), self.secret.clone());
        let (path, most) = (self.folder.join(FILE), self.most);
        let fingerprints = fingerprints(settings, &shared);
        move || write(&path, &shared, &secret, fingerprints, most)
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
        let (tell, whole) = channel();
        let fingerprints = fingerprints(settings, shared);
        let (folder, secret, shared) = (folder.to_owned(), secret.clone(), shared.clone());
        let stopping = stop.clone();
        std::thread::Builder::new().name("keeper".into()).spawn(move || {
            let terms = SnapshotOptions { seal: Some(&secret), fingerprints };
            let proceed = || !stopping.load(Ordering::Relaxed);
            let (path, cache, clock) = (folder.join(FILE), &shared.cache, &*shared.clock);
            tell_of(snapshot::read(&path, cache, &terms, clock, boot(), true, proceed), &folder);
            if proceed() {
                let _ = tell.send(());
            }
        })?;
        let done = whole.recv_timeout(HEAD_START).is_ok();
        Ok(Loading { stop, whole, done })
    }

    /// Whether all was read back that could be.
    fn is_done(&mut self) -> bool {
        self.done |= self.whole.try_recv().is_ok();
        self.done
    }
}

/// Says how reading went; what is not ours is put aside.
fn tell_of(outcome: Result<Loaded, Refusal>, folder: &Path) {
    let path = folder.join(FILE);
    let shown = path.display();
    match outcome {
        Ok(Loaded { entries, age, trusted }) => {
            let again = if trusted { "" } else { ", to be proven again" };
            let age = age.as_secs();
            tracing::info!(
                "{} entries of {age} s ago are back from {shown}{again}",
                entries.imported
            );
        }
        Err(Refusal::Unreadable(error)) if error.kind() == io::ErrorKind::NotFound => {}
        Err(Refusal::Unreadable(error)) => tracing::warn!("{shown}: {error}; it is not used"),
        Err(Refusal::Outdated(why)) => tracing::info!("{shown}: {why}; it is not used"),
        Err(Refusal::Foreign(why)) => match fs::rename(&path, folder.join(ASIDE)) {
            Ok(()) => tracing::warn!("{shown}: {why}; it is put aside as {ASIDE}"),
            Err(error) => tracing::warn!("{shown}: {why}; it cannot be put aside: {error}"),
        },
    }
}

/// Octets that were written; says what went wrong.
fn told(written: io::Result<u64>) -> u64 {
    let written = written.inspect_err(not_kept);
    written.inspect(|octets| tracing::debug!("the cache is kept in {octets} octets")).unwrap_or(0)
}

fn not_kept(error: &io::Error) {
    tracing::warn!("the cache is not kept: {error}");
}

/// Writes the cache to `path`, no more than about `most` octets; says how many.
///
/// # Errors
/// The file cannot be written.
fn write(
    path: &Path,
    shared: &Shared,
    seal: &Seal,
    fingerprints: Fingerprints,
    most: u64,
) -> io::Result<u64> {
    let times = Times { reading: shared.clock.read(), boot: boot() };
    let terms = SnapshotOptions { seal: Some(seal), fingerprints };
    snapshot::write(path, &shared.cache, &terms, times, &shared.random, most)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// Writes the whole cache to a file that somebody has opened; says how many octets.
///
/// # Errors
/// The file cannot be written.
pub(super) fn dump(file: File, shared: &Shared, fingerprints: Fingerprints) -> io::Result<u64> {
    let times = Times { reading: shared.clock.read(), boot: boot() };
    let terms = SnapshotOptions { seal: None, fingerprints };
    let mut out = BufWriter::new(file);
    let octets =
        snapshot::write_to(&mut out, &shared.cache, &terms, times, &shared.random, u64::MAX)?;
    out.flush()?;
    Ok(octets)
}

/// Takes a file that somebody has opened into the cache.
///
/// # Errors
/// It is not used, or not to its end, and why.
pub(super) fn bring(
    file: File,
    shared: &Shared,
    fingerprints: Fingerprints,
) -> Result<Loaded, String> {
    let terms = SnapshotOptions { seal: None, fingerprints };
    let (cache, clock) = (&shared.cache, &*shared.clock);
    let read = snapshot::read_from(file, cache, &terms, clock, boot(), false, || true);
    read.map_err(|refusal| match refusal {
        Refusal::Unreadable(error) => error.to_string(),
        Refusal::Foreign(why) | Refusal::Outdated(why) => why.to_owned(),
    })
}

/// What answers rest on that were found by `settings`. While somebody lets zones go unvalidated, what
/// is proven then is not proven by the settings alone.
pub(super) fn fingerprints(settings: &Settings, shared: &Shared) -> Fingerprints {
    let Settings { root, routes, anchors, negative_anchors, skew, validation_date, .. } = settings;
    let sources = format!("{root:?} {routes:?}");
    let unvalidated = shared.negative_anchors.list(shared.now());
    let proofs =
        format!("{anchors:?} {negative_anchors:?} {skew} {validation_date:?} {unvalidated:?}");
    Fingerprints::of(&sources, &proofs)
}

/// The secret in the file at `path`; a new one, if there is none that can be one, or others may have
/// seen it.
fn secret(path: &Path, random: &Random) -> io::Result<Vec<u8>> {
    let mut secret = Vec::new();
    match open_secret(path) {
        Ok(file) => drop(file.take(SECRET_LENGTH as u64 + 1).read_to_end(&mut secret)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!("{}: {error}; a new secret is made", path.display()),
    }
    if secret.len() != SECRET_LENGTH {
        secret = (0..SECRET_LENGTH / 8).flat_map(|_| random.bits().to_be_bytes()).collect();
        replace(path, 0o600, |out| out.write_all(&secret))?;
    }
    Ok(secret)
}

/// Which start of the machine this is. It is read once, before the sandbox closes.
pub(super) fn boot() -> Boot {
    Boot(boot_id())
}
