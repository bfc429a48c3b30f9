//! Messages of zone transfers (RFC 5936 section 2.2): the records one by one, in their order.

use domain::base::header::Header;
use domain::base::iana::{Class, Rtype};

use super::names::{FlatName, NameReader};
use super::record::{MIN_RECORD_OCTETS, RawRecord};
use super::{HEADER_OCTETS, MessageError, read_question};
use crate::question::Question;
use crate::zone_record::ZoneRecord;

/// A message of a zone transfer.
#[derive(Clone, Debug)]
pub struct TransferMessage {
    /// ID, opcode, flags and RCODE.
    pub header: Header,
    /// The question; messages after the first may have none.
    pub question: Option<Question>,
    /// The records of the answer section.
    pub answer: Vec<ZoneRecord>,
    /// The TSIG record, if the message is signed.
    pub tsig: Option<TsigRecord>,
}

/// The TSIG record of a message, which is the last record (RFC 8945 section 5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TsigRecord {
    /// The octet at which the record begins.
    pub at: usize,
    /// The record; the owner is the name of the key.
    pub record: ZoneRecord,
}

impl TransferMessage {
    /// Parses a message. The authority section is passed over.
    ///
    /// # Errors
    /// The message is malformed, or has a record of a class other than IN in its answer section.
    pub fn parse(octets: &[u8]) -> Result<Self, MessageError> {
        let header = octets.first_chunk::<HEADER_OCTETS>().ok_or(MessageError::Short)?;
        let [_, _, _, _, q0, q1, n0, n1, a0, a1, d0, d1] = *header;
        let count = |high, low| u16::from_be_bytes([high, low]);
        let (answers, authorities, additional) = (count(n0, n1), count(a0, a1), count(d0, d1));
        let records =
            [answers, authorities, additional].map(usize::from).into_iter().sum::<usize>();
        if HEADER_OCTETS + records * MIN_RECORD_OCTETS > octets.len() {
            return Err(MessageError::Structure);
        }
        let mut names = NameReader::for_transfer(octets);
        let (question, at) = read_question(&mut names, count(q0, q1))?;
        let mut reader = TransferReader { names, at };
        let answer = (0..answers).map(|_| reader.record()).collect::<Result<Vec<_>, _>>()?;
        let mut tsig = None;
        for _ in 0..u32::from(authorities) + u32::from(additional) {
            // A TSIG record before the last record makes the message malformed (RFC 8945 section 5.1).
            if tsig.is_some() {
                return Err(MessageError::Structure);
            }
            tsig = reader.skip()?;
        }
        Ok(TransferMessage { header: *Header::for_message_slice(octets), question, answer, tsig })
    }
}

/// A message, read up to an offset.
struct TransferReader<'a> {
    names: NameReader<'a>,
    at: usize,
}

impl<'a> TransferReader<'a> {
    /// The next record of the answer section.
    fn record(&mut self) -> Result<ZoneRecord, MessageError> {
        let raw = self.raw()?;
        match raw.class == Class::IN {
            true => self.whole(&raw),
            false => Err(MessageError::Rdata),
        }
    }

    /// Passes over a record, unless it is a TSIG record.
    fn skip(&mut self) -> Result<Option<TsigRecord>, MessageError> {
        let at = self.at;
        let raw = self.raw()?;
        match raw.rtype == Rtype::TSIG {
            true => Ok(Some(TsigRecord { at, record: self.whole(&raw)? })),
            false => Ok(None),
        }
    }

    fn raw(&mut self) -> Result<RawRecord<'a>, MessageError> {
        let raw = RawRecord::read(self.names.octets, self.at)?;
        self.at = raw.end;
        Ok(raw)
    }

    fn whole(&mut self, raw: &RawRecord<'_>) -> Result<ZoneRecord, MessageError> {
        let (mut owner, mut rdata) = (FlatName::EMPTY, Vec::new());
        self.names.read(raw.owner, &mut owner)?;
        raw.write_rdata(&mut self.names, &mut rdata)?;
        let (rtype, ttl) = (raw.rtype, raw.ttl);
        Ok(ZoneRecord { owner: owner.to_name(), rtype, ttl, rdata: rdata.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::{Response, compose};
    use crate::{name, zonefile};

    fn message(text: &str) -> Vec<u8> {
        let sets = zonefile::parse(text, &name::root()).unwrap();
        compose(&Response::plain(
            &Question::new(name::parse("a.test").unwrap(), Rtype::AXFR),
            &sets,
        ))
    }

    #[test]
    fn records_come_in_their_order_with_whole_names() {
        let octets =
            message("b.a.test. 60 NS c.a.test.\nb.a.test. 60 NS d.a.test.\na.test. 5 A 192.0.2.1");
        let message = TransferMessage::parse(&octets).unwrap();
        let seen: Vec<String> = message
            .answer
            .iter()
            .map(|record| format!("{} {} {}", record.owner, record.rtype, record.rdata.len()))
            .collect();
        assert_eq!(seen, ["b.a.test NS 10", "b.a.test NS 10", "a.test A 4"]);
        assert_eq!((message.tsig, message.answer[2].ttl), (None, 5));
        for end in 0..octets.len() {
            assert!(TransferMessage::parse(&octets[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn names_that_repeat_in_each_record_are_read() {
        let label = "x".repeat(60);
        let long = format!("{label}.{label}.{label}.a.test.");
        let lines: String =
            (0..3000).map(|n| format!("{long} 60 A 10.0.{}.{}\n", n >> 8, n & 255)).collect();
        let octets = message(&lines);
        assert_eq!(TransferMessage::parse(&octets).unwrap().answer.len(), 3000);
        assert!(crate::Message::parse(&octets.into()).is_ok(), "an owner is read once there");
    }
}
