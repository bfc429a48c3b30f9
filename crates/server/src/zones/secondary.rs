//! A secondary server of one zone: asks the primaries when it is due, keeps the newest version on disk, and tells.
//!
//! Lists of the policy may come this way, too: the versions of such a zone lie on the disk alone ([`ZonePlace`]).

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;
use zoners_dns::{Clock, Moment, Name, Random};
use zoners_host::file_watch::FileVersion;
use zoners_zones::transfer::{ReceivedZone, TransferLimits, TransferOutcome};
use zoners_zones::tsig::TsigKey;
use zoners_zones::{RefreshSchedule, ZoneVersion};

use super::conversation::{ConversationFailure, PrimaryStream, TransferTask, converse};
use super::root_trust::{RootTrust, ZoneCheck};
use super::saved_copy::SavedCopy;
use super::target::{FinishedZone, ZonePlace, ZoneTarget};

/// A zone with primaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecondarySpec {
    pub(crate) apex: Name,
    pub(crate) place: ZonePlace,
    /// The primaries, asked in this order until a primary gives a version.
    pub(crate) primaries: Vec<SocketAddr>,
    pub(crate) key: Option<TsigKey>,
    /// The source in place of primaries: then the copy ages until there is another file.
    pub(crate) file: Option<ZoneFile>,
    pub(crate) limits: TransferLimits,
    /// The folder for the copy on disk.
    pub(crate) folder: Option<PathBuf>,
    /// The trust anchors by which a copy of the root is verified.
    pub(crate) trust: Option<RootTrust>,
}

/// A file with a zone, and the version at the time of a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ZoneFile {
    pub(crate) path: PathBuf,
    pub(crate) version: Option<FileVersion>,
}

/// What a secondary tells.
#[derive(Debug)]
pub(crate) enum ZoneNews {
    /// A new version.
    Changed {
        zone: ZoneVersion,
        /// The records added to and taken from the version before; `None` if the whole zone has come.
        differences: Option<u64>,
    },
    /// The copy has expired: no primary has shown a version for too long.
    Expired(Name),
}

/// A secondary at work.
pub(crate) struct Secondary<C> {
    pub(crate) spec: SecondarySpec,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Random,
    /// Opens a stream to a primary.
    pub(crate) connect: C,
    /// Rung when a primary says that there is a new version.
    pub(crate) notified: Arc<Notify>,
    pub(crate) news: mpsc::Sender<ZoneNews>,
    /// The check of new versions, if the zone has a check.
    pub(crate) check: Option<ZoneCheck>,
}

/// The version at hand.
struct AtHand {
    zone: Option<ZoneVersion>,
    schedule: RefreshSchedule,
    is_expired: bool,
    /// The last failure, which is logged once.
    failure: Option<String>,
}

impl<S: PrimaryStream, C: AsyncFn(SocketAddr) -> std::io::Result<S>> Secondary<C> {
    /// Works until nobody listens to the news. `zone` is the copy at hand, found current so many seconds ago.
    pub(crate) async fn run(self, zone: Option<(ZoneVersion, u32)>) {
        let now = self.clock.now();
        let schedule = match &zone {
            None => RefreshSchedule::new(now),
            Some((zone, age)) => RefreshSchedule::restored(now, zone.soa(), *age),
        };
        let zone = zone.map(|(zone, _)| zone);
        let mut at_hand = AtHand { zone, schedule, is_expired: false, failure: None };
        while self.turn(&mut at_hand).await.is_some() {}
    }

