//! Zone transfers (AXFR, RFC 5936; IXFR, RFC 1995) as a state machine: messages in, the new version of the zone out.
//!
//! A reply to IXFR has one of three forms: the SOA record alone (nothing is new), a series of differences, or the whole
//! zone as in AXFR. Differences are applied to the version at hand. A difference that does not fit makes the whole zone
//! necessary ([`TransferFault::needs_whole_zone`]).

mod fault;
mod request;
mod stage;

use std::mem;
use std::sync::Arc;

use zoners_dns::message::TransferMessage;
use zoners_dns::{Name, Rcode, Rtype, ZoneRecord, name};

use crate::builder::ZoneBuilder;
use crate::serial::is_newer;
use crate::zone::{AuthoritativeZone, Soa};
pub use fault::TransferFault;
pub use request::{axfr_request, ixfr_request, soa_request};
use stage::{Differences, NewVersion, TransferStage};

/// The limits of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferLimits {
    /// The memory that the zone may take, in octets.
    pub max_zone_octets: usize,
    /// Octets of all messages.
    pub max_received_octets: usize,
}

/// What came of a transfer.
#[derive(Debug)]
pub enum TransferOutcome {
    /// The version at hand is the newest.
    Current,
    /// A new version.
    Changed(Box<ReceivedZone>),
}

/// A new version of a zone.
#[derive(Debug)]
pub struct ReceivedZone {
    /// The zone.
    pub zone: AuthoritativeZone,
    /// The differences from the version at hand; `None` if the whole zone has come.
    pub changes: Option<ZoneChanges>,
    /// Records outside the zone, which were dropped.
    pub foreign: usize,
}

/// The records that a new version lacks and has beside those of the version before, in the order of the transfer: a
/// record may come and go again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneChanges {
    /// Each record, and whether it was added.
    pub records: Vec<(ZoneRecord, bool)>,
}

/// A transfer under way.
#[derive(Debug)]
pub struct ZoneTransfer {
    apex: Name,
    id: u16,
    limits: TransferLimits,
    /// The version at hand, if the request was IXFR.
    base: Option<Arc<AuthoritativeZone>>,
    /// The serial of the version at hand, be it of use for IXFR or not.
    known_serial: Option<u32>,
    stage: TransferStage,
    octets: usize,
    foreign: usize,
}

impl ZoneTransfer {
    /// The reply to a request for the whole zone, with this ID. `known` is the serial of the version at hand.
    #[must_use]
    pub fn whole(apex: Name, id: u16, known: Option<u32>, limits: TransferLimits) -> Self {
        let stage = TransferStage::Begin;
        ZoneTransfer {
            apex,
            id,
            limits,
            base: None,
            known_serial: known,
            stage,
            octets: 0,
            foreign: 0,
        }
    }

    /// The reply to a request for the differences from `base`, with this ID.
    #[must_use]
    pub fn differences(base: Arc<AuthoritativeZone>, id: u16, limits: TransferLimits) -> Self {
        let (apex, known) = (base.apex().clone(), base.soa().serial);
        ZoneTransfer { base: Some(base), ..ZoneTransfer::whole(apex, id, Some(known), limits) }
    }

    /// Takes the next message; returns the outcome at the end of the transfer.
    ///
    /// # Errors
    /// The transfer is of no use; it ends here.
    pub fn take(
        &mut self,
        octets: &[u8],
        message: TransferMessage,
    ) -> Result<Option<TransferOutcome>, TransferFault> {
        self.octets += octets.len();
        self.check(&message)?;
        for record in message.answer {
            self.take_record(record)?;
        }
        match mem::replace(&mut self.stage, TransferStage::Failed) {
            TransferStage::Ended(version, end) => self.finish(&version, end).map(Some),
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
                question.name == self.apex && matches!(question.rtype, Rtype::AXFR | Rtype::IXFR)
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
        let soa = (record.rtype == Rtype::SOA && record.owner == self.apex)
            .then(|| Soa::read(&record.rdata).ok_or(TransferFault::BrokenSoa))
            .transpose()?;
        let is_within = name::is_within(&record.owner, &self.apex);
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
            (TransferStage::Whole(version, builder), Some(_)) => {
                version.end_whole(&record, builder)?
            }
            (TransferStage::Whole(version, mut builder), None) => {
                builder.add(record).map_err(TransferFault::Zone)?;
                TransferStage::Whole(version, builder)
            }
            (TransferStage::Removing(version, mut state), soa) => match soa {
                Some(soa) => {
                    state.serial = soa.serial;
                    state.add(record)?;
                    TransferStage::Adding(version, state)
                }
                None => {
                    state.remove(record)?;
                    TransferStage::Removing(version, state)
                }
            },
            (TransferStage::Adding(version, mut state), soa) => match soa {
                Some(soa) if soa.serial != state.serial => return Err(TransferFault::Diverges),
                // After the last difference, the first SOA record comes again.
                Some(_) if state.serial == version.serial => TransferStage::Ended(version, state),
                Some(_) => {
                    state.remove(record)?;
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
    ) -> Result<TransferStage, TransferFault> {
        let mut builder = ZoneBuilder::new(self.apex.clone(), self.limits.max_zone_octets);
        match (soa, &self.base) {
            (Some(soa), Some(base)) if soa.serial != version.serial => {
                if soa.serial != base.soa().serial {
                    return Err(TransferFault::Diverges);
                }
                let builder = ZoneBuilder::of(base, self.limits.max_zone_octets);
                let changes = Some(ZoneChanges::default());
                let mut state = Differences { builder, serial: soa.serial, changes };
                state.remove(record)?;
                Ok(TransferStage::Removing(version, state))
            }
            // A zone of nothing but its SOA record.
            (Some(_), _) => {
                builder.add(version.record.clone()).map_err(TransferFault::Zone)?;
                version.end_whole(&record, builder)
            }
            (None, _) => {
                builder.add(version.record.clone()).map_err(TransferFault::Zone)?;
                builder.add(record).map_err(TransferFault::Zone)?;
                Ok(TransferStage::Whole(version, builder))
            }
        }
    }

    /// The outcome of a transfer that has come to its end.
    fn finish(
        &self,
        version: &NewVersion,
        end: Differences,
    ) -> Result<TransferOutcome, TransferFault> {
        if !self.is_news(version.serial) {
            let known = self.known_serial.unwrap_or_default();
            return match version.serial == known {
                true => Ok(TransferOutcome::Current),
                false => Err(TransferFault::OlderSerial { known, received: version.serial }),
            };
        }
        let zone = end.builder.build().map_err(TransferFault::Zone)?;
        let (changes, foreign) = (end.changes, self.foreign);
        Ok(TransferOutcome::Changed(Box::new(ReceivedZone { zone, changes, foreign })))
    }

    fn is_news(&self, serial: u32) -> bool {
        self.known_serial.is_none_or(|known| is_newer(serial, known))
    }
}

#[cfg(test)]
mod tests;
