//! Negative trust anchors that come and go while the daemon runs (RFC 7646).

use zoners_api::{
    AdminError, NegativeAnchorAdded, NegativeAnchorList, NegativeAnchorRemoved, UnvalidatedZone,
};
use zoners_dns::Network;
use zoners_resolver::{MAX_NEGATIVE_ANCHOR_SECONDS, MAX_NEGATIVE_ANCHORS};

use super::Overseer;
use super::cache::erase_file;
use super::requests::parse;
use crate::report::text;

/// Stops the validation of a zone for a time.
pub(super) fn add<N: Network>(
    overseer: &Overseer<N>,
    zone: &str,
    seconds: u32,
) -> Result<NegativeAnchorAdded, AdminError> {
    let (zone, service) = (parse(zone)?, overseer.service());
    let shared = service.worker().shared();
    if seconds == 0 || seconds > MAX_NEGATIVE_ANCHOR_SECONDS {
        return Err(AdminError::invalid(format!(
            "seconds: write 1 to {MAX_NEGATIVE_ANCHOR_SECONDS} (a week)"
        )));
    }
    if !shared.negative_anchors.add(&zone, seconds, shared.now()) {
        let full = format!(
            "there are {MAX_NEGATIVE_ANCHORS} negative trust anchors already, the most there may be"
        );
        return Err(AdminError::failed(full));
    }
    for memory in service.memories() {
        // The resolver of a group takes the same zones as they come.
        memory.negative_anchors.add(&zone, seconds, memory.now());
        // Earlier verdicts of validation no longer hold.
        memory.cache.flush(&zone, true);
    }
    erase_file(overseer)?;
    let zone = text(&zone);
    tracing::warn!("dnssec: {zone} is not validated for {seconds} s");
    Ok(NegativeAnchorAdded { zone, left_s: seconds })
}

/// Has a zone validated again.
pub(super) fn remove<N: Network>(
    overseer: &Overseer<N>,
    zone: &str,
) -> Result<NegativeAnchorRemoved, AdminError> {
    let (zone, service) = (parse(zone)?, overseer.service());
    let mut removed = false;
    for memory in service.memories() {
        removed |= memory.negative_anchors.remove(&zone);
        memory.cache.flush(&zone, true);
    }
    // Names that were not validated are on the disk, too.
    erase_file(overseer)?;
    Ok(NegativeAnchorRemoved { zone: text(&zone), removed })
}

/// The zones without validation.
pub(super) fn list<N: Network>(overseer: &Overseer<N>) -> NegativeAnchorList {
    let service = overseer.service();
    let shared = service.worker().shared();
    let listed = shared.negative_anchors.list(shared.now()).into_iter();
    let zone = |(zone, left_s)| UnvalidatedZone { zone: text(&zone), left_s };
    NegativeAnchorList { zones: listed.map(zone).collect() }
}