    /// Waits for the next moment at which there is something to do, and does it. `None` at the end.
    async fn turn(&self, at_hand: &mut AtHand) -> Option<()> {
        let now = self.clock.now();
        let expires = at_hand.schedule.expires().filter(|_| !at_hand.is_expired);
        if expires.is_some_and(|expires| expires <= now) {
            at_hand.is_expired = true;
            tracing::error!("zone {}: the copy has expired", self.spec.apex.fmt_with_dot());
            self.news.send(ZoneNews::Expired(self.spec.apex.clone())).await.ok()?;
        }
        if at_hand.schedule.due() <= now {
            return self.refresh(at_hand).await;
        }
        let next =
            at_hand.schedule.due().min(expires.filter(|at| *at > now).unwrap_or(Moment::NEVER));
        tokio::select! {
            biased;
            () = self.news.closed() => return None,
            () = self.notified.notified() => at_hand.schedule.notified(self.clock.now()),
            () = sleep(next.since(now)) => {}
        }
        Some(())
    }

    /// Asks the primaries, one after the other.
    async fn refresh(&self, at_hand: &mut AtHand) -> Option<()> {
        let mut failure = None;
        for primary in &self.spec.primaries {
            match self.ask(*primary, at_hand).await {
                Ok(outcome) => return self.refreshed(*primary, at_hand, outcome).await,
                Err(why) => failure = Some(format!("{primary}: {why}")),
            }
        }
        at_hand.schedule.failed(self.clock.now());
        if failure != at_hand.failure {
            let why = failure.as_deref().unwrap_or_default();
            tracing::warn!("zone {}: not refreshed: {why}", self.spec.apex.fmt_with_dot());
            at_hand.failure = failure;
        }
        Some(())
    }

    /// Asks a primary, and keeps a new version.
    async fn ask(
        &self,
        primary: SocketAddr,
        at_hand: &AtHand,
    ) -> Result<TransferOutcome<ZoneVersion>, String> {
        let target = ZoneTarget {
            apex: self.spec.apex.clone(),
            place: self.spec.place,
            base: at_hand.zone.clone(),
            saved: self.saved(),
            max_octets: self.spec.limits.max_zone_octets,
        };
        let task = TransferTask { target, key: self.spec.key.clone(), limits: self.spec.limits };
        let connect = async || (self.connect)(primary).await;
        let outcome = converse(&task, &*self.clock, &self.random, connect).await;
        let outcome = outcome.map_err(|failure: ConversationFailure| failure.to_string())?;
        let TransferOutcome::Changed(received) = outcome else {
            return Ok(TransferOutcome::Current);
        };
        let ReceivedZone { version, differences, foreign } = received;
        if let (FinishedZone::Memory(zone), Some(check)) = (&version, &self.check) {
            check(zone)?;
        }
        let version = task.target.keep(version)?;
        Ok(TransferOutcome::Changed(ReceivedZone { version, differences, foreign }))
    }

    /// Takes what a primary has shown.
    async fn refreshed(
        &self,
        primary: SocketAddr,
        at_hand: &mut AtHand,
        outcome: TransferOutcome<ZoneVersion>,
    ) -> Option<()> {
        let apex = self.spec.apex.fmt_with_dot();
        let was_expired = std::mem::take(&mut at_hand.is_expired);
        at_hand.failure = None;
        let (zone, differences, is_new) = match (outcome, at_hand.zone.clone()) {
            (TransferOutcome::Changed(received), _) => {
                let ReceivedZone { version, differences, foreign } = received;
                tracing::debug!("zone {apex}: serial {} from {primary}", version.soa().serial);
                if foreign > 0 {
                    tracing::warn!("zone {apex}: {foreign} records outside the zone are dropped");
                }
                (version, differences, true)
            }
            (TransferOutcome::Current, Some(zone)) => (zone, Some(0), false),
            // Nothing can be current without a version at hand.
            (TransferOutcome::Current, None) => return Some(()),
        };
        self.saved().note_current(self.clock.wall_seconds());
        at_hand.schedule.refreshed(self.clock.now(), zone.soa(), self.random.bits() as u8);
        at_hand.zone = Some(zone.clone());
        if is_new || was_expired {
            self.news.send(ZoneNews::Changed { zone, differences }).await.ok()?;
        }
        Some(())
    }

    fn saved(&self) -> SavedCopy {
        SavedCopy::of(self.spec.folder.as_deref(), &self.spec.apex)
    }
}

#[cfg(test)]
mod tests;
