//! Reports at their limits.

use super::*;
use zoners_dns::name;

const NOW: Moment = Moment::from_millis(5_000_000);

fn parsed(text: &str) -> Name {
    name::parse(text).unwrap()
}

fn numbered(prefix: &str, number: impl ToString) -> Name {
    parsed(&format!("{prefix}{}.test", number.to_string()))
}

#[test]
fn an_agent_gets_ten_a_minute_and_all_get_sixty() {
    let reports = ReportAgents::default();
    let sent = |agent: u32, now: Moment| {
        let granted = |number: &u32| {
            let report = numbered("r", format!("{agent}-{number}-{}", now.as_millis()));
            reports.grant(&report, &numbered("a", agent), now)
        };
        (0..2 * PER_AGENT).filter(granted).count() as u32
    };
    assert_eq!(sent(0, NOW), PER_AGENT);
    let others: u32 = (1..20).map(|agent| sent(agent, NOW)).sum();
    assert_eq!(others, IN_ALL - PER_AGENT);
    let almost = NOW.after(WINDOW - Duration::from_millis(1));
    assert_eq!(sent(30, almost), 0);
    assert_eq!(sent(30, NOW.after(WINDOW)), PER_AGENT);
}

#[test]
fn a_report_is_remembered_for_an_hour_and_their_number_is_bounded() {
    let reports = ReportAgents::default();
    let agent = |number: usize| numbered("a", number);
    let mut now = NOW;
    for number in 0..REMEMBERED {
        assert!(reports.grant(&numbered("r", number), &agent(number), now), "{number}");
        // Not too many in a minute.
        now = now.after(Duration::from_millis(1100));
    }
    assert!(!reports.grant(&parsed("one.more"), &agent(0), now));
    let first = numbered("r", 0);
    let expires = NOW.after(REMEMBERED_FOR);
    assert!(reports.is_remembered(&first, NOW.after(REMEMBERED_FOR - Duration::from_millis(1))));
    assert!(!reports.is_remembered(&first, expires));
    assert!(reports.grant(&parsed("one.more"), &agent(0), expires), "there is room again");
}

#[test]
fn agents_are_forgotten_beyond_the_limit_or_when_no_longer_named() {
    let reports = ReportAgents::default();
    let (agent, zone) = (parsed("agent.example"), |number: usize| numbered("z", number));
    (0..AGENTS).for_each(|number| reports.learn(&zone(number), Some(&agent), NOW));
    reports.learn(&zone(0), Some(&agent), NOW);
    assert_eq!(reports.agent(&zone(AGENTS - 1), NOW), Some(agent.clone()), "no new zone");
    assert_eq!(reports.agent(&zone(0), NOW.after(REMEMBERED_FOR)), None, "an hour later");
    reports.learn(&zone(0), None, NOW);
    assert_eq!(reports.agent(&zone(0), NOW), None, "named no more");
    reports.learn(&zone(0), Some(&agent), NOW);
    reports.learn(&zone(AGENTS), Some(&agent), NOW);
    assert_eq!(reports.agent(&zone(1), NOW), None, "one too many");
    assert_eq!(reports.agent(&zone(AGENTS), NOW), Some(agent));
}
