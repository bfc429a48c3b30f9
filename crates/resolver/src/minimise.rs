//! QNAME minimisation (RFC 9156): a server sees one label more than the zone it serves.

use zoners_dns::{Name, Question, Rtype, name};

/// Shortened questions for one name (RFC 9156 section 2.3, MAX_MINIMISE_COUNT) …
const MOST_STEPS: usize = 10;
/// … of which the first add one label each (MINIMISE_ONE_LAB), the rest share what is left.
const SINGLE_STEPS: usize = 4;

/// What to ask next on the way down to a name.
#[derive(Clone, Debug)]
pub struct Minimiser {
    full: Question,
    rtype: Rtype,
    steps: usize,
    shown: usize,
    off: bool,
}

impl Minimiser {
    /// Starts with `full`, the question that is to be answered in the end; shortened ones have
    /// type `rtype`.
    #[must_use]
    pub fn new(full: Question, rtype: Rtype) -> Self {
        Minimiser { full, rtype, steps: 0, shown: 0, off: false }
    }

    /// The question for a server of `zone`.
    #[must_use]
    pub fn next(&self, zone: &Name) -> Question {
        let whole = name::depth(&self.full.name);
        let from = name::depth(zone).max(self.shown);
        let labels = if self.steps < SINGLE_STEPS {
            1
        } else {
            let steps_left = MOST_STEPS.saturating_sub(self.steps).max(1);
            (whole - from.min(whole)).div_ceil(steps_left)
        };
        if self.off || self.steps >= MOST_STEPS || from + labels >= whole {
            return self.full.clone();
        }
        Question::new(name::ancestor(&self.full.name, from + labels), self.rtype)
    }

    /// `asked` exists and is no zone cut: the next question goes beyond it.
    pub fn passed(&mut self, asked: &Name) {
        self.steps += 1;
        self.shown = name::depth(asked);
    }

    /// A referral took us further; counts as a step, so that endless cuts end.
    pub fn descended(&mut self) {
        self.steps += 1;
    }

    /// From now on the full name is shown.
    pub fn give_up(&mut self) {
        self.off = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Vec<String> {
        let full = Question::new(name::parse(text).unwrap(), Rtype::HTTPS);
        let mut minimiser = Minimiser::new(full.clone(), Rtype::A);
        let mut asked = vec![];
        loop {
            let question = minimiser.next(&name::root());
            asked.push(question.to_string());
            if question == full {
                return asked;
            }
            minimiser.passed(&question.name);
        }
    }

    #[test]
    fn one_label_more_each_time() {
        assert_eq!(
            asked("www.example.com"),
            ["com. A", "example.com. A", "www.example.com. HTTPS"]
        );
        assert_eq!(asked("."), [". HTTPS"]);
    }

    #[test]
    fn long_names_take_no_more_than_the_limit() {
        let long = "a.".repeat(100);
        let steps = asked(&long);
        assert_eq!(steps.len(), MOST_STEPS + 1 - 1);
        assert_eq!(steps[3], "a.a.a.a. A");
    }

    #[test]
    fn the_zone_counts_as_shown() {
        let full = Question::new(name::parse("a.b.example.com").unwrap(), Rtype::A);
        let minimiser = Minimiser::new(full, Rtype::NS);
        let zone = name::parse("example.com").unwrap();
        assert_eq!(minimiser.next(&zone).to_string(), "b.example.com. NS");
        let apex = name::parse("b.example.com").unwrap();
        assert_eq!(minimiser.next(&apex).to_string(), "a.b.example.com. A");
    }
}
