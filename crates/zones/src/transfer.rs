//! Zone transfers (AXFR, RFC 5936; IXFR, RFC 1995) as a state machine: messages in, the new version of the zone out.
//!
//! A reply to IXFR has one of three forms: the SOA record alone (nothing is new), a series of differences, or the whole
//! zone as in AXFR. Differences are applied to the version at hand. A difference that does not fit makes the whole zone
//! necessary ([`TransferFault::needs_whole_zone`]). The records go to a [`VersionDraft`] as they come, in memory or on
//! the disk.

mod draft;
mod fault;
mod request;
mod stage;

use std::mem;

use zoners_dns::message::TransferMessage;
use zoners_dns::{Rcode, Rtype, ZoneRecord, name};

use crate::serial::is_newer;
use crate::zone::Soa;
pub use draft::{TransferTarget, VersionDraft};
pub use fault::TransferFault;
pub use request::{axfr_request, ixfr_request, soa_request};
use stage::{Differences, NewVersion, ReceivedDraft, TransferStage};

type VersionOf<T> = <<T as TransferTarget>::Draft as VersionDraft>::Version;

/// The limits of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferLimits {
    /// The octets that the zone may take, in memory or on the disk.
    pub max_zone_octets: usize,
    /// Octets of all messages.
    pub max_received_octets: usize,
}

/// What came of a transfer.
#[derive(Debug)]
pub enum TransferOutcome<V> {
    /// The version at hand is the newest.
    Current,
    /// A new version.
    Changed(ReceivedZone<V>),
}

/// A new version of a zone.
#[derive(Debug)]
pub struct ReceivedZone<V> {
    /// The version.
    pub version: V,
    /// The records that were added to and taken from the version at hand; `None` if the whole zone has come.
    pub differences: Option<u64>,
    /// Records outside the zone, which were dropped.
    pub foreign: u64,
}

/// A transfer under way.
#[derive(Debug)]
pub struct ZoneTransfer<'a, T: TransferTarget> {
    target: &'a T,
    id: u16,
    limits: TransferLimits,
    /// Whether the request was IXFR.
    is_incremental: bool,
    stage: TransferStage<T::Draft>,
    octets: usize,
    foreign: u64,
}

impl<'a, T: TransferTarget> ZoneTransfer<'a, T> {
    /// The reply to a request for the whole zone, with this ID.
    #[must_use]
    pub fn whole(target: &'a T, id: u16, limits: TransferLimits) -> Self {
        let (stage, is_incremental) = (TransferStage::Begin, false);
        ZoneTransfer { target, id, limits, is_incremental, stage, octets: 0, foreign: 0 }
    }

    /// The reply to a request for the differences from the version at hand, with this ID.
    #[must_use]
    pub fn differences(target: &'a T, id: u16, limits: TransferLimits) -> Self {
        ZoneTransfer { is_incremental: true, ..ZoneTransfer::whole(target, id, limits) }
    }

    /// Takes the next message; returns the outcome at the end of the transfer.
    ///
    /// # Errors
    /// The transfer is of no use; it ends here.
    pub fn take(
        &mut self,
        octets: &[u8],
        message: TransferMessage,
    ) -> Result<Option<TransferOutcome<VersionOf<T>>>, TransferFault> {
        self.octets += octets.len();
        self.check(&message)?;
        for record in message.answer {
            self.take_record(record)?;
        }
        match mem::replace(&mut self.stage, TransferStage::Failed) {
            TransferStage::Ended(version, draft) => self.finish(&version, draft).map(Some),
            // The SOA record alone. A server that has more to say about a newer version may say it in the next message.
            TransferStage::Second(version) if !self.is_news(version.serial) => {
                Ok(Some(TransferOutcome::Current))
            }
            stage => {
                self.stage = stage;
                Ok(None)
            }
        }
    }

    /// Checks the message as a whole.
    fn check(&self, message: &TransferMessage) -> Result<(), TransferFault> {
        let header = &message.header;
        let is_ours = match (&message.question, &self.stage) {
            (Some(question), _) => {
                question.name == *self.target.apex()
                    && matches!(question.rtype, Rtype::AXFR | Rtype::IXFR)
            }
            (None, TransferStage::Begin) => header.rcode() != Rcode::NOERROR,
            (None, _) => true,
        };
        if header.id() != self.id || !header.qr() || !is_ours {
            return Err(TransferFault::NoReply);
        }
        if header.rcode() != Rcode::NOERROR {
            return Err(TransferFault::Refused(header.rcode()));
        }
        // Without a record, a message may come again and again.
        if message.answer.is_empty() {
            return Err(TransferFault::Empty);
        }
        match self.octets > self.limits.max_received_octets {
            true => Err(TransferFault::TooLong(self.limits.max_received_octets)),
            false => Ok(()),
        }
    }

