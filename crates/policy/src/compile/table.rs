//! The second pass: from the records of a compiled file to the table of fingerprints, the filter and the manifest.

use std::hash::Hasher;
use std::io;

use memmap2::MmapMut;
use siphasher::sip::SipHasher13;

use crate::compiled::bucket::{self, Bucket, NAMES_OF_BUCKET, bucket_of};
use crate::compiled::filter::{self, FilterWord};
use crate::compiled::header::HEADER_OCTETS;
use crate::compiled::manifest::Manifest;
use crate::compiled::record::RuleRecord;
use crate::storage::{SequentialReader, SequentialWriter, Storage};
use crate::suffixes::{HashKey, Suffixes, key_of};

/// Octets of records read at once.
const READ_OCTETS: usize = 256 * 1024;

/// The parts behind the records.
pub(super) struct TableParts {
    pub(super) buckets: u64,
    pub(super) filter_words: u64,
    pub(super) manifest_octets: u64,
    pub(super) checksum: u64,
}

/// Writes the parts behind the records.
pub(super) fn write(
    file: &dyn Storage,
    key: HashKey,
    names: u64,
    record_octets: u64,
    manifest: &mut Manifest,
) -> io::Result<TableParts> {
    if record_octets > u64::from(u32::MAX) {
        return Err(io::Error::other("the lists are too large"));
    }
    let end = HEADER_OCTETS as u64 + record_octets;
    let buckets = names.div_ceil(NAMES_OF_BUCKET).max(1) + 1;
    let mut records = SequentialReader::new(file, HEADER_OCTETS as u64, end, READ_OCTETS);
    let mut out = CheckedWriter::new(file, end);
    let filter_words = filter::words_for(names);
    let mut filter = MmapMut::map_anon(filter_words * size_of::<FilterWord>())?;
    // The last bucket has no names: its offset ends the bucket before.
    let mut filled = BucketWriter { out: &mut out, bucket: bucket::empty(0), number: 0 };
    let mut offset = 0;
    while let Some(name) = next_name(&mut records)? {
        let suffixes = Suffixes::of(key_of(key, name.is_of_nameserver), &name.name);
        manifest.has_nameservers |= name.is_of_nameserver;
        manifest.has_top_names |= suffixes.labels() < 2;
        filled.advance(bucket_of(suffixes.hash(), buckets as usize - 1), offset)?;
        bucket::add(&mut filled.bucket, suffixes.hash(), name.reaches_below);
        filter::add(filter.as_chunks_mut().0, suffixes.hash_of_end());
        offset += name.octets as u32;
    }
    filled.advance(buckets as usize - 1, offset)?;
    let last = filled.bucket;
    out.put(&last)?;
    out.put(&filter)?;
    let manifest = serde_json::to_vec(manifest).map_err(io::Error::other)?;
    out.put(&manifest)?;
    let checksum = out.finish()?;
    let manifest_octets = manifest.len() as u64;
    Ok(TableParts { buckets, filter_words: filter_words as u64, manifest_octets, checksum })
}

/// The name of consecutive records.
struct ListedName {
    name: Vec<u8>,
    is_of_nameserver: bool,
    /// Whether any rule concerns names below.
    reaches_below: bool,
    /// Octets of the records.
    octets: usize,
}

/// Reads the records of the next name.
fn next_name(records: &mut SequentialReader<'_>) -> io::Result<Option<ListedName>> {
    let mut found: Option<ListedName> = None;
    loop {
        let Some(octets) = RuleRecord::octets(records.peek(2)?) else { return Ok(found) };
        let waiting = records.peek(octets)?;
        let (record, _) = RuleRecord::split(waiting).ok_or(io::ErrorKind::InvalidData)?;
        let own = found.get_or_insert_with(|| ListedName {
            name: record.name.to_vec(),
            is_of_nameserver: record.is_of_nameserver,
            reaches_below: false,
            octets: 0,
        });
        if own.name != record.name || own.is_of_nameserver != record.is_of_nameserver {
            return Ok(found);
        }
        own.reaches_below |= record.scope.reaches_below();
        own.octets += octets;
        records.consume(octets);
    }
}

/// Writes buckets in their order.
struct BucketWriter<'a, 'b> {
    out: &'a mut CheckedWriter<'b>,
    bucket: Bucket,
    number: usize,
}

impl BucketWriter<'_, '_> {
    /// Goes on to a bucket; the buckets between are empty.
    fn advance(&mut self, number: usize, offset: u32) -> io::Result<()> {
        while self.number < number {
            self.out.put(&self.bucket)?;
            self.bucket = bucket::empty(offset);
            self.number += 1;
        }
        Ok(())
    }
}

struct CheckedWriter<'a> {
    out: SequentialWriter<'a>,
    checksum: SipHasher13,
}

impl<'a> CheckedWriter<'a> {
    fn new(file: &'a dyn Storage, offset: u64) -> Self {
        CheckedWriter { out: SequentialWriter::new(file, offset), checksum: SipHasher13::new() }
    }

    fn put(&mut self, octets: &[u8]) -> io::Result<()> {
        self.checksum.write(octets);
        self.out.put(octets)
    }

    fn finish(mut self) -> io::Result<u64> {
        self.out.flush()?;
        Ok(self.checksum.finish())
    }
}
