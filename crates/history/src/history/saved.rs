//! The history in a file, over a restart.

use super::History;
use crate::octets::{Reader, put_number};
use crate::segment::Segment;

/// The first octets, with the number of the form.
const MAGIC: &[u8] = b"zoners history 1\n";

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

    /// Takes in the records of a file, as older than those at hand; the number of records. Of a damaged file, the part
    /// before the damage is taken.
    pub fn restore(&mut self, octets: &[u8]) -> usize {
        let Some(octets) = octets.strip_prefix(MAGIC) else { return 0 };
        let mut reader = Reader(octets);
        let before = self.len();
        let worst = segments(&mut reader);
        let earlier = segments(&mut reader);
        self.worst.restore(worst);
        for segment in earlier.into_iter().rev() {
            self.octets += segment.octets();
            self.records += segment.count();
            self.segments.push_front(segment);
        }
        self.drop_oldest();
        self.len().saturating_sub(before)
    }
}

/// A list of segments.
fn segments(reader: &mut Reader<'_>) -> Vec<Segment> {
    let count = reader.index().unwrap_or_default();
    (0..count).map_while(|_| Segment::read(reader)).collect()
}
