//! Surprising changes of a list: the version in force stays for a day, or until a person agrees.
//!
//! A pure state machine: the number of rules of each version and the wall clock go in, and the version to use comes out.
//! The value is kept across restarts.

use std::fmt;

/// The time for which a surprising version waits, in seconds.
pub const HOLD_SECONDS: u64 = 24 * 3600;
/// Differences of fewer rules surprise nobody: a short list of a person doubles easily.
const MIN_SURPRISING_DIFFERENCE: u32 = 100;

/// A version of a list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ListVersion {
    /// A digest of the text.
    pub digest: String,
    /// Rules of the list.
    pub rules: u32,
}

/// Why a version waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListSurprise {
    /// The list has grown by more than half.
    Grew,
    /// The list has shrunk by more than half.
    Shrank,
    /// The list has shrunk by nine tenths: only the word of a person puts the version into force.
    NearlyEmpty,
}

/// A version that waits.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HeldVersion {
    /// The newest version.
    pub version: ListVersion,
    /// Why the version waits.
    pub surprise: ListSurprise,
    /// The moment of the first surprising version, in Unix seconds.
    pub since_s: u64,
    /// Whether a person has agreed.
    pub is_accepted: bool,
}

/// What becomes of an offered version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardDecision {
    /// The version is in force.
    Taken,
    /// The version in force stays.
    Held(ListSurprise),
}

/// The versions of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ListGuard {
    in_force: Option<ListVersion>,
    held: Option<HeldVersion>,
    /// Rules of the version before the one in force.
    former_rules: Option<u32>,
}

impl ListGuard {
    /// The version in force.
    #[must_use]
    pub fn in_force(&self) -> Option<&ListVersion> {
        self.in_force.as_ref()
    }

    /// The version that waits.
    #[must_use]
    pub fn held(&self) -> Option<&HeldVersion> {
        self.held.as_ref()
    }

    /// Rules of the version before the one in force.
    #[must_use]
    pub fn former_rules(&self) -> Option<u32> {
        self.former_rules
    }

    /// Offers the newest version of the list.
    pub fn offer(&mut self, version: ListVersion, now_s: u64) -> GuardDecision {
        let Some(in_force) = &self.in_force else { return self.take(version) };
        if in_force.digest == version.digest {
            self.in_force = Some(version);
            self.held = None;
            return GuardDecision::Taken;
        }
        let Some(surprise) = surprise(in_force.rules, version.rules) else {
            return self.take(version);
        };
        let held = self.held.take();
        // A clock that was set back begins the time anew.
        let since_s = held.as_ref().map_or(now_s, |held| held.since_s).min(now_s);
        let is_accepted = held.is_some_and(|held| held.is_accepted);
        let held = HeldVersion { version, surprise, since_s, is_accepted };
        if held.is_due(now_s) {
            return self.take(held.version);
        }
        self.held = Some(held);
        GuardDecision::Held(surprise)
    }

    /// Notes the word of a person on the version that waits; false if none waits.
    pub fn accept(&mut self) -> bool {
        self.held.as_mut().map(|held| held.is_accepted = true).is_some()
    }

    /// Whether a version has waited long enough, and is to be offered again.
    #[must_use]
    pub fn has_due_version(&self, now_s: u64) -> bool {
        self.held.as_ref().is_some_and(|held| held.is_due(now_s))
    }

    /// Notes the rules of the version in force, which another form of the same text changes.
    pub fn recount(&mut self, rules: u32) {
        if let Some(in_force) = &mut self.in_force {
            in_force.rules = rules;
        }
    }

    /// Forgets a version, as its text is lost or no list.
    pub fn forget(&mut self, digest: &str) {
        self.in_force = self.in_force.take().filter(|version| version.digest != digest);
        self.held = self.held.take().filter(|held| held.version.digest != digest);
    }

    fn take(&mut self, version: ListVersion) -> GuardDecision {
        self.former_rules = self.in_force.take().map(|in_force| in_force.rules);
        self.in_force = Some(version);
        self.held = None;
        GuardDecision::Taken
    }
}

