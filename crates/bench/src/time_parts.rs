//! Where the time of an answer went.
//!
//! Hops overlap: servers race, and keys are fetched beside the question. The user waits for the hop
//! that brings the answer, so each moment belongs to exactly one part, and the parts add up to the
//! whole.

use serde::{Deserialize, Serialize};

use crate::sample::Sample;
use crate::target::{AnswerHop, Came, Part};

/// Microseconds by part, in the order of [`Part::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeParts([u64; Part::ALL.len()]);

/// A stretch of time that belongs to one part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// The part.
    pub part: Part,
    /// From when, in microseconds since the question was asked.
    pub from_us: u64,
    /// Until when.
    pub until_us: u64,
    /// The hop that caused the stretch; `None` for the resolver's own time.
    #[serde(skip)]
    pub hop: Option<usize>,
}

impl TimeParts {
    /// The parts of the time of `sample`; empty without hops.
    #[must_use]
    pub fn of(sample: &Sample) -> Self {
        stretches(sample).into_iter().fold(TimeParts::default(), |way, stretch| {
            way.with(stretch.part, stretch.until_us - stretch.from_us)
        })
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: TimeParts) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(own, other)| *own += other);
        self
    }

    /// Adds microseconds to one part.
    #[must_use]
    pub fn with(mut self, part: Part, us: u64) -> Self {
        self.0[part as usize] += us;
        self
    }

    /// Microseconds of one part.
    #[must_use]
    pub fn part_us(&self, part: Part) -> u64 {
        self.0[part as usize]
    }

    /// Microseconds in total.
    #[must_use]
    pub fn total_us(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The share of one part; 0 if the total is 0.
    #[must_use]
    pub fn share(&self, part: Part) -> f64 {
        self.part_us(part) as f64 / self.total_us().max(1) as f64
    }
}

/// The time of `sample` as consecutive stretches without a gap. Of the hops under way at a moment,
/// those that brought the answer count before shared waits and before hops without a useful reply.
#[must_use]
pub fn stretches(sample: &Sample) -> Vec<Stretch> {
    let hops = &sample.hops;
    if hops.is_empty() {
        return Vec::new();
    }
    let from = |hop: &AnswerHop| hop.until_us.saturating_sub(hop.took_us);
    let edges = hops.iter().flat_map(|hop| [from(hop), hop.until_us]);
    let mut edges: Vec<u64> =
        edges.chain([0, sample.took_us]).map(|edge| edge.min(sample.took_us)).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut stretches: Vec<Stretch> = Vec::new();
    for edge in edges.windows(2) {
        let [from_us, until_us] = [edge[0], edge[1]];
        let under_way = hops
            .iter()
            .enumerate()
            .filter(|(_, hop)| from(hop) <= from_us && hop.until_us >= until_us);
        let hop = under_way.max_by_key(|(_, hop)| weight(hop)).map(|(at, _)| at);
        let part = hop.map_or(Part::Resolver, |at| part(&hops[at]));
        match stretches.last_mut() {
            Some(last) if last.part == part && last.hop == hop => last.until_us = until_us,
            _ => stretches.push(Stretch { part, from_us, until_us, hop }),
        }
    }
    stretches
}

fn part(hop: &AnswerHop) -> Part {
    match hop.came {
        Came::Answer | Came::Shared => hop.part,
        Came::Nonsense | Came::Silence | Came::Outpaced => Part::Retries,
    }
}

/// The weight of a hop: a moment belongs to the hop with the greatest weight.
fn weight(hop: &AnswerHop) -> (u8, u8) {
    let came = match hop.came {
        Came::Answer => 2,
        Came::Shared => 1,
        Came::Nonsense | Came::Silence | Came::Outpaced => 0,
    };
    let for_the_question = match hop.part {
        Part::Root | Part::TopLevel | Part::Provider => 2,
        Part::Address => 1,
        Part::Keys | Part::Retries | Part::Resolver => 0,
    };
    (came, for_the_question)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Phase;
    use crate::target::QuestionOutcome;

    fn hop(part: Part, from_us: u64, until_us: u64, came: Came) -> AnswerHop {
        let (zone, server, address) = (String::new(), String::new(), String::new());
        AnswerHop { part, zone, server, address, until_us, took_us: until_us - from_us, came }
    }

    fn sample(took_us: u64, hops: Vec<AnswerHop>) -> Sample {
        let (phase, ending) = (Phase::Cold, QuestionOutcome::Answered);
        Sample { name: 0, rtype: 1, target: 0, phase, at_us: 0, took_us, ending, hops }
    }

    fn told(way: &TimeParts) -> Vec<(Part, u64)> {
        let parts = Part::ALL.into_iter().map(|part| (part, way.part_us(part)));
        parts.filter(|(_, us)| *us > 0).collect()
    }

    #[test]
    fn each_moment_belongs_to_one_part() {
        let sample = sample(
            100,
            vec![
                hop(Part::Root, 5, 20, Came::Answer),
                // Silent until a second server was asked and answered.
                hop(Part::TopLevel, 20, 60, Came::Outpaced),
                hop(Part::TopLevel, 40, 60, Came::Answer),
                // Beside the question, and longer.
                hop(Part::Keys, 60, 90, Came::Answer),
                hop(Part::Provider, 60, 80, Came::Answer),
            ],
        );
        let way = TimeParts::of(&sample);
        let expected = [
            (Part::Root, 15),
            (Part::TopLevel, 20),
            (Part::Provider, 20),
            (Part::Keys, 10),
            (Part::Retries, 20),
            (Part::Resolver, 15),
        ];
        assert_eq!(told(&way), expected);
        assert_eq!(way.total_us(), 100);
        assert_eq!(way.share(Part::Provider), 0.2);
        assert_eq!(told(&way.and(way))[0], (Part::Root, 30));
    }

    #[test]
    fn a_shared_wait_is_for_what_it_waits_for() {
        let way = TimeParts::of(&sample(50, vec![hop(Part::TopLevel, 0, 50, Came::Shared)]));
        assert_eq!(told(&way), [(Part::TopLevel, 50)]);
    }

    #[test]
    fn what_was_not_seen_is_not_told() {
        assert_eq!(TimeParts::of(&sample(50, Vec::new())).total_us(), 0);
        // A hop that went on after the answer.
        let late = TimeParts::of(&sample(50, vec![hop(Part::Provider, 10, 70, Came::Answer)]));
        assert_eq!(told(&late), [(Part::Provider, 40), (Part::Resolver, 10)]);
    }

    proptest::proptest! {
        #[test]
        fn the_parts_add_up(
            took in 1_u64..1000,
            hops in proptest::collection::vec((0_usize..5, 0_u64..1200, 0_u64..1200, 0_u8..5), 1..12),
        ) {
            let hops = hops.into_iter().map(|(part, one, other, came)| {
                let all =
                    [Came::Answer, Came::Shared, Came::Nonsense, Came::Silence, Came::Outpaced];
                hop(Part::ALL[part], one.min(other), one.max(other), all[usize::from(came)])
            });
            let sample = sample(took, hops.collect());
            proptest::prop_assert_eq!(TimeParts::of(&sample).total_us(), took);
            let stretches = stretches(&sample);
            proptest::prop_assert!(stretches.windows(2).all(|two| two[0].until_us == two[1].from_us));
        }
    }
}
