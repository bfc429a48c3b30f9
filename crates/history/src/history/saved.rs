//! The history in a file, over a restart.

use super::History;
use crate::octets::{Reader, put_number};
use crate::segment::Segment;

/// The first octets, with the number of the form.
const MAGIC: &[u8] = b"zoners history 1\n";

/// What was taken from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoredRecords {
    /// Records that were taken in.
    pub records: usize,
    /// Whether the file was read to the end; else the file is damaged.
    pub is_whole: bool,
}

impl History {
    /// Every record as octets: the worst of earlier hours, and the segments, the oldest first.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let growing = self.growing.copy();
        let worst: Vec<&Segment> = self.worst.segments().collect();
        let segments: Vec<&Segment> = self.segments.iter().chain(&growing).collect();
        let mut out = MAGIC.to_vec();
        for list in [worst, segments] {
            put_number(&mut out, list.len() as u64);
            list.iter().for_each(|segment| segment.write(&mut out));
        }
        out
    }

    /// Takes in the records of a file, as older than those at hand. Of a damaged file, the part before the damage is
    /// taken; `None` if the file is of another form.
    pub fn restore(&mut self, octets: &[u8]) -> Option<RestoredRecords> {
        let mut reader = Reader(octets.strip_prefix(MAGIC)?);
        let before = self.len();
        let (worst, has_all_worst) = segments(&mut reader);
        let (earlier, has_all_earlier) = segments(&mut reader);
        let is_whole = has_all_worst && has_all_earlier && reader.0.is_empty();
        self.worst.restore(worst);
        for segment in earlier.into_iter().rev() {
            self.octets += segment.octets();
            self.records += segment.count();
            self.segments.push_front(segment);
        }
        self.drop_oldest();
        Some(RestoredRecords { records: self.len().saturating_sub(before), is_whole })
    }
}

/// A list of segments, and whether the list is whole.
fn segments(reader: &mut Reader<'_>) -> (Vec<Segment>, bool) {
    let Some(count) = reader.index() else { return (Vec::new(), false) };
    let segments: Vec<Segment> = (0..count).map_while(|_| Segment::read(reader)).collect();
    let is_whole = segments.len() == count;
    (segments, is_whole)
}
