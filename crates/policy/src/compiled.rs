//! A compiled policy: fingerprints of names in memory, rules in the file.
//!
//! A look-up asks the filter of ends, then the bucket of each suffix; a fitting fingerprint is confirmed by the records of
//! the bucket, which are read from the file (`pread`). So the file must not change while the value lives: a new policy is
//! a new file.

pub(crate) mod addresses;
pub(crate) mod bucket;
pub(crate) mod filter;
pub(crate) mod header;
mod literal;
pub(crate) mod manifest;
pub(crate) mod record;
pub(crate) mod scan;
mod tables;
pub(crate) mod walk;

use std::fmt;
use std::hash::Hasher;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use siphasher::sip::SipHasher13;
use zoners_dns::{NameSlice, Prefix};

use crate::storage::Storage;
use crate::suffixes::{Suffixes, key_of};
use addresses::AddressTable;
use bucket::{BUCKET_OCTETS, bucket_of};
use header::{CompiledHeader, DIGEST_OCTETS, HEADER_OCTETS};
pub use manifest::ListEntry;
use manifest::{AddressSubject, Manifest, StoredRule};
use record::RuleRecord;
use scan::ScanRule;
use tables::Tables;

/// Records of most buckets are shorter.
const USUAL_RECORD_OCTETS: usize = 2048;

/// A compiled policy, open for look-ups.
pub struct CompiledPolicy {
    file: Arc<dyn Storage>,
    header: CompiledHeader,
    tables: Tables,
    manifest: Manifest,
    scans: Vec<ScanRule>,
    /// Places in `scans` of rules that may concern addresses.
    address_scans: Vec<usize>,
    addresses: AddressTable,
}

/// Why a compiled file is not used. In each case the lists are compiled anew.
#[derive(Debug)]
pub enum OpenError {
    /// The file cannot be read.
    Io(io::Error),
    /// The file is none of this version, or torn.
    Unsound,
    /// The file was compiled from different sources.
    OtherSources,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Io(error) => error.fmt(f),
            OpenError::Unsound => f.write_str("torn, or of another version"),
            OpenError::OtherSources => f.write_str("compiled from other lists"),
        }
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        OpenError::Io(error)
    }
}

/// A rule found by a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundRule {
    pub(crate) rule: StoredRule,
    /// The pattern in the syntax of the list's form.
    pub(crate) shown: RulePatternText,
    /// Labels of the rule's name: more labels, more specific.
    pub(crate) labels: usize,
}

/// The pattern of a found rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RulePatternText {
    Name(crate::rule::RuleScope, Vec<u8>),
    Other(String),
}

