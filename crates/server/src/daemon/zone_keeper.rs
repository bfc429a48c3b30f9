//! The zones with primaries: their secondaries work on a thread of their own, since a large zone takes a second to read.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::task::LocalSet;
use zoners_dns::{Clock, Name};
use zoners_zones::{AuthoritativeZone, ZoneCopy, ZoneVersion};

use super::generation::{Core, Generation};
use crate::clock::SystemClock;
use crate::zones::{
    self, NotifiedZone, SavedCopy, Secondary, SecondarySpec, TransferredZones, ZoneFile, ZoneNews,
    ZonePlace,
};

/// News that wait to be put into force.
const MAX_WAITING_NEWS: usize = 16;

/// The secondaries at work.
#[derive(Debug)]
pub(super) struct ZoneKeeper {
    /// The state folder; without one, a restart fetches each zone anew.
    folder: Option<PathBuf>,
    specs: Vec<SecondarySpec>,
    /// The news of the secondaries, which end with this receiver.
    news: Option<mpsc::Receiver<ZoneNews>>,
}

/// A secondary before its start, with the copy at hand.
type NextSecondary = (SecondarySpec, Arc<Notify>, Option<(ZoneVersion, u32)>);

impl ZoneKeeper {
    /// Puts the copies in the state folder into force, and sets the secondaries to work.
    pub(super) fn begin(folder: Option<&Path>, core: &Core, generation: &Generation) -> Self {
        let folder = folder.map(Path::to_owned);
        let mut keeper = ZoneKeeper { folder, specs: Vec::new(), news: None };
        keeper.turn_to(core, generation);
        generation.put_transferred(core);
        keeper
    }

    /// Sets other secondaries to work, if the configuration has other zones with primaries.
    pub(super) fn turn_to(&mut self, core: &Core, generation: &Generation) {
        let (config, settings) = (&generation.config, &generation.settings);
        let folder = self.folder.as_deref();
        // The configuration is valid.
        let mut specs = zones::secondaries(config, folder).unwrap_or_default();
        specs.extend(zones::local_root(config, settings, folder));
        if specs == self.specs {
            return;
        }
        self.specs.clone_from(&specs);
        core.transferred.retain(|apex| specs.iter().any(|spec| spec.apex == *apex));
        let next: Vec<NextSecondary> =
            specs.into_iter().map(|spec| with_copy(spec, &core.transferred)).collect();
        core.notify_inbox.replace(next.iter().map(notified).collect());
        self.news = None;
        if next.is_empty() {
            return;
        }
        let (send, news) = mpsc::channel(MAX_WAITING_NEWS);
        let random = core.shared.random.clone();
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => return tracing::error!("zones: no transfers: {error}"),
            };
            let set = LocalSet::new();
            for (spec, notified, copy) in next {
                let clock: Arc<dyn Clock> = Arc::new(SystemClock);
                let check = spec.trust.clone().map(|trust| trust.check(clock.clone()));
                let secondary = Secondary {
                    spec,
                    clock,
                    random: random.clone(),
                    connect: async |primary: SocketAddr| TcpStream::connect(primary).await,
                    notified,
                    news: send.clone(),
                    check,
                };
                set.spawn_local(secondary.run(copy));
            }
            drop(send);
            runtime.block_on(set);
        };
        match std::thread::Builder::new().name("zones".into()).spawn(work) {
            Ok(_) => self.news = Some(news),
            Err(error) => {
                tracing::error!("zones: no transfers: the system gives no thread: {error}")
            }
        }
    }

    /// The next news. Safe to cancel and call again.
    pub(super) async fn news(&mut self) -> ZoneNews {
        if let Some(news) = &mut self.news {
            if let Some(news) = news.recv().await {
                return news;
            }
            self.news = None;
        }
        std::future::pending().await
    }
}

