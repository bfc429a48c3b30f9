use super::*;
use crate::sample::Phase;
use crate::target::QuestionOutcome;

fn record() -> SavedRun {
    let ending = QuestionOutcome::Failed { rcode: "SERVFAIL".into(), ede: Some(22) };
    let sample = Sample {
        name: 0,
        rtype: 1,
        target: 0,
        phase: Phase::Cold,
        at_us: 5,
        took_us: 1234,
        ending,
        hops: vec![],
    };
    SavedRun {
        names: vec!["a.test".into()],
        fingerprint: 7,
        ..SavedRun::new(Environment::default(), vec![sample])
    }
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(&folder.path().join("bench"));
    (folder, store)
}

#[test]
fn what_is_saved_is_loaded() {
    let (_folder, store) = store();
    assert!(store.list().unwrap().is_empty());
    store.save("home", &record()).unwrap();
    store.save("office-2", &SavedRun { fingerprint: 8, ..record() }).unwrap();
    assert_eq!(store.load("home").unwrap(), record());
    assert_eq!(store.list().unwrap(), ["home", "office-2"]);
    store.save("home", &SavedRun { fingerprint: 9, ..record() }).unwrap();
    assert_eq!(store.load("home").unwrap().fingerprint, 9);
    store.remove("home").unwrap();
    assert_eq!(store.list().unwrap(), ["office-2"]);
}

#[test]
fn what_cannot_be_used_is_told() {
    let (_folder, store) = store();
    let missing = store.load("home").unwrap_err().to_string();
    assert!(missing.contains("nor any other"), "{missing}");
    let path = store.save("home", &record()).unwrap();
    let missing = store.remove("hone").unwrap_err().to_string();
    assert!(missing.contains("there are: home"), "{missing}");
    for name in ["", "../home", ".home", "a b", &"a".repeat(65)] {
        assert!(matches!(store.load(name), Err(BaselineError::Name(_))), "{name}");
    }
    let text = fs::read_to_string(&path).unwrap();
    for foreign in [&text[..text.len() / 2], "", &text.replace("\"format\":1", "\"format\":2")] {
        fs::write(&path, foreign).unwrap();
        assert!(matches!(store.load("home"), Err(BaselineError::Foreign(..))), "{foreign}");
    }
}

#[test]
fn the_time_of_a_run_is_told() {
    let at = |time| Environment { time, ..Environment::default() }.when();
    assert_eq!(at(1_795_502_534), "2026-11-24 06:42 UTC");
    assert_eq!(at(0), "1970-01-01 00:00 UTC");
    assert!(at(u64::MAX).ends_with(" UTC"), "what a torn baseline says");
}

#[test]
fn what_else_differs_is_told() {
    let now = record();
    assert!(differences(&now, &now).is_empty());
    let environment = Environment { gateway_ms: Some(3.25), ..Environment::default() };
    let before = SavedRun { environment, targets: vec!["192.0.2.1".into()], ..record() };
    let told = differences(&now, &before);
    assert_eq!(told[0], "asked then: 192.0.2.1; now: ");
    assert_eq!(told[1..], ["first router then: 3.2 ms; now: not heard"]);
}

#[test]
fn runs_of_other_questions_are_not_compared() {
    let now = record();
    assert!(now.comparable(&record()).is_ok());
    let told = |before: SavedRun| now.comparable(&before).unwrap_err().to_string();
    assert!(told(SavedRun { fingerprint: 8, ..record() }).contains("another list"));
    assert!(told(SavedRun { types: vec![28], ..record() }).contains("types"));
    assert!(told(SavedRun { targets: vec!["one".into()], ..record() }).contains("servers"));
    assert_eq!(now.samples[0].millis(Duration::ZERO), 1.234);
}