impl CompiledPolicy {
    /// Opens a compiled file. `sources` is the digest of [`crate::PolicyCompiler::finish`]; with `None`, any
    /// sources will do.
    ///
    /// # Errors
    /// The file cannot be used.
    pub fn open(
        file: Arc<dyn Storage>,
        sources: Option<[u8; DIGEST_OCTETS]>,
    ) -> Result<Self, OpenError> {
        let octets = file.octets()?;
        let mut header = [0; HEADER_OCTETS];
        if octets < HEADER_OCTETS as u64 {
            return Err(OpenError::Unsound);
        }
        file.read_at(&mut header, 0)?;
        let header = CompiledHeader::read(&header).ok_or(OpenError::Unsound)?;
        if sources.is_some_and(|sources| sources != header.sources) {
            return Err(OpenError::OtherSources);
        }
        let parts = [
            HEADER_OCTETS as u64,
            header.record_octets,
            header.buckets.saturating_mul(BUCKET_OCTETS as u64),
            header.filter_words.saturating_mul(8),
            header.manifest_octets,
        ];
        let expected = parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(*part));
        if expected != Some(octets) || header.buckets < 2 || header.filter_words == 0 {
            return Err(OpenError::Unsound);
        }
        let from = HEADER_OCTETS as u64 + header.record_octets;
        let (buckets, words) = (header.buckets as usize, header.filter_words as usize);
        let tables = Tables::read(&*file, from, buckets, words)?;
        let mut manifest = vec![0; header.manifest_octets as usize];
        file.read_at(&mut manifest, from + tables.octets().len() as u64)?;
        let mut checksum = SipHasher13::new();
        checksum.write(tables.octets());
        checksum.write(&manifest);
        if checksum.finish() != header.checksum {
            return Err(OpenError::Unsound);
        }
        let mut manifest: Manifest =
            serde_json::from_slice(&manifest).map_err(|_| OpenError::Unsound)?;
        let scans = std::mem::take(&mut manifest.scans).into_iter();
        let scans = scans.map(|scan| ScanRule::new(scan.pattern, scan.rule));
        let scans: Vec<ScanRule> =
            scans.collect::<io::Result<_>>().map_err(|_| OpenError::Unsound)?;
        let concerns_addresses = |number: &usize| scans[*number].may_match_addresses();
        let address_scans = (0..scans.len()).filter(concerns_addresses).collect();
        let addresses = AddressTable::new(std::mem::take(&mut manifest.addresses));
        Ok(CompiledPolicy { file, header, tables, manifest, scans, address_scans, addresses })
    }

    /// The lists, in the order of the configuration.
    #[must_use]
    pub fn lists(&self) -> &[ListEntry] {
        &self.manifest.lists
    }

    /// Names with rules.
    #[must_use]
    pub fn names(&self) -> u64 {
        self.header.names
    }

    /// Octets of the tables in memory.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.tables.octets().len()
    }

    /// The prefixes of clients in rules: each needs separate finished answers.
    #[must_use]
    pub fn client_prefixes(&self) -> Vec<Prefix> {
        let options = self.manifest.client_prefixes.iter().filter_map(|text| text.parse().ok());
        options.chain(self.addresses.prefixes(AddressSubject::Client)).collect()
    }

    /// The rules for a name in a question, in no certain order.
    pub(crate) fn rules_of_name(
        &self,
        name: &NameSlice,
        found: &mut Vec<FoundRule>,
    ) -> io::Result<()> {
        self.look_up(name.as_slice(), 0, false, found)?;
        if !self.scans.is_empty() {
            let host = scan::host_of(name);
            for scan in self.scans.iter().filter(|scan| scan.matches(&host)) {
                found.push(FoundRule::of_scan(scan));
            }
        }
        Ok(())
    }

    /// Whether a rule concerns nameservers, by name or address.
    pub(crate) fn concerns_nameservers(&self) -> bool {
        let mut of_addresses = self.addresses.prefixes(AddressSubject::Nameserver);
        self.manifest.has_nameservers || of_addresses.next().is_some()
    }

    /// The rules for a name of a nameserver.
    pub(crate) fn rules_of_nameserver(
        &self,
        name: &NameSlice,
        found: &mut Vec<FoundRule>,
    ) -> io::Result<()> {
        match self.manifest.has_nameservers {
            true => self.look_up(name.as_slice(), 0, true, found),
            false => Ok(()),
        }
    }

    /// The rules for an address, the longest prefix first.
    pub(crate) fn rules_of_address(
        &self,
        subject: AddressSubject,
        address: IpAddr,
        found: &mut Vec<FoundRule>,
    ) {
        for (prefix, rule) in self.addresses.matching(subject, address) {
            let shown = RulePatternText::Other(prefix.to_string());
            found.push(FoundRule { rule: rule.clone(), shown, labels: usize::from(prefix.bits()) });
        }
        if subject == AddressSubject::Answer && !self.address_scans.is_empty() {
            let address = address.to_string();
            let scans = self.address_scans.iter().filter_map(|number| self.scans.get(*number));
            found.extend(scans.filter(|scan| scan.matches(&address)).map(FoundRule::of_scan));
        }
    }

    /// The rules of a name on the wire and of the names above, without the rules of the first `skipped` of these.
    fn look_up(
        &self,
        name: &[u8],
        skipped: usize,
        is_of_nameserver: bool,
        found: &mut Vec<FoundRule>,
    ) -> io::Result<()> {
        let suffixes = Suffixes::of(key_of(self.header.key, is_of_nameserver), name);
        // Names of a single label are not found by the end of a longer name.
        let is_listed = filter::may_have(self.tables.filter(), suffixes.hash_of_end());
        if !is_listed && !self.manifest.has_top_names {
            return Ok(());
        }
        let (labels, buckets) = (suffixes.labels(), self.tables.buckets());
        for (above, suffix) in suffixes.iter().enumerate().skip(skipped) {
            let own_labels = labels - above;
            if !is_listed && own_labels > 1 {
                continue;
            }
            let number = bucket_of(suffix.hash, buckets.len() - 1);
            let Some([bucket, next]) = buckets.get(number..number + 2) else { continue };
            if bucket::may_have(bucket, suffix.hash, suffix.is_above) {
                let range = (bucket::offset(bucket), bucket::offset(next));
                self.read_rules(range, &mut |record| {
                    let concerns = record.name == suffix.name
                        && record.is_of_nameserver == is_of_nameserver
                        && record.scope.includes(suffix.is_above);
                    if concerns {
                        found.push(FoundRule::of(record, own_labels));
                    }
                })?;
            }
        }
        Ok(())
    }

    /// Calls `take` with each record of a range.
    fn read_rules(
        &self,
        (from, end): (u32, u32),
        take: &mut dyn FnMut(&RuleRecord<'_>),
    ) -> io::Result<()> {
        let octets = end.checked_sub(from).ok_or(io::ErrorKind::InvalidData)? as usize;
        let offset = HEADER_OCTETS as u64 + u64::from(from);
        let mut usual = [0; USUAL_RECORD_OCTETS];
        let mut long = Vec::new();
        let buffer = match usual.get_mut(..octets) {
            Some(buffer) => buffer,
            None => {
                long.resize(octets, 0);
                &mut long[..]
            }
        };
        self.file.read_at(buffer, offset)?;
        let mut rest = &*buffer;
        while let Some((record, after)) = RuleRecord::split(rest) {
            take(&record);
            rest = after;
        }
        if rest.is_empty() { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}

impl FoundRule {
    fn of_scan(scan: &ScanRule) -> Self {
        let shown = RulePatternText::Other(scan.pattern());
        FoundRule { rule: scan.rule.clone(), shown, labels: 0 }
    }

    fn of(record: &RuleRecord<'_>, labels: usize) -> Self {
        let RuleRecord { list, line, action, important, disables, options, .. } = *record;
        let rule = StoredRule { list, line, action, important, disables, options: options.into() };
        let shown = RulePatternText::Name(record.scope, record.name.to_vec());
        FoundRule { rule, shown, labels }
    }
}

impl fmt::Debug for CompiledPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompiledPolicy({} names of {} lists)", self.names(), self.lists().len())
    }
}

#[cfg(test)]
mod tests;
