//! From lists to a compiled file, in bounded memory.
//!
//! Lists are read in turn; the rules for names are sorted by the hash of the name in runs ([`runs`]), and
//! the merged runs become the records of the file. A second pass over the records makes the table of fingerprints
//! ([`table`]), which goes to the file bucket by bucket. The remaining rules are few and stay in memory.

mod gathered;
mod runs;
mod table;

use std::io::{self, Read};

use zoners_dns::Prefix;

use crate::compiled::header::{CompiledHeader, DIGEST_OCTETS, HEADER_OCTETS};
use crate::compiled::manifest::{
    AddressSubject, ListEntry, MAX_LISTS, Manifest, StoredAddressRule, StoredRule, StoredScan,
};
use crate::compiled::record::RuleRecord;
use crate::compiled::{addresses, scan};
use crate::form::{ListForm, NoListForm};
use crate::options::{MAX_OPTIONS_OCTETS, RuleOptions};
use crate::parsers::{SkipCounts, SkipReason, read_list};
use crate::rule::{ListRule, RuleAction, RulePattern};
use crate::storage::{SequentialWriter, Storage};
use crate::suffixes::{Suffixes, key_of};
use runs::RunWriter;

/// The most rules of a name; the rest is dropped.
const MAX_RULES_OF_NAME: usize = 64;
/// The most prefixes of `$client` options.
const MAX_CLIENT_PREFIXES: usize = 200;

/// A list to be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSource {
    /// The name, unique in the configuration.
    pub name: String,
    /// The form, or none to recognise the form by the text.
    pub form: Option<ListForm>,
    /// Whether the rules allow names, instead of blocking.
    pub allows: bool,
}

/// Why a list, or a policy, cannot be compiled.
#[derive(Debug)]
pub enum CompileError {
    /// The text or a file cannot be read or written.
    Io(io::Error),
    /// The form of the text is not recognised.
    Form(NoListForm),
    /// There are more lists than [`MAX_LISTS`].
    TooManyLists,
}

impl From<io::Error> for CompileError {
    fn from(error: io::Error) -> Self {
        CompileError::Io(error)
    }
}

impl std::fmt::Display for CompileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CompileError::Io(error) => error.fmt(f),
            CompileError::Form(error) => error.fmt(f),
            CompileError::TooManyLists => write!(f, "there are more than {MAX_LISTS} lists"),
        }
    }
}

/// Compiles lists into a file.
pub struct PolicyCompiler<'a> {
    key: [u64; 2],
    runs: RunWriter<'a>,
    manifest: Manifest,
}

impl<'a> PolicyCompiler<'a> {
    /// A compiler of no lists yet. `key` is random, and stays in the compiled file; `scratch` is an empty file for the
    /// time of the compilation, two to three times as large as the lists.
    #[must_use]
    pub fn new(key: [u64; 2], scratch: &'a dyn Storage) -> Self {
        PolicyCompiler { key, runs: RunWriter::new(scratch), manifest: Manifest::default() }
    }

    /// The compiler, with runs of `octets`.
    #[cfg(test)]
    pub(crate) fn with_run_octets(self, octets: usize) -> Self {
        PolicyCompiler { runs: self.runs.with_run_octets(octets), ..self }
    }

    /// Adds a list. Rules of earlier lists come first where precedence leaves the choice.
    ///
    /// # Errors
    /// The text cannot be read or has no known form; the compiler is of no further use.
    pub fn add_list(
        &mut self,
        source: &ListSource,
        text: &mut dyn Read,
    ) -> Result<&ListEntry, CompileError> {
        let number = self.manifest.lists.len();
        if number >= MAX_LISTS {
            return Err(CompileError::TooManyLists);
        }
        let mut beginning = Vec::new();
        text.take(ListForm::SNIFFED_OCTETS as u64).read_to_end(&mut beginning)?;
        let sniffed = ListForm::sniff(&beginning);
        let form = match (source.form, sniffed) {
            (_, Err(NoListForm::WebPage)) => return Err(CompileError::Form(NoListForm::WebPage)),
            (Some(form), _) => form,
            (None, sniffed) => sniffed.map_err(CompileError::Form)?,
        };
        let mut adding = ListInProgress {
            compiler: self,
            number: number as u16,
            allows: source.allows,
            skipped: SkipCounts::default(),
            rules: 0,
            fault: None,
        };
        let mut whole = beginning.chain(text);
        let read = read_list(form, &mut whole, &mut |line, rule| adding.take(line, rule))?;
        let ListInProgress { skipped, rules, fault, .. } = adding;
        if let Some(error) = fault {
            return Err(error.into());
        }
        let lost = skipped.iter().filter(|(reason, ..)| reason.is_lost_rule());
        self.manifest.lists.push(ListEntry {
            name: source.name.clone(),
            form,
            allows: source.allows,
            lines: read.lines,
            octets: read.octets,
            ends_within_line: read.ends_within_line,
            rules,
            repeated: 0,
            lost: lost.map(|(_, count, _)| count).sum(),
            skipped: skipped
                .iter()
                .map(|(reason, count, first)| (reason.text().into(), count, first))
                .collect(),
        });
        Ok(&self.manifest.lists[number])
    }

