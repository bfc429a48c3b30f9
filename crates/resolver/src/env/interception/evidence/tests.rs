use std::sync::Arc;
use std::time::Duration;

use super::super::{EVERY, MOST_PLACES};
use super::*;
use zoners_cache::{Cache, Rank, TtlLimits};
use zoners_dns::compose::{Response, ResponseFlags, compose};
use zoners_dns::{Clock, Question, RRset, Random, Records, Rtype, Security, name};

/// A clock that is never read.
#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Moment {
        Moment::from_millis(1_000_000)
    }

    fn wall_seconds(&self) -> u64 {
        0
    }
}

fn shared() -> Arc<Shared> {
    let cache = Cache::new(1 << 20, TtlLimits::default(), [0, 0]);
    Shared::new(cache, Arc::new(Stopped), Random::seeded(1))
}

const fn at(millis: u64) -> Moment {
    Moment::from_millis(1_000_000 + millis)
}

fn place(number: u8, is_top: bool) -> EvidencePlace {
    EvidencePlace { at: [192, 0, number, 0].into(), is_top }
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
}

fn learn(shared: &Shared, text: &str, security: Security) {
    let owner = name::parse(text).unwrap();
    let set = RRset::new(owner, Rtype::A, 60, Records::from_iter([[192, 0, 2, 1]]));
    shared.cache.insert_rrset(&set, &[], Rank::AuthoritativeAnswer, security, at(0));
}

fn knows(shared: &Shared, text: &str) -> bool {
    shared.cache.rrset(&name::parse(text).unwrap(), Rtype::A, at(0)).is_some()
}

#[test]
fn aa_and_ra_tell_an_authority_from_an_interceptor() {
    let voice = |rcode, aa, ra| {
        let octets = compose(&Response {
            question: &Question::new(name::root(), Rtype::NS),
            rcode,
            flags: ResponseFlags { aa, ra, ..ResponseFlags::default() },
            answer: &[],
            authority: &[],
            additional: &[],
            signatures: false,
        });
        ReplyVoice::of(&Message::parse(&octets.into()).unwrap())
    };
    assert_eq!(voice(OptRcode::NOERROR, true, true), ReplyVoice::Authority);
    assert_eq!(voice(OptRcode::NXDOMAIN, false, true), ReplyVoice::Hearsay);
    assert_eq!(voice(OptRcode::NOERROR, false, false), ReplyVoice::Plain);
    assert_eq!(voice(OptRcode::REFUSED, true, true), ReplyVoice::Refusal);
}

#[test]
fn hearsay_of_several_zones_or_of_the_top_starts_a_probe() {
    let shared = shared();
    let hears = |number, is_top, now| {
        shared.note_voice(place(number, is_top), ReplyVoice::Hearsay, true, at(now))
    };
    assert!(!hears(1, false, 0) && !hears(1, false, 0), "it is one place");
    shared.note_voice(place(3, false), ReplyVoice::Authority, true, at(0));
    assert!(!hears(2, false, 0), "one answered as it should in between");
    assert!(hears(1, false, 0));
    assert!(!hears(3, true, 0), "it is being sounded");
    shared.interception.notes.lock().is_sounding = false;
    let again = millis(EVERY_IF_OPEN);
    assert!(!hears(4, true, again - 1) && hears(4, true, again));
    assert_eq!(shared.interception.state(), NetworkState::Doubtful);
}

#[test]
fn failures_in_a_row_start_a_probe_and_silence_does_after_a_while() {
    for (sign, first) in [(FailureSign::Error, 0), (FailureSign::Silence, millis(SILENT_FOR))] {
        let shared = shared();
        let fails = |number, now| shared.note_failure(place(number, false), sign, at(now));
        assert!(!fails(1, 0) && !fails(2, first) && !fails(2, first), "few places");
        assert!(sign == FailureSign::Error || !fails(3, first - 1));
        assert!(fails(3, first));
        let shared = self::shared();
        let fails = |number, now| shared.note_failure(place(number, false), sign, at(now));
        assert!(!fails(1, 0) && !fails(2, first));
        shared.note_voice(place(9, false), ReplyVoice::Plain, true, at(first));
        assert!(!fails(3, first), "something came through");
    }
}

#[test]
fn the_number_of_noted_zones_is_bounded() {
    let shared = shared();
    for number in 0..=255 {
        shared.note_failure(place(number, false), FailureSign::Silence, at(0));
        shared.note_bogus([192, 0, number, 0].into(), at(0));
        shared.note_voice(place(number, false), ReplyVoice::Hearsay, true, at(0));
        shared.note_failure(place(number, false), FailureSign::Silence, at(0));
    }
    let notes = shared.interception.notes.lock();
    assert_eq!((notes.bogus.len(), notes.hearsay.len()), (MOST_PLACES, MOST_PLACES));
    assert!(notes.failed.len() <= MOST_PLACES);
}

