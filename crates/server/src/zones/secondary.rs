//! A secondary server of one zone: asks the primaries when it is due, keeps the newest version on disk, and tells.
//!
//! Lists of the policy may come this way, too: a [`SecondarySpec`] names the zone, and each [`ZoneNews`] has the new
//! version with the differences from the version before, if the primary gave differences.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;
use zoners_dns::{Clock, Moment, Name, Random};
use zoners_host::file_watch::FileVersion;
use zoners_zones::transfer::{TransferLimits, TransferOutcome, ZoneChanges};
use zoners_zones::tsig::TsigKey;
use zoners_zones::{AuthoritativeZone, RefreshSchedule};

use super::conversation::{ConversationFailure, PrimaryStream, TransferTask, converse};
use super::root_trust::{RootTrust, ZoneCheck};
use super::saved_copy::SavedCopy;

/// A zone with primaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecondarySpec {
    pub(crate) apex: Name,
    /// The primaries, asked one after the other until one gives a version.
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
        zone: Arc<AuthoritativeZone>,
        /// The differences from the version before; `None` if all of it is new.
        changes: Option<ZoneChanges>,
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
    /// The check of new versions, if they have to pass one.
    pub(crate) check: Option<ZoneCheck>,
}

/// The version at hand.
struct AtHand {
    zone: Option<Arc<AuthoritativeZone>>,
    schedule: RefreshSchedule,
    is_expired: bool,
    /// The last failure, which is logged once.
    failure: Option<String>,
}

impl<S: PrimaryStream, C: AsyncFn(SocketAddr) -> std::io::Result<S>> Secondary<C> {
    /// Works until nobody listens to the news. `zone` is the copy at hand, found current so many seconds ago.
    pub(crate) async fn run(self, zone: Option<(Arc<AuthoritativeZone>, u32)>) {
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

    async fn ask(&self, primary: SocketAddr, at_hand: &AtHand) -> Result<TransferOutcome, String> {
        let task = TransferTask {
            apex: self.spec.apex.clone(),
            base: at_hand.zone.clone(),
            key: self.spec.key.clone(),
            limits: self.spec.limits,
        };
        let connect = async || (self.connect)(primary).await;
        let outcome = converse(&task, &*self.clock, &self.random, connect).await;
        let outcome = outcome.map_err(|failure: ConversationFailure| failure.to_string())?;
        if let (TransferOutcome::Changed(received), Some(check)) = (&outcome, &self.check) {
            check(&received.zone)?;
        }
        Ok(outcome)
    }

    /// Takes what a primary has shown.
    async fn refreshed(
        &self,
        primary: SocketAddr,
        at_hand: &mut AtHand,
        outcome: TransferOutcome,
    ) -> Option<()> {
        let apex = self.spec.apex.fmt_with_dot();
        let saved = SavedCopy::of(self.spec.folder.as_deref(), &self.spec.apex);
        let was_expired = std::mem::take(&mut at_hand.is_expired);
        at_hand.failure = None;
        let (zone, changes) = match (outcome, at_hand.zone.clone()) {
            (TransferOutcome::Changed(received), _) => {
                let (serial, foreign) = (received.zone.soa().serial, received.foreign);
                tracing::debug!("zone {apex}: serial {serial} from {primary}");
                if foreign > 0 {
                    tracing::warn!("zone {apex}: {foreign} records outside the zone are dropped");
                }
                saved.write(&received.zone);
                (Arc::new(received.zone), received.changes)
            }
            (TransferOutcome::Current, Some(zone)) => (zone, Some(ZoneChanges::default())),
            // Nothing can be current without a version at hand.
            (TransferOutcome::Current, None) => return Some(()),
        };
        saved.note_current(self.clock.wall_seconds());
        at_hand.schedule.refreshed(self.clock.now(), zone.soa(), self.random.bits() as u8);
        let is_new = at_hand.zone.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &zone));
        at_hand.zone = Some(zone.clone());
        if is_new || was_expired {
            self.news.send(ZoneNews::Changed { zone, changes }).await.ok()?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
