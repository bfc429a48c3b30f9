//! QNAME minimisation (RFC 9156): a server sees a single label beyond its zone.

use zoners_dns::{Name, Question, Rtype, name};

/// Shortened questions for one name (RFC 9156 section 2.3, MAX_MINIMISE_COUNT) …
const MOST_STEPS: usize = 10;
/// … of which the first add one label each (MINIMISE_ONE_LAB); the rest share the remaining labels.
const SINGLE_STEPS: usize = 4;

/// Existing names with this many labels that are no zone cut are the last shortened names.
const DEEP: usize = 3;

/// The next question on the way down to a name.
#[derive(Clone, Debug)]
pub(crate) struct Minimiser {
    full: Question,
    rtype: Rtype,
    steps: usize,
    shown: usize,
    off: bool,
    shares: bool,
}

impl Minimiser {
    /// Starts with `full`, the final question; shortened questions have type `rtype`.
    #[must_use]
    pub(crate) fn new(full: Question, rtype: Rtype) -> Self {
        Minimiser { full, rtype, steps: 0, shown: 0, off: false, shares: true }
    }

    /// Whether the last question may be of type A in place of AAAA and HTTPS, so that several
    /// questions share the referral.
    pub(crate) fn share_referrals(&mut self, shares: bool) {
        self.shares = shares;
    }

    /// The question for a server of `zone`.
    #[must_use]
    pub(crate) fn next(&self, zone: &Name) -> Question {
        let whole = name::depth(&self.full.name);
        let from = name::depth(zone).max(self.shown);
        let labels = if self.steps < SINGLE_STEPS {
            1
        } else {
            let steps_left = MOST_STEPS.saturating_sub(self.steps).max(1);
            (whole - from.min(whole)).div_ceil(steps_left)
        };
        if self.off || self.steps >= MOST_STEPS || from + labels > whole {
            return self.full.clone();
        }
        if from + labels == whole {
            return self.last(zone);
        }
        Question::new(name::ancestor(&self.full.name, from + labels), self.rtype)
    }

    /// The whole name. The root and top-level domains mostly refer: there the questions of a
    /// browser about a name become one question, and share the referral.
    fn last(&self, zone: &Name) -> Question {
        let refers = self.shares && name::depth(zone) <= 1 && self.full.name != *zone;
        match self.full.rtype {
            Rtype::AAAA | Rtype::HTTPS if refers => Question::new(self.full.name.clone(), Rtype::A),
            _ => self.full.clone(),
        }
    }

    /// `asked` exists and is no zone cut: the next question goes further down.
    pub(crate) fn passed(&mut self, asked: &Name) {
        self.steps += 1;
        self.shown = name::depth(asked);
        // A deep name that is no zone cut nearly always lies in the last zone on the way, whose
        // servers may see the rest. Reverse names have cuts at any depth.
        self.off |= self.shown >= DEEP && !is_reverse(asked);
    }

    /// A referral led further down; counts as a step, so that endless cuts end.
    pub(crate) fn descended(&mut self) {
        self.steps += 1;
    }

    /// From now on the full name is shown.
    pub(crate) fn give_up(&mut self) {
        self.off = true;
    }
}

/// Whether `name` lies in the tree of reverse names.
pub(crate) fn is_reverse(name: &Name) -> bool {
    name::ancestor(name, 1).as_slice().eq_ignore_ascii_case(b"\x04arpa\0")
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
            ["com. A", "example.com. A", "www.example.com. A", "www.example.com. HTTPS"]
        );
        assert_eq!(asked("."), [". HTTPS"]);
        let zone = name::parse("example.com").unwrap();
        let full = Question::new(name::parse("www.example.com").unwrap(), Rtype::HTTPS);
        assert_eq!(Minimiser::new(full.clone(), Rtype::A).next(&zone), full);
    }

    #[test]
    fn a_deep_name_without_a_cut_is_the_last_shortened_question() {
        let shown = asked("a.b.www.example.com");
        assert_eq!(shown.last().unwrap(), "a.b.www.example.com. HTTPS");
        assert_eq!(shown[shown.len() - 2], "www.example.com. A");
    }

    #[test]
    fn the_types_of_a_browser_share_the_referral() {
        let com = name::parse("com").unwrap();
        for (rtype, asked) in [
            (Rtype::A, Rtype::A),
            (Rtype::AAAA, Rtype::A),
            (Rtype::HTTPS, Rtype::A),
            (Rtype::DS, Rtype::DS),
            (Rtype::MX, Rtype::MX),
        ] {
            let full = Question::new(name::parse("example.com").unwrap(), rtype);
            let next = Minimiser::new(full.clone(), Rtype::NS).next(&com);
            assert_eq!(next, Question { rtype: asked, ..full.clone() });
            let mut own = Minimiser::new(full.clone(), Rtype::NS);
            own.share_referrals(false);
            assert_eq!(own.next(&com), full, "the client's own type");
        }
    }

    #[test]
    fn the_number_of_shortened_questions_is_bounded() {
        let long = "a.".repeat(99) + "arpa";
        let steps = asked(&long);
        assert_eq!(steps.len(), MOST_STEPS + 1);
        assert_eq!(steps[3], "a.a.a.arpa. A");
    }

    #[test]
    fn the_labels_of_the_zone_count_as_shown() {
        let full = Question::new(name::parse("a.b.example.com").unwrap(), Rtype::A);
        let minimiser = Minimiser::new(full, Rtype::NS);
        let zone = name::parse("example.com").unwrap();
        assert_eq!(minimiser.next(&zone).to_string(), "b.example.com. NS");
        let apex = name::parse("b.example.com").unwrap();
        assert_eq!(minimiser.next(&apex).to_string(), "a.b.example.com. A");
    }
}