/// The copy of a zone at hand: of this process, or of the state folder.
fn with_copy(spec: SecondarySpec, transferred: &TransferredZones) -> NextSecondary {
    let wall_seconds = SystemClock.wall_seconds();
    let copy = copy_on_disk(&spec, wall_seconds);
    // Without a folder, the copy in force counts from now on.
    let in_force = || transferred.version(&spec.apex).map(|zone| (zone, 0));
    let copy = copy.or_else(|| spec.file.is_none().then(in_force).flatten());
    let copy = copy.filter(|(zone, _)| place_of(zone) == spec.place);
    let put = match &copy {
        Some((zone, age)) if *age < zone.soa().expire => zone.clone().into(),
        Some(_) => ZoneCopy::Unavailable("the copy has expired".into()),
        None => ZoneCopy::Unavailable("not transferred yet".into()),
    };
    transferred.put(spec.apex.clone(), put);
    (spec, Arc::new(Notify::new()), copy)
}

/// The copy of the state folder, or of the configured file.
fn copy_on_disk(spec: &SecondarySpec, wall_seconds: u64) -> Option<(ZoneVersion, u32)> {
    let saved = SavedCopy::of(spec.folder.as_deref(), &spec.apex);
    let of_file = |file: &ZoneFile| {
        let read = zones::read_copy(spec, &file.path, wall_seconds);
        let log = |why: &String| tracing::warn!("zone {}: {why}", spec.apex.fmt_with_dot());
        read.inspect_err(log).ok()
    };
    let loaded = match (&spec.file, spec.place) {
        (Some(file), _) => of_file(file),
        (None, ZonePlace::Memory) => {
            saved.load(&spec.apex, spec.limits.max_zone_octets, wall_seconds)
        }
        (None, ZonePlace::Disk) => {
            let (zone, age) = saved.open(&spec.apex, wall_seconds)?;
            return Some((ZoneVersion::Stored(zone), age));
        }
    };
    let (zone, age) = loaded.filter(|(zone, _)| is_trusted(spec, zone, wall_seconds))?;
    Some((ZoneVersion::Loaded(zone), age))
}

fn place_of(zone: &ZoneVersion) -> ZonePlace {
    match zone {
        ZoneVersion::Loaded(_) => ZonePlace::Memory,
        ZoneVersion::Stored(_) => ZonePlace::Disk,
    }
}

/// Whether a copy from the disk is verified, as far as that is needed.
fn is_trusted(spec: &SecondarySpec, zone: &AuthoritativeZone, wall_seconds: u64) -> bool {
    let verified = spec.trust.as_ref().map_or(Ok(()), |trust| trust.verify(zone, wall_seconds));
    verified.inspect_err(|why| tracing::warn!("zone {}: {why}", spec.apex.fmt_with_dot())).is_ok()
}

fn notified((spec, bell, _): &NextSecondary) -> NotifiedZone {
    let (apex, primaries) = (spec.apex.clone(), spec.primaries.clone());
    NotifiedZone { apex, primaries, key: spec.key.clone(), bell: bell.clone() }
}

/// Logs news of a zone.
pub(super) fn log(news: &ZoneNews) {
    let ZoneNews::Changed { zone, differences } = news else { return };
    let (apex, serial) = (zone.apex().fmt_with_dot(), zone.soa().serial);
    match (differences, zone) {
        (Some(0), _) => tracing::info!("zone {apex}: serial {serial} counts again"),
        (Some(count), _) => {
            tracing::info!("zone {apex}: serial {serial} in force, {count} differences");
        }
        (None, ZoneVersion::Loaded(zone)) => {
            tracing::info!("zone {apex}: serial {serial} in force, {} names", zone.names());
        }
        (None, ZoneVersion::Stored(zone)) => {
            let records = zone.record_count();
            tracing::info!("zone {apex}: serial {serial} in force, {records} records");
        }
    }
}

/// The zone that news are about, and the copy that is to be in force from now on.
pub(super) fn copy_of(news: &ZoneNews) -> (Name, ZoneCopy) {
    match news {
        ZoneNews::Changed { zone, .. } => (zone.apex().clone(), zone.clone().into()),
        ZoneNews::Expired(apex) => {
            (apex.clone(), ZoneCopy::Unavailable("the copy has expired".into()))
        }
    }
}
