//! When each address is asked for its list: refreshes with jitter, and damped retries after failures.
//!
//! A pure state machine: wall clock and random bits go in. The clock may jump; a list then waits no longer than its
//! period, or is asked early.

/// Downloads at a time.
pub(crate) const MAX_DOWNLOADS: usize = 2;
/// The wait after the first failure, in seconds; doubled with each further one.
const FIRST_RETRY_S: u64 = 60;
/// The longest wait after failures, in seconds.
const MAX_RETRY_S: u64 = 4 * 3600;
/// The longest pause granted to a server (Retry-After), in seconds.
const MAX_WANTED_S: u64 = 24 * 3600;
/// Failed lists are asked again this soon after the network has changed, in seconds.
const AFTER_CHANGE_S: u64 = 10;

/// The moments of the next downloads.
#[derive(Clone, Debug, Default)]
pub(crate) struct DownloadSchedule {
    entries: Vec<ScheduledList>,
}

#[derive(Clone, Debug)]
struct ScheduledList {
    list: String,
    every_s: u64,
    due_s: u64,
    failures: u32,
    is_under_way: bool,
}

/// The history of a list before the first schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DownloadTerms {
    pub(crate) list: String,
    /// The period.
    pub(crate) every_s: u64,
    /// The last success, in Unix seconds.
    pub(crate) fetched_s: Option<u64>,
    /// The last attempt.
    pub(crate) attempted_s: Option<u64>,
    /// Failures since the last success.
    pub(crate) failures: u32,
}

impl DownloadSchedule {
    /// Schedules these lists and no others. A list with the same period goes on as before.
    pub(crate) fn configure(&mut self, terms: Vec<DownloadTerms>, now_s: u64, random: u64) {
        let before = std::mem::take(&mut self.entries);
        self.entries = terms
            .into_iter()
            .zip(0..)
            .map(|(terms, place)| {
                let same =
                    |old: &&ScheduledList| old.list == terms.list && old.every_s == terms.every_s;
                before.iter().find(same).cloned().unwrap_or_else(|| {
                    let is_under_way =
                        before.iter().any(|old| old.list == terms.list && old.is_under_way);
                    // Each list has a jitter of its own.
                    let random = random.rotate_left(place * 7);
                    let due_s = first_due(&terms, now_s, random);
                    let DownloadTerms { list, every_s, failures, .. } = terms;
                    ScheduledList { list, every_s, due_s, failures, is_under_way }
                })
            })
            .collect();
    }

    /// Seconds until a download may begin; `None` with nothing to wait for.
    pub(crate) fn wait_s(&self, now_s: u64) -> Option<u64> {
        if self.under_way() >= MAX_DOWNLOADS {
            return None;
        }
        let waiting = self.entries.iter().filter(|entry| !entry.is_under_way);
        waiting.map(|entry| entry.left_s(now_s)).min()
    }

    /// Begins due downloads, as far as there is room.
    pub(crate) fn begin(&mut self, now_s: u64) -> Vec<String> {
        let room = MAX_DOWNLOADS.saturating_sub(self.under_way());
        let is_due = |entry: &&mut ScheduledList| !entry.is_under_way && entry.left_s(now_s) == 0;
        let mut due: Vec<&mut ScheduledList> = self.entries.iter_mut().filter(is_due).collect();
        due.sort_by_key(|entry| entry.due_s);
        let begun = due.into_iter().take(room).map(|entry| {
            entry.is_under_way = true;
            entry.list.clone()
        });
        begun.collect()
    }