    fn take_record(&mut self, record: ZoneRecord) -> Result<(), TransferFault> {
        let apex = self.target.apex();
        let soa = (record.rtype == Rtype::SOA && record.owner == *apex)
            .then(|| Soa::read(&record.rdata).ok_or(TransferFault::BrokenSoa))
            .transpose()?;
        let is_within = name::is_within(&record.owner, apex);
        self.stage = match (mem::replace(&mut self.stage, TransferStage::Failed), soa) {
            (TransferStage::Begin, Some(soa)) => {
                TransferStage::Second(NewVersion { record, serial: soa.serial })
            }
            (TransferStage::Begin, None) => return Err(TransferFault::NoSoa),
            (TransferStage::Ended(..) | TransferStage::Failed, _) => {
                return Err(TransferFault::AfterEnd);
            }
            (stage, None) if !is_within => {
                self.foreign += 1;
                stage
            }
            (TransferStage::Second(version), soa) => self.second(version, record, soa)?,
            (TransferStage::Whole(version, draft), Some(_)) => version.end_whole(&record, draft)?,
            (TransferStage::Whole(version, mut draft), None) => {
                draft.add(record)?;
                TransferStage::Whole(version, draft)
            }
            (TransferStage::Removing(version, mut state), soa) => match soa {
                Some(soa) => {
                    state.serial = soa.serial;
                    state.add(record)?;
                    TransferStage::Adding(version, state)
                }
                None => {
                    state.remove(&record)?;
                    TransferStage::Removing(version, state)
                }
            },
            (TransferStage::Adding(version, mut state), soa) => match soa {
                Some(soa) if soa.serial != state.serial => return Err(TransferFault::Diverges),
                // After the last difference, the first SOA record comes again.
                Some(_) if state.serial == version.serial => {
                    let received =
                        ReceivedDraft { draft: state.draft, differences: Some(state.count) };
                    TransferStage::Ended(version, received)
                }
                Some(_) => {
                    state.remove(&record)?;
                    TransferStage::Removing(version, state)
                }
                None => {
                    state.add(record)?;
                    TransferStage::Adding(version, state)
                }
            },
        };
        Ok(())
    }

    /// The second record says whether differences or the whole zone follow (RFC 1995 section 4).
    fn second(
        &self,
        version: NewVersion,
        record: ZoneRecord,
        soa: Option<Soa>,
    ) -> Result<TransferStage<T::Draft>, TransferFault> {
        let known = self.target.known().filter(|_| self.is_incremental);
        match (soa, known) {
            (Some(soa), Some(known)) if soa.serial != version.serial => {
                if soa.serial != known.serial {
                    return Err(TransferFault::Diverges);
                }
                let draft = self.target.changed()?;
                let mut state = Differences { draft, serial: soa.serial, count: 0 };
                state.remove(&record)?;
                Ok(TransferStage::Removing(version, state))
            }
            // A zone of nothing but its SOA record.
            (Some(_), _) => {
                let mut draft = self.target.whole()?;
                draft.add(version.record.clone())?;
                version.end_whole(&record, draft)
            }
            (None, _) => {
                let mut draft = self.target.whole()?;
                draft.add(version.record.clone())?;
                draft.add(record)?;
                Ok(TransferStage::Whole(version, draft))
            }
        }
    }

    /// The outcome of a transfer that has come to its end.
    fn finish(
        &self,
        version: &NewVersion,
        received: ReceivedDraft<T::Draft>,
    ) -> Result<TransferOutcome<VersionOf<T>>, TransferFault> {
        if !self.is_news(version.serial) {
            let known = self.target.known().map_or(0, |known| known.serial);
            return match version.serial == known {
                true => Ok(TransferOutcome::Current),
                false => Err(TransferFault::OlderSerial { known, received: version.serial }),
            };
        }
        let ReceivedDraft { draft, differences } = received;
        let (version, foreign) = (draft.finish()?, self.foreign);
        Ok(TransferOutcome::Changed(ReceivedZone { version, differences, foreign }))
    }

    fn is_news(&self, serial: u32) -> bool {
        self.target.known().is_none_or(|known| is_newer(serial, known.serial))
    }
}

#[cfg(test)]
mod tests;
