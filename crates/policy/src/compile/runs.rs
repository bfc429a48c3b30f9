//! Sorting in bounded memory: records are gathered, sorted by hash and written as runs to a scratch file; runs are
//! merged afterwards.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;

use super::gathered::{GatheredRecords, RUN_OCTETS};
use crate::compiled::record::RuleRecord;
use crate::storage::{SequentialReader, SequentialWriter, Storage};

/// Octets of each run in memory while runs are merged.
const READ_OCTETS: usize = 32 * 1024;
/// The most runs: 1.5 GB of records, some 40 million names.
const MAX_RUNS: usize = 256;
/// Octets of a hash before each record.
const HASH_OCTETS: usize = 8;

pub(super) struct RunWriter<'a> {
    run_octets: usize,
    scratch: &'a dyn Storage,
    /// None before the first record.
    gathered: Option<GatheredRecords>,
    /// Where each run begins in the scratch file, and the end of the last.
    bounds: Vec<u64>,
}

impl<'a> RunWriter<'a> {
    pub(super) fn new(scratch: &'a dyn Storage) -> Self {
        RunWriter { run_octets: RUN_OCTETS, scratch, gathered: None, bounds: vec![0] }
    }

    /// The writer, with runs of `run_octets`.
    #[cfg(test)]
    pub(super) fn with_run_octets(self, run_octets: usize) -> Self {
        RunWriter { run_octets, ..self }
    }

    pub(super) fn add(&mut self, hash: u64, record: &RuleRecord<'_>) -> io::Result<()> {
        let gathered = match &mut self.gathered {
            Some(gathered) => gathered,
            none => none.insert(GatheredRecords::new()?),
        };
        gathered.add(hash, record)?;
        if gathered.octets() >= self.run_octets { self.end_run() } else { Ok(()) }
    }

    fn end_run(&mut self) -> io::Result<()> {
        if self.bounds.len() > MAX_RUNS {
            return Err(io::Error::other("the lists are too large"));
        }
        let Some(gathered) = &mut self.gathered else { return Ok(()) };
        let begins = self.bounds.last().copied().unwrap_or_default();
        let mut out = SequentialWriter::new(self.scratch, begins);
        // Records of equal hash stay in the order of lines.
        gathered.drain(|hash, record| {
            out.put(hash)?;
            out.put(record)
        })?;
        out.flush()?;
        self.bounds.push(out.offset());
        Ok(())
    }

    /// Calls `take` with each record in the order of hashes; records of equal hash come in the order of lines.
    pub(super) fn merge(
        mut self,
        mut take: impl FnMut(&RuleRecord<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.gathered.as_ref().is_some_and(|gathered| gathered.octets() > 0) {
            self.end_run()?;
        }
        // The memory of the sort is free before the table is made.
        self.gathered = None;
        let ranges = self.bounds.windows(2).map(|ends| (ends[0], ends[1]));
        let mut runs: Vec<SequentialReader<'_>> = ranges
            .map(|(from, end)| SequentialReader::new(self.scratch, from, end, READ_OCTETS))
            .collect();
        let mut heads = BinaryHeap::new();
        for (number, run) in runs.iter_mut().enumerate() {
            heads.extend(next_hash(run)?.map(|hash| Reverse((hash, number))));
        }
        while let Some(Reverse((hash, number))) = heads.pop() {
            let Some(run) = runs.get_mut(number) else { break };
            // The run goes on while no record of a different run comes before.
            let mut own = Some(hash);
            while let Some(hash) = own {
                if heads.peek().is_some_and(|Reverse(other)| *other < (hash, number)) {
                    heads.push(Reverse((hash, number)));
                    break;
                }
                let length = {
                    let waiting = run.peek(HASH_OCTETS + 2)?;
                    let rest = waiting.get(HASH_OCTETS..).unwrap_or_default();
                    RuleRecord::octets(rest).ok_or(io::ErrorKind::InvalidData)?
                };
                let waiting = run.peek(HASH_OCTETS + length)?;
                let rest = waiting.get(HASH_OCTETS..).unwrap_or_default();
                let (record, _) = RuleRecord::split(rest).ok_or(io::ErrorKind::InvalidData)?;
                take(&record)?;
                run.consume(HASH_OCTETS + length);
                own = next_hash(run)?;
            }
        }
        Ok(())
    }
}

fn next_hash(run: &mut SequentialReader<'_>) -> io::Result<Option<u64>> {
    let waiting = run.peek(HASH_OCTETS)?;
    Ok(waiting.first_chunk::<HASH_OCTETS>().map(|octets| u64::from_be_bytes(*octets)))
}
