//! Rules for addresses: of answers, nameservers and clients.

use std::net::IpAddr;

use zoners_dns::Prefix;

use super::manifest::{AddressSubject, StoredAddressRule, StoredRule};

/// The most rules for addresses.
pub(crate) const MAX_ADDRESS_RULES: usize = 65_536;

/// Rules by prefix, the longest prefix first.
#[derive(Debug, Default)]
pub(super) struct AddressTable {
    rules: Vec<(Prefix, AddressSubject, StoredRule)>,
    /// The range of the rules of each subject and length.
    lengths: Vec<(AddressSubject, u8, std::ops::Range<usize>)>,
}

impl AddressTable {
    pub(super) fn new(stored: Vec<StoredAddressRule>) -> Self {
        let mut rules: Vec<_> = stored
            .into_iter()
            .filter_map(|rule| Some((rule.prefix.parse::<Prefix>().ok()?, rule.subject, rule.rule)))
            .collect();
        // Stable, so rules of a prefix stay in the order of lines.
        rules.sort_by_key(|(prefix, subject, _)| {
            (*subject, u8::MAX - prefix.bits(), prefix.first())
        });
        let mut lengths: Vec<(AddressSubject, u8, std::ops::Range<usize>)> = Vec::new();
        for (at, (prefix, subject, _)) in rules.iter().enumerate() {
            match lengths.last_mut() {
                Some((of, bits, range)) if of == subject && *bits == prefix.bits() => {
                    range.end = at + 1
                }
                _ => lengths.push((*subject, prefix.bits(), at..at + 1)),
            }
        }
        AddressTable { rules, lengths }
    }

    /// The rules of prefixes with the address, the longest prefix first.
    pub(super) fn matching(
        &self,
        subject: AddressSubject,
        address: IpAddr,
    ) -> impl Iterator<Item = (&Prefix, &StoredRule)> {
        let address = address.to_canonical();
        self.lengths.iter().filter(move |(of, ..)| *of == subject).flat_map(
            move |(_, bits, range)| {
                let first = Prefix::of(address, *bits).first();
                let rules = self.rules.get(range.clone()).unwrap_or_default();
                let from = rules.partition_point(|(prefix, ..)| prefix.first() < first);
                let same = rules.get(from..).unwrap_or_default();
                same.iter()
                    .take_while(move |(prefix, ..)| prefix.first() == first)
                    .map(|(prefix, _, rule)| (prefix, rule))
            },
        )
    }

    /// Every prefix of a subject.
    pub(super) fn prefixes(&self, subject: AddressSubject) -> impl Iterator<Item = Prefix> {
        self.rules.iter().filter(move |rule| rule.1 == subject).map(|rule| rule.0)
    }
}
