//! The baseline in a file: numbers alone.

use std::collections::BTreeMap;

use zoners_history::octets::{Reader, put_number};

use crate::archive::{Archive, StoredPeriod};
use crate::baseline::{Baseline, MAX_CHANGES, renumber};
use crate::change::{LatencyChange, TrendSubject};
use crate::directory::{DirectoryProvider, DirectoryServer, MAX_SERVERS};
use crate::numbering::{KEY_LENGTH, Numbering};
use crate::period::ServerIndex;

/// The first octets, with the number of the form.
const MAGIC: &[u8] = b"zoners trend 1\n";

/// The latest second of a file that is not damaged: the year 9892.
const MAX_SECOND: u64 = 250_000_000_000;
/// The greatest figure of a change in a file that is not damaged, in milliseconds: a month.
const MAX_FIGURE: f64 = 2.6e9;

/// A baseline from a file.
#[derive(Debug)]
pub struct RestoredBaseline {
    /// The baseline.
    pub baseline: Baseline,
    /// Whether the file was read to the end; else the file is damaged, and the baseline has the part before the damage.
    pub is_whole: bool,
}

impl Baseline {
    /// Everything but names, as octets. Servers of a provider that serves few zones are left out: the number of the
    /// provider would stand for a name that a client asked for.
    #[must_use]
    pub fn save(&mut self) -> Vec<u8> {
        self.close_slot();
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(self.numbering.key());
        put_number(&mut out, self.closed_until_s);
        let mut moved = BTreeMap::<ServerIndex, ServerIndex>::new();
        let mut servers = Vec::new();
        for (index, server) in (0..).zip(&self.directory.servers) {
            if self.directory.is_shared(index) {
                moved.insert(index, moved.len() as ServerIndex);
                servers.push(server);
            }
        }
        put_number(&mut out, servers.len() as u64);
        for server in servers {
            put_fixed(&mut out, server.number);
            put_fixed(&mut out, server.provider);
            out.push(u8::from(server.ipv6));
        }
        for archive in [&self.hours, &self.slots] {
            put_number(&mut out, archive.len() as u64);
            for stored in archive.iter() {
                let octets = renumber(stored.read(), &moved, &mut 0).to_octets();
                put_number(&mut out, stored.begin_s);
                put_fixed(&mut out, stored.network);
                put_number(&mut out, octets.len() as u64);
                out.extend_from_slice(&octets);
            }
        }
        let is_written = |change: &&LatencyChange| match change.subject {
            TrendSubject::Provider(number) => {
                self.directory.providers.get(&number).is_some_and(|provider| provider.is_shared)
            }
            _ => true,
        };
        let changes: Vec<&LatencyChange> = self.changes.iter().filter(is_written).collect();
        put_number(&mut out, changes.len() as u64);
        changes.into_iter().for_each(|change| put_change(&mut out, change));
        out
    }

    /// The baseline of a file. Of a damaged file, the part before the damage; `None` if the file is of another form.
    #[must_use]
    pub fn restore(octets: &[u8]) -> Option<RestoredBaseline> {
        let (key, rest) = octets.strip_prefix(MAGIC)?.split_at_checked(KEY_LENGTH)?;
        let mut baseline = Baseline::new(Numbering::new(<[u8; KEY_LENGTH]>::try_from(key).ok()?));
        let mut reader = Reader(rest);
        let is_whole = baseline.read(&mut reader).is_some() && reader.0.is_empty();
        baseline.resume();
        Some(RestoredBaseline { baseline, is_whole })
    }

    /// Reads up to the first damage.
    fn read(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let closed_until_s = second(reader.number()?)?;
        for _ in 0..reader.index()?.min(MAX_SERVERS) {
            let (number, provider) = (fixed(reader)?, fixed(reader)?);
            let ipv6 = reader.octet()? == 1;
            self.directory.add(DirectoryServer { number, provider, ipv6 })?;
            self.directory.providers.entry(provider).or_insert_with(DirectoryProvider::shared);
        }
        self.closed_until_s = closed_until_s;
        let mut lost = read_archive(reader, &mut self.hours)?;
        lost += read_archive(reader, &mut self.slots)?;
        self.lost += lost;
        for _ in 0..reader.index()?.min(MAX_CHANGES) {
            self.changes.push(change(reader)?);
        }
        Some(())
    }
}

fn read_archive(reader: &mut Reader<'_>, archive: &mut Archive) -> Option<u64> {
    let (mut lost, mut last_s) = (0, 0);
    for _ in 0..reader.index()? {
        let (begin_s, network) = (second(reader.number()?)?, fixed(reader)?);
        let length = reader.index()?;
        let octets = reader.take(length)?.into();
        if begin_s < last_s {
            return None;
        }
        last_s = begin_s;
        lost += archive.push_stored(StoredPeriod { begin_s, network, octets });
    }
    Some(lost)
}

fn put_change(out: &mut Vec<u8>, change: &LatencyChange) {
    let LatencyChange { subject, network, at_s, found_s, before_ms, by_ms, low_ms, high_ms, p } =
        *change;
    let (kind, provider) = match subject {
        TrendSubject::Line => (0, 0),
        TrendSubject::Ipv4 => (1, 0),
        TrendSubject::Ipv6 => (2, 0),
        TrendSubject::Resolver => (3, 0),
        TrendSubject::Provider(number) => (4, number),
    };
    out.push(kind);
    [provider, network, at_s, found_s].into_iter().for_each(|number| put_fixed(out, number));
    let figures = [before_ms, by_ms, low_ms, high_ms, p];
    figures.into_iter().for_each(|figure| put_fixed(out, figure.to_bits()));
}

fn change(reader: &mut Reader<'_>) -> Option<LatencyChange> {
    let kind = reader.octet()?;
    let provider = fixed(reader)?;
    let subject = match kind {
        0 => TrendSubject::Line,
        1 => TrendSubject::Ipv4,
        2 => TrendSubject::Ipv6,
        3 => TrendSubject::Resolver,
        4 => TrendSubject::Provider(provider),
        _ => return None,
    };
    let (network, at_s, found_s) =
        (fixed(reader)?, second(fixed(reader)?)?, second(fixed(reader)?)?);
    let is_figure = |figure: &f64| figure.abs() <= MAX_FIGURE;
    let mut figure = || fixed(reader).map(f64::from_bits).filter(is_figure);
    let (before_ms, by_ms, low_ms, high_ms, p) =
        (figure()?, figure()?, figure()?, figure()?, figure()?);
    Some(LatencyChange { subject, network, at_s, found_s, before_ms, by_ms, low_ms, high_ms, p })
}

/// A second since 1970, unless the file is damaged: sums with seconds stay numbers.
fn second(number: u64) -> Option<u64> {
    (number <= MAX_SECOND).then_some(number)
}

fn put_fixed(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_be_bytes());
}

fn fixed(reader: &mut Reader<'_>) -> Option<u64> {
    Some(u64::from_be_bytes(reader.take(8)?.try_into().ok()?))
}