    /// Notes the end of a download. `wanted_s` is the pause wanted by the server.
    pub(crate) fn end(
        &mut self,
        list: &str,
        is_success: bool,
        wanted_s: Option<u64>,
        now_s: u64,
        random: u64,
    ) {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.list == list) else { return };
        entry.is_under_way = false;
        entry.failures = if is_success { 0 } else { entry.failures.saturating_add(1) };
        let wait = match entry.failures {
            0 => with_jitter(entry.every_s, random),
            failures => retry_wait(failures, entry.every_s, random)
                .max(wanted_s.unwrap_or_default().min(MAX_WANTED_S)),
        };
        entry.due_s = now_s.saturating_add(wait);
    }

    /// Ends every download under way as failed.
    pub(crate) fn fail_all(&mut self, now_s: u64, random: u64) {
        let under_way = self.entries.iter().filter(|entry| entry.is_under_way);
        let lists: Vec<String> = under_way.map(|entry| entry.list.clone()).collect();
        lists.iter().for_each(|list| self.end(list, false, None, now_s, random));
    }

    /// Makes a list due now, whatever the wait; every list without a name. The lists that are asked.
    pub(crate) fn hasten(&mut self, list: Option<&str>, now_s: u64) -> Vec<String> {
        let is_meant = |entry: &&mut ScheduledList| list.is_none_or(|list| list == entry.list);
        let hastened = self.entries.iter_mut().filter(is_meant).map(|entry| {
            entry.due_s = now_s;
            entry.list.clone()
        });
        hastened.collect()
    }

    /// The network has changed: failed lists are asked soon.
    pub(crate) fn network_changed(&mut self, now_s: u64) {
        let failed = self.entries.iter_mut().filter(|entry| entry.failures > 0);
        failed.for_each(|entry| entry.due_s = entry.due_s.min(now_s + AFTER_CHANGE_S));
    }

    fn under_way(&self) -> usize {
        self.entries.iter().filter(|entry| entry.is_under_way).count()
    }
}

impl ScheduledList {
    /// Seconds until the list is due. After a backward jump of the clock, no list waits longer than its period.
    fn left_s(&self, now_s: u64) -> u64 {
        self.due_s.saturating_sub(now_s).min(self.every_s.max(MAX_WANTED_S).saturating_mul(2))
    }
}

fn first_due(terms: &DownloadTerms, now_s: u64, random: u64) -> u64 {
    let after = |moment: u64, wait: u64| moment.min(now_s).saturating_add(wait);
    match (terms.failures, terms.fetched_s, terms.attempted_s) {
        (0, Some(fetched), _) => after(fetched, with_jitter(terms.every_s, random)),
        (1.., _, Some(attempted)) => {
            after(attempted, retry_wait(terms.failures, terms.every_s, random))
        }
        _ => now_s,
    }
}

/// The wait after a number of failures in a row.
fn retry_wait(failures: u32, every_s: u64, random: u64) -> u64 {
    let doubled = FIRST_RETRY_S.saturating_mul(1 << failures.saturating_sub(1).min(16));
    with_jitter(doubled.min(MAX_RETRY_S).min(every_s), random)
}