    /// Writes the compiled file, which is empty before. `sources` is a digest of the sources.
    ///
    /// # Errors
    /// The files cannot be read or written.
    pub fn finish(
        self,
        out: &dyn Storage,
        sources: [u8; DIGEST_OCTETS],
    ) -> Result<(), CompileError> {
        let PolicyCompiler { key, runs, mut manifest } = self;
        let mut records = SequentialWriter::new(out, HEADER_OCTETS as u64);
        let names = write_records(runs, &mut records, &mut manifest)?;
        let record_octets = records.offset() - HEADER_OCTETS as u64;
        let parts = table::write(out, key, names, record_octets, &mut manifest)?;
        let header = CompiledHeader {
            sources,
            key,
            names,
            record_octets,
            buckets: parts.buckets,
            filter_words: parts.filter_words,
            manifest_octets: parts.manifest_octets,
            checksum: parts.checksum,
        };
        out.write_at(&header.octets(), 0)?;
        Ok(())
    }
}

/// Writes the merged records without repeated ones; returns the number of names.
fn write_records(
    runs: RunWriter<'_>,
    out: &mut SequentialWriter<'_>,
    manifest: &mut Manifest,
) -> io::Result<u64> {
    // The records of the current name, in which repeated rules are found.
    let (mut group, mut count, mut names) = (Vec::new(), 0, 0_u64);
    let mut name: Vec<u8> = Vec::new();
    let mut is_of_nameserver = false;
    runs.merge(|record| {
        let is_same =
            names > 0 && name == record.name && is_of_nameserver == record.is_of_nameserver;
        if !is_same {
            out.put(&group)?;
            group.clear();
            name.clear();
            name.extend(record.name);
            is_of_nameserver = record.is_of_nameserver;
            (count, names) = (0, names + 1);
        }
        let mut rest = group.as_slice();
        let mut is_repeated = count >= MAX_RULES_OF_NAME;
        while let Some((earlier, after)) = RuleRecord::split(rest) {
            is_repeated |= record.repeats(&earlier);
            rest = after;
        }
        if is_repeated {
            if let Some(list) = manifest.lists.get_mut(usize::from(record.list)) {
                list.repeated += 1;
                list.rules = list.rules.saturating_sub(1);
            }
            return Ok(());
        }
        count += 1;
        record.write(&mut group);
        Ok(())
    })?;
    out.put(&group)?;
    out.flush()?;
    Ok(names)
}

/// A list while its rules are taken.
struct ListInProgress<'c, 'a> {
    compiler: &'c mut PolicyCompiler<'a>,
    number: u16,
    allows: bool,
    skipped: SkipCounts,
    rules: u32,
    /// The first error; later rules are not taken.
    fault: Option<io::Error>,
}

impl ListInProgress<'_, '_> {
    fn take(&mut self, line: u32, rule: Result<ListRule<'_>, SkipReason>) {
        if self.fault.is_some() {
            return;
        }
        match rule.and_then(|rule| self.add(line, rule)) {
            Ok(()) => self.rules = self.rules.saturating_add(1),
            Err(reason) => self.skipped.add(reason, line),
        }
    }

    fn add(&mut self, line: u32, rule: ListRule<'_>) -> Result<(), SkipReason> {
        let ListRule { pattern, action, important, disables, options } = rule;
        if options.len() > MAX_OPTIONS_OCTETS {
            return Err(SkipReason::TooLong);
        }
        self.note_clients(options)?;
        let action = if self.allows { RuleAction::Allow } else { action };
        let list = self.number;
        let stored =
            || StoredRule { list, line, action, important, disables, options: options.into() };
        let manifest = &mut self.compiler.manifest;
        let address = |subject, prefix: Prefix, manifest: &mut Manifest| {
            if manifest.addresses.len() >= addresses::MAX_ADDRESS_RULES {
                return Err(SkipReason::TooMany);
            }
            let prefix = prefix.to_string();
            manifest.addresses.push(StoredAddressRule { subject, prefix, rule: stored() });
            Ok(())
        };
        let (scope, name, is_of_nameserver) = match pattern {
            RulePattern::Address(prefix) => {
                return address(AddressSubject::Answer, prefix, manifest);
            }
            RulePattern::NameserverAddress(prefix) => {
                return address(AddressSubject::Nameserver, prefix, manifest);
            }
            RulePattern::Client(prefix) => {
                return address(AddressSubject::Client, prefix, manifest);
            }
            RulePattern::Scan(pattern) => {
                let is_regex = scan::is_regex(pattern);
                let alike =
                    manifest.scans.iter().filter(|scan| scan::is_regex(&scan.pattern) == is_regex);
                if alike.count() >= if is_regex { scan::MAX_REGEXES } else { scan::MAX_GLOBS } {
                    return Err(SkipReason::TooMany);
                }
                manifest.scans.push(StoredScan { pattern: pattern.into(), rule: stored() });
                return Ok(());
            }
            RulePattern::Name { scope, name } => (scope, name, false),
            RulePattern::Nameserver { scope, name } => (scope, name, true),
        };
        let record = RuleRecord {
            scope,
            is_of_nameserver,
            important,
            disables,
            action,
            list,
            line,
            name,
            options,
        };
        let hash = Suffixes::of(key_of(self.compiler.key, is_of_nameserver), name).hash();
        if let Err(error) = self.compiler.runs.add(hash, &record) {
            self.fault = Some(error);
        }
        Ok(())
    }

    /// Notes the prefixes of clients in the options, which make regions of clients.
    fn note_clients(&mut self, options: &str) -> Result<(), SkipReason> {
        if !options.contains("clients=") {
            return Ok(());
        }
        let options: RuleOptions = options.parse().map_err(|()| SkipReason::UnsupportedValue)?;
        let known = &mut self.compiler.manifest.client_prefixes;
        for client in &options.clients {
            let prefix = client.value.to_string();
            if known.contains(&prefix) {
                continue;
            }
            if known.len() >= MAX_CLIENT_PREFIXES {
                return Err(SkipReason::TooMany);
            }
            known.push(prefix);
        }
        Ok(())
    }
}
