use super::*;
use crate::model::asking::UpstreamQuery;
use zoners_dns::{Question, Rtype, name};

const ALL_IS_WELL: BrokenPaths = BrokenPaths { ipv4: false, ipv6: false, udp: false };

fn server(text: &str) -> Endpoint {
    Endpoint::udp(text.parse().unwrap())
}

fn last_reply(server: Endpoint) -> LastReply {
    let question = Question::new(name::root(), Rtype::NS);
    LastReply { server, asking: UpstreamQuery { question, recursion_desired: false, retry: false } }
}

fn replied(paths: &ReachabilityTable, text: &str, now: Moment) {
    paths.replied(server(text));
    paths.take(server(text), now, || last_reply(server(text)));
}

/// The probed servers.
fn asked(paths: &ReachabilityTable, now: Moment) -> Vec<String> {
    let claimed = paths.claim_probes_of_last_responders(now, |_| true, |_| None);
    claimed.map(|last_reply| last_reply.server.to_string()).collect()
}

/// Servers of `networks` networks fall silent, one each `every` milliseconds; returns the moment of
/// the last.
fn silent(paths: &ReachabilityTable, networks: usize, every: u64, from: u64) -> Moment {
    let mut now = Moment::from_millis(from);
    for number in 1..=networks {
        now = Moment::from_millis(from + every * number as u64);
        paths.failed(server(&format!("2001:db8:{number:x}::1")), now);
    }
    now
}

#[test]
fn a_path_is_broken_if_many_networks_and_the_last_responder_are_silent() {
    let (paths, at) = (ReachabilityTable::default(), Moment::from_millis);
    replied(&paths, "2001:db8::1", at(1));
    for number in 0..40 {
        paths.failed(server(&format!("2001:db8:1::{number:x}")), at(100 * number));
    }
    assert!(asked(&paths, at(4000)).is_empty(), "they are all in one network");
    paths.replied(server("2001:db8::1"));
    silent(&paths, MANY - 1, 400, 10_000);
    // One packet serves both paths.
    assert_eq!(asked(&paths, at(12_000)), ["2001:db8::1", "2001:db8::1"]);
    assert_eq!(asked(&paths, at(12_500)).len(), 2);
    paths.failed(server("2001:db8:1::2"), at(12_600));
    assert_eq!(paths.broken(at(90_000)), ALL_IS_WELL, "too few networks");
    paths.failed(server("2001:db8:ff::1"), at(12_700));
    assert_eq!(paths.broken(at(12_999)), ALL_IS_WELL, "it may yet answer");
    // UDP does not work either, as far as is known.
    assert_eq!(paths.broken(at(13_000)), BrokenPaths { ipv6: true, udp: true, ipv4: false });
    replied(&paths, "192.0.2.1", at(13_000));
    assert_eq!(paths.broken(at(13_000)), BrokenPaths { ipv6: true, ..ALL_IS_WELL });
    assert!(paths.broken(at(13_000)).has("2001:db8::1".parse().unwrap()));
    let probe = |now| paths.claim_probe(server("2001:db8::1"), at(now));
    assert!(probe(13_000) && !probe(13_001) && !probe(22_999) && probe(23_000));
    replied(&paths, "2001:db8::1", at(23_000));
    assert_eq!(paths.broken(at(50_000)), ALL_IS_WELL);
    assert!(!probe(50_000));
}

#[test]
fn time_in_which_nothing_is_asked_is_no_evidence() {
    let (paths, at) = (ReachabilityTable::default(), Moment::from_millis);
    replied(&paths, "2001:db8::1", at(1));
    silent(&paths, MANY + 1, 10, 1000);
    assert!(!asked(&paths, at(1080)).is_empty());
    assert_eq!(paths.broken(at(3_600_000)), ALL_IS_WELL, "a burst and an hour");
    assert!(!paths.is_udp_doubtful());
    // Silence after an idle hour counts for half a second.
    paths.failed(server("2001:db8:1::1"), at(3_600_000));
    assert!(!asked(&paths, at(3_600_000)).is_empty() && paths.is_udp_doubtful());
    assert_eq!(paths.broken(at(7_200_000)), ALL_IS_WELL);
    paths.failed(server("2001:db8:1::1"), at(3_600_500));
    assert!(paths.broken(at(3_600_500)).ipv6);
}

#[test]
fn a_reply_of_the_last_responder_shows_that_the_path_works() {
    let (paths, at) = (ReachabilityTable::default(), Moment::from_millis);
    replied(&paths, "2001:db8::1", at(1));
    for round in 0..10 {
        let now = silent(&paths, 40, 100, 10_000 * round);
        asked(&paths, now);
        asked(&paths, now.after(Duration::from_millis(500)));
        replied(&paths, "2001:db8::1", now.after(Duration::from_millis(600)));
        assert_eq!(paths.broken(at(90_000)), ALL_IS_WELL);
    }
}

#[test]
fn a_path_without_any_reply_is_found_broken_too() {
    let (paths, at) = (ReachabilityTable::default(), Moment::from_millis);
    silent(&paths, 12, 100, 1000);
    let root = |family: Option<Family>| {
        let address = if family == Some(Family::V4) { "192.0.2.1" } else { "2001:db8::1" };
        Some(last_reply(server(address)))
    };
    let asked = |now| paths.claim_probes_of_last_responders(at(now), |_| true, root).count();
    assert_eq!((asked(2200), asked(2700)), (2, 2));
    paths.failed(server("2001:db8:1::1"), at(2700));
    assert!(!paths.broken(at(3199)).ipv6 && paths.broken(at(3200)).ipv6);
    // Where the configuration forbids probes, the decision takes longer.
    let unasked = ReachabilityTable::default();
    silent(&unasked, 30, 100, 1000);
    assert!(!unasked.broken(at(90_000)).ipv6);
    silent(&unasked, 2, 100, 4000);
    assert!(unasked.broken(at(90_000)).ipv6);
}