/// A wait up to a fifth longer: machines that were started together do not ask together for ever.
fn with_jitter(wait_s: u64, random: u64) -> u64 {
    wait_s + ((u128::from(wait_s / 5) * u128::from(random)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3600;
    const NOW: u64 = 1_800_000_000;

    fn terms(list: &str) -> DownloadTerms {
        DownloadTerms {
            list: list.to_owned(),
            every_s: DAY,
            fetched_s: None,
            attempted_s: None,
            failures: 0,
        }
    }

    fn schedule(terms: Vec<DownloadTerms>) -> DownloadSchedule {
        let mut schedule = DownloadSchedule::default();
        schedule.configure(terms, NOW, 0);
        schedule
    }

    #[test]
    fn a_new_list_is_due_at_once_and_a_known_one_after_its_period() {
        let known = DownloadTerms { fetched_s: Some(NOW - 1000), ..terms("known") };
        let mut lists = schedule(vec![terms("new"), known]);
        assert_eq!(lists.wait_s(NOW), Some(0));
        assert_eq!(lists.begin(NOW), ["new"]);
        assert_eq!(lists.wait_s(NOW), Some(DAY - 1000));
        assert!(lists.begin(NOW + DAY - 1001).is_empty());
        assert_eq!(lists.begin(NOW + DAY - 1000), ["known"]);
    }

    #[test]
    fn few_downloads_are_under_way_at_a_time_the_longest_due_first() {
        let at = |list, ago| DownloadTerms { fetched_s: Some(NOW - DAY - ago), ..terms(list) };
        let mut lists = schedule(vec![at("a", 1), at("b", 3), at("c", 2), at("d", 4)]);
        assert_eq!(lists.begin(NOW), ["d", "b"]);
        assert_eq!((lists.wait_s(NOW), lists.begin(NOW).len()), (None, 0));
        lists.end("b", true, None, NOW, 0);
        assert_eq!(lists.begin(NOW), ["c"]);
    }

    #[test]
    fn failures_are_damped_and_a_success_ends_them() {
        let mut lists = schedule(vec![terms("a")]);
        let (mut now, mut waits) = (NOW, Vec::new());
        for _ in 0..10 {
            assert_eq!(lists.begin(now), ["a"]);
            lists.end("a", false, None, now, 0);
            waits.push(lists.wait_s(now).unwrap());
            now += waits.last().unwrap();
        }
        assert_eq!(waits[..4], [60, 120, 240, 480]);
        assert_eq!(waits[9], MAX_RETRY_S);
        lists.begin(now);
        lists.end("a", true, None, now, 0);
        assert_eq!(lists.wait_s(now), Some(DAY));
        lists.begin(now + DAY);
        lists.fail_all(now + DAY, 0);
        assert_eq!(lists.wait_s(now + DAY), Some(60), "a download that panicked is tried again");
    }

    #[test]
    fn a_failed_list_of_before_the_restart_waits_for_its_retry() {
        let failed = DownloadTerms { attempted_s: Some(NOW - 30), failures: 2, ..terms("a") };
        assert_eq!(schedule(vec![failed]).wait_s(NOW), Some(90));
    }

    #[test]
    fn a_server_may_ask_for_a_longer_wait_within_a_day() {
        let mut lists = schedule(vec![terms("a")]);
        for (wanted, wait) in [(1, 60), (3600, 3600), (u64::MAX, DAY)] {
            lists.configure(Vec::new(), NOW, 0);
            lists.configure(vec![terms("a")], NOW, 0);
            lists.begin(NOW);
            lists.end("a", false, Some(wanted), NOW, 0);
            assert_eq!(lists.wait_s(NOW), Some(wait), "{wanted}");
        }
    }

    #[test]
    fn jitter_lengthens_a_wait_by_a_fifth_at_most() {
        assert_eq!((with_jitter(1000, 0), with_jitter(1000, u64::MAX)), (1000, 1199));
        assert_eq!(with_jitter(0, u64::MAX), 0);
        let twins = vec![
            DownloadTerms { fetched_s: Some(NOW), ..terms("a") },
            DownloadTerms { fetched_s: Some(NOW), ..terms("b") },
        ];
        let mut lists = DownloadSchedule::default();
        lists.configure(twins, NOW, 0x0123_4567_89ab_cdef);
        assert_ne!(lists.entries[0].due_s, lists.entries[1].due_s);
    }

    #[test]
    fn a_person_does_not_wait_and_neither_does_a_changed_network() {
        let mut lists = schedule(vec![terms("a"), terms("b")]);
        lists.begin(NOW);
        lists.end("a", false, Some(3600), NOW, 0);
        lists.end("b", true, None, NOW, 0);
        lists.network_changed(NOW);
        assert_eq!(lists.wait_s(NOW), Some(AFTER_CHANGE_S));
        assert_eq!(lists.hasten(Some("b"), NOW), ["b"]);
        assert_eq!(lists.begin(NOW), ["b"]);
        assert_eq!(lists.hasten(None, NOW).len(), 2);
        assert_eq!(lists.hasten(Some("c"), NOW).len(), 0);
    }

    #[test]
    fn a_clock_that_jumps_leaves_no_list_behind() {
        let mut lists = schedule(vec![DownloadTerms { fetched_s: Some(NOW), ..terms("a") }]);
        // The clock was a year ahead, and is set right.
        assert!(lists.wait_s(NOW - 365 * DAY).unwrap() <= 2 * DAY);
        // The clock jumps forward: the list is due.
        assert_eq!(lists.begin(NOW + 365 * DAY), ["a"]);
        let ahead = DownloadTerms { fetched_s: Some(NOW + 365 * DAY), ..terms("b") };
        assert_eq!(schedule(vec![ahead]).wait_s(NOW), Some(DAY));
    }

    #[test]
    fn a_reload_leaves_the_lists_that_stay_where_they_are() {
        let mut lists = schedule(vec![terms("a"), terms("b")]);
        lists.begin(NOW);
        lists.end("a", true, None, NOW, 0);
        lists.configure(vec![terms("a"), DownloadTerms { every_s: 3600, ..terms("b") }], NOW, 0);
        assert_eq!(lists.under_way(), 1, "b is under way still");
        assert_eq!(lists.begin(NOW).len(), 0);
        lists.end("b", true, None, NOW, 0);
        assert_eq!(lists.wait_s(NOW), Some(3600));
        lists.end("gone", true, None, NOW, 0);
    }
}