impl HeldVersion {
    /// Seconds until the version comes into force by itself; `None` if a person has to agree.
    #[must_use]
    pub fn left_s(&self, now_s: u64) -> Option<u64> {
        let end = self.since_s.min(now_s).saturating_add(HOLD_SECONDS);
        (self.surprise != ListSurprise::NearlyEmpty).then(|| end.saturating_sub(now_s))
    }

    fn is_due(&self, now_s: u64) -> bool {
        self.is_accepted || self.left_s(now_s) == Some(0)
    }
}

/// The surprise of a change from one number of rules to another.
fn surprise(from: u32, to: u32) -> Option<ListSurprise> {
    if from.abs_diff(to) < MIN_SURPRISING_DIFFERENCE {
        return None;
    }
    let (from, to) = (u64::from(from), u64::from(to));
    if to * 10 <= from {
        Some(ListSurprise::NearlyEmpty)
    } else if to * 2 < from {
        Some(ListSurprise::Shrank)
    } else if to * 2 > from * 3 {
        Some(ListSurprise::Grew)
    } else {
        None
    }
}

impl fmt::Display for ListSurprise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ListSurprise::Grew => "grew by more than half",
            ListSurprise::Shrank => "shrank by more than half",
            ListSurprise::NearlyEmpty => "shrank by nine tenths",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;
    const START: u64 = 1_800_000_000;

    fn version(digest: &str, rules: u32) -> ListVersion {
        ListVersion { digest: digest.to_owned(), rules }
    }

    /// A guard with 1000 rules in force.
    fn guard() -> ListGuard {
        let mut guard = ListGuard::default();
        assert_eq!(guard.offer(version("first", 1000), START), GuardDecision::Taken);
        guard
    }

    fn in_force(guard: &ListGuard) -> &str {
        &guard.in_force().unwrap().digest
    }

    #[test]
    fn usual_changes_are_taken_at_once() {
        for rules in [500, 900, 1000, 1200, 1500] {
            let mut guard = guard();
            assert_eq!(guard.offer(version("next", rules), START), GuardDecision::Taken, "{rules}");
            assert_eq!((in_force(&guard), guard.former_rules()), ("next", Some(1000)));
        }
    }

    #[test]
    fn the_bounds_of_a_surprise() {
        let held = GuardDecision::Held;
        for (rules, surprise) in [
            (0, ListSurprise::NearlyEmpty),
            (100, ListSurprise::NearlyEmpty),
            (101, ListSurprise::Shrank),
            (499, ListSurprise::Shrank),
            (1501, ListSurprise::Grew),
            (u32::MAX, ListSurprise::Grew),
        ] {
            let mut guard = guard();
            assert_eq!(guard.offer(version("next", rules), START), held(surprise), "{rules}");
            assert_eq!(in_force(&guard), "first");
        }
    }

    #[test]
    fn a_short_list_changes_as_a_person_likes() {
        let mut guard = ListGuard::default();
        for (digest, rules) in [("a", 1), ("b", 99), ("c", 0), ("d", 50)] {
            assert_eq!(
                guard.offer(version(digest, rules), START),
                GuardDecision::Taken,
                "{digest}"
            );
        }
    }

    #[test]
    fn a_surprising_version_is_taken_after_a_day() {
        let mut guard = guard();
        guard.offer(version("half", 400), START);
        let held = guard.held().unwrap();
        assert_eq!(
            (held.left_s(START), held.left_s(START + HOUR)),
            (Some(24 * HOUR), Some(23 * HOUR))
        );
        assert!(!guard.has_due_version(START + HOLD_SECONDS - 1));
        assert!(guard.has_due_version(START + HOLD_SECONDS));
        let again = guard.offer(version("half", 400), START + HOLD_SECONDS);
        assert_eq!((again, in_force(&guard)), (GuardDecision::Taken, "half"));
        assert!(guard.held().is_none());
    }

    #[test]
    fn later_versions_do_not_begin_the_day_anew() {
        let mut guard = guard();
        for hour in 0..24 {
            let decision = guard
                .offer(version(&format!("v{hour}"), 2000 + hour), START + u64::from(hour) * HOUR);
            assert_eq!(decision, GuardDecision::Held(ListSurprise::Grew), "{hour}");
        }
        assert_eq!(guard.held().unwrap().version.digest, "v23");
        assert_eq!(guard.offer(version("v24", 2024), START + HOLD_SECONDS), GuardDecision::Taken);
    }

    #[test]
    fn a_version_as_before_ends_the_wait() {
        let mut guard = guard();
        guard.offer(version("half", 400), START);
        assert_eq!(guard.offer(version("first", 1000), START + HOUR), GuardDecision::Taken);
        assert!(guard.held().is_none());
        // A later surprise has a day of its own.
        guard.offer(version("half", 400), START + 30 * HOUR);
        assert!(!guard.has_due_version(START + 31 * HOUR));
        guard.offer(version("usual", 1100), START + 32 * HOUR);
        assert_eq!((in_force(&guard), guard.held()), ("usual", None));
    }

    #[test]
    fn a_list_that_is_nearly_empty_waits_for_a_person() {
        let mut guard = guard();
        guard.offer(version("empty", 3), START);
        let year = START + 365 * 24 * HOUR;
        assert_eq!(guard.held().unwrap().left_s(year), None);
        assert!(!guard.has_due_version(year));
        assert_eq!(
            guard.offer(version("empty", 3), year),
            GuardDecision::Held(ListSurprise::NearlyEmpty)
        );
        assert!(guard.accept() && guard.has_due_version(year));
        assert_eq!(guard.offer(version("empty", 3), year), GuardDecision::Taken);
        assert!(!guard.accept(), "nothing waits");
    }

    #[test]
    fn a_clock_set_back_makes_no_version_wait_longer_than_a_day() {
        let mut guard = guard();
        guard.offer(version("half", 400), START);
        let earlier = START - 1000 * HOUR;
        assert_eq!(guard.held().unwrap().left_s(earlier), Some(HOLD_SECONDS));
        guard.offer(version("half", 400), earlier);
        assert!(guard.has_due_version(earlier + HOLD_SECONDS));
    }

    #[test]
    fn a_version_without_a_text_is_forgotten() {
        let mut guard = guard();
        guard.offer(version("half", 400), START);
        guard.forget("other");
        guard.forget("half");
        assert_eq!((guard.held(), in_force(&guard)), (None, "first"));
        guard.forget("first");
        assert_eq!(guard.in_force(), None);
    }

    #[test]
    fn the_wait_outlasts_a_restart() {
        let mut guard = guard();
        guard.offer(version("half", 400), START);
        let text = serde_json::to_string(&guard).unwrap();
        let read: ListGuard = serde_json::from_str(&text).unwrap();
        assert_eq!(read, guard);
        assert!(read.has_due_version(START + HOLD_SECONDS));
    }

    #[test]
    fn no_version_comes_into_force_by_surprise_before_its_day() {
        // Versions of every size, an hour apart.
        let mut guard = guard();
        let (mut seed, mut surprised_since) = (1_u64, None);
        for hour in 0..2000_u64 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let now = START + hour * HOUR;
            let rules = (seed >> 33) as u32 % 4000;
            let before = guard.in_force().unwrap().rules;
            let decision = guard.offer(version(&format!("v{hour}"), rules), now);
            let surprise = surprise(before, rules);
            match (surprise, decision) {
                (None, GuardDecision::Taken) => surprised_since = None,
                (Some(kind), GuardDecision::Taken) => {
                    let since: u64 = surprised_since.take().unwrap();
                    assert!(now - since >= HOLD_SECONDS && kind != ListSurprise::NearlyEmpty);
                }
                (Some(_), GuardDecision::Held(_)) => {
                    surprised_since.get_or_insert(now);
                    assert_eq!(guard.in_force().unwrap().rules, before);
                }
                (None, GuardDecision::Held(_)) => panic!("{rules} rules after {before} are held"),
            }
        }
    }
}
