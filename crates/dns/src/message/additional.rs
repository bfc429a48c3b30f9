//! The additional section, parsed on demand and only as far as needed.

use std::fmt;

use bytes::Bytes;
use domain::base::iana::{Class, Rtype};

use super::groups::{MAX_RRSETS, RRsetBuilder};
use super::names::NameReader;
use super::owners::OwnerTable;
use super::record::RawRecord;
use crate::message::MessageError;
use crate::rrset::RRset;
use crate::targets::Targets;

/// Address records (and RRSIG records over addresses) whose owner names are compared with the names
/// of servers. A delegation keeps half as many addresses at most.
pub const MAX_GLUE: usize = 256;

/// The additional section in the octets of the message, without OPT.
///
/// A reply can carry thousands of useless additional records. An unread record costs nothing but a
/// skip.
#[derive(Clone)]
pub struct AdditionalSection {
    message: Bytes,
    /// The offset of the first record, and the number of records.
    at: usize,
    records: u16,
    class: Class,
}

impl AdditionalSection {
    pub(super) fn new(message: Bytes, at: usize, records: u16, class: Class) -> Self {
        AdditionalSection { message, at, records, class }
    }

    /// The address RRsets of `names`, with their signatures.
    #[must_use]
    pub fn addresses_of(&self, names: &Targets) -> Vec<RRset> {
        let addresses = self.records().filter(is_address).take(MAX_GLUE);
        self.rrsets(addresses, |owner| names.contains(owner))
    }

    /// Whether the section has an address record, of any owner.
    #[must_use]
    pub fn has_addresses(&self) -> bool {
        self.records().any(|record| is_address(&record))
    }

    /// All RRsets, without malformed records and up to the limits. For tools and tests: the content
    /// of this section is not to be trusted.
    #[must_use]
    pub fn rrsets_of_all(&self) -> Vec<RRset> {
        self.rrsets(self.records(), |_| true)
    }

    fn rrsets<'a>(
        &'a self,
        records: impl Iterator<Item = RawRecord<'a>>,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Vec<RRset> {
        let (mut names, mut owners) = (NameReader::new(&self.message), OwnerTable::new(None));
        let mut groups = RRsetBuilder::new(MAX_RRSETS, false);
        for record in records {
            // A malformed record is skipped; a record that exceeds a limit ends the section.
            let added = match owners.number_if(&mut names, record.owner, &wanted) {
                Ok(Some(owner)) => groups.add(owner, &record, &mut names),
                Ok(None) => continue,
                Err(malformed) => Err(malformed),
            };
            if matches!(added, Err(MessageError::TooManyRRsets | MessageError::Compression)) {
                break;
            }
        }
        groups.into_rrsets(&owners)
    }

    /// The records that have the class of the message.
    fn records(&self) -> impl Iterator<Item = RawRecord<'_>> {
        let (mut at, class) = (self.at, self.class);
        let each = (0..self.records).map_while(move |_| {
            let record = RawRecord::read(&self.message, at).ok()?;
            at = record.end;
            Some(record)
        });
        each.filter(move |record| record.rtype != Rtype::OPT && record.class == class)
    }
}

fn is_address(record: &RawRecord<'_>) -> bool {
    matches!(record.covered(), Rtype::A | Rtype::AAAA)
}

impl fmt::Debug for AdditionalSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rrsets_of_all()).finish()
    }
}