#[test]
fn probes_of_a_network_keep_an_interval() {
    let mut notes = EvidenceNotes::default();
    let every = millis(EVERY);
    assert!(notes.claim(EVERY, at(0)));
    assert!(!notes.claim(EVERY, at(every)), "it is being sounded");
    notes.is_sounding = false;
    assert!(!notes.claim(EVERY, at(every - 1)) && notes.claim(EVERY, at(every)));
}

#[test]
fn silence_is_no_obstacle_shortly_after_a_reply() {
    let shared = shared();
    let sounded = |now| {
        shared.note_sounding(ProbeResult::Silent, (at(now), at(now)), 0, true);
        shared.interception.state()
    };
    shared.note_voice(place(1, false), ReplyVoice::Plain, true, at(0));
    let outage = millis(OUTAGE);
    assert_eq!(sounded(outage), NetworkState::Doubtful);
    assert_eq!(sounded(outage + 1), NetworkState::Obstructed(Obstacle::Silent));
    shared.note_voice(place(1, false), ReplyVoice::Plain, true, at(outage + 2));
    assert_eq!(shared.interception.state(), NetworkState::Doubtful, "one word ends it");
}

#[test]
fn refusals_are_no_obstacle_after_a_later_reply() {
    for (sounded, obstacle) in
        [(ProbeResult::Refused, Obstacle::Refused), (ProbeResult::Rejected, Obstacle::Rejected)]
    {
        let shared = shared();
        shared.note_voice(place(1, false), ReplyVoice::Plain, true, at(5));
        shared.note_sounding(sounded, (at(5), at(9)), 0, true);
        assert_eq!(shared.interception.state(), NetworkState::Doubtful);
        shared.note_sounding(sounded, (at(6), at(9)), 0, true);
        assert_eq!(shared.interception.state(), NetworkState::Obstructed(obstacle));
    }
}

#[test]
fn a_probe_of_a_former_network_is_ignored() {
    let shared = shared();
    shared.change_network();
    for sounded in [ProbeResult::Silent, ProbeResult::Refused, ProbeResult::Proven] {
        shared.note_sounding(sounded, (at(0), at(0)), 0, true);
        assert_eq!(shared.interception.state(), NetworkState::Unknown, "{sounded:?}");
    }
    shared.note_sounding(ProbeResult::Proven, (at(0), at(0)), 1, true);
    assert_eq!(shared.interception.state(), NetworkState::Open);
}

#[test]
fn entries_learned_before_the_network_is_proven_are_taken_back() {
    let shared = shared();
    learn(&shared, "before.test", Security::Insecure);
    for leave in [
        |shared: &Shared| shared.change_network(),
        |shared: &Shared| {
            let intercepted = ProbeResult::Intercepted { proves: true };
            shared.note_sounding(intercepted, (at(0), at(0)), 1, true);
        },
    ] {
        shared.note_voice(place(1, false), ReplyVoice::Authority, true, at(0));
        learn(&shared, "meanwhile.test", Security::Insecure);
        learn(&shared, "proven.test", Security::Secure);
        leave(&shared);
        assert!(knows(&shared, "before.test") && knows(&shared, "proven.test"));
        assert!(!knows(&shared, "meanwhile.test"));
    }
    shared.note_proof(&mut shared.interception.notes.lock(), at(0));
    learn(&shared, "meanwhile.test", Security::Insecure);
    shared.change_network();
    assert!(knows(&shared, "meanwhile.test"), "it was learned from servers themselves");
}

#[test]
fn a_network_without_proof_is_probed() {
    let shared = shared();
    let hears = |now| shared.note_voice(place(1, false), ReplyVoice::Authority, true, at(now));
    let long = millis(UNPROVEN_FOR);
    assert!(!hears(0) && !hears(long - 1) && hears(long));
    let shared = self::shared();
    shared.note_voice(place(1, true), ReplyVoice::Authority, false, at(0));
    assert_eq!(
        shared.interception.state(),
        NetworkState::Open,
        "where nothing is to be proven, AA will do"
    );
}

#[test]
fn bogus_answers_of_several_zones_start_a_probe_unless_an_answer_is_proven() {
    let shared = shared();
    let bogus = |number: u8| shared.note_bogus([192, 0, number, 0].into(), at(0));
    assert!(!bogus(1) && !bogus(1));
    shared.note_voice(place(2, true), ReplyVoice::Authority, true, at(0));
    assert!(bogus(2), "AA alone proves nothing");
    let shared = self::shared();
    let bogus = |number: u8| shared.note_bogus([192, 0, number, 0].into(), at(0));
    assert!(!bogus(1));
    shared.note_proof(&mut shared.interception.notes.lock(), at(0));
    assert!(!bogus(2));
}
