//! Several nodes sharing a second level, which may be slow, dead or corrupt.

use std::collections::HashMap;
use std::future::{pending, ready};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::cafe::cafe;
use crate::common::signed::signed_net;
use crate::common::{Lab, question, settings};
use tokio::time::{Instant, sleep};
use zoners_dns::second_level::{BoxedFuture, SecondLevel, SecondLevelEntries};
use zoners_dns::{Checking, Counter, Name, Question, RRset, Rtype, Security};
use zoners_resolver::{Answer, Event, Settings};
use zoners_sim::sign::Signing;
use zoners_sim::{Link, Middlebox, SimNetwork, TlsManner, world};

/// The behaviour of the second level.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    /// Replies after this many milliseconds.
    Takes(u64),
    /// Never says anything.
    Stopped,
    /// Returns entries that no node wrote.
    Mad,
}

#[derive(Debug)]
struct Memory {
    told: Mutex<HashMap<Question, Vec<u8>>>,
    trials: Mutex<HashMap<SocketAddr, Vec<u8>>>,
    mood: Mutex<Mood>,
    trusted: bool,
}

impl Memory {
    fn new(trusted: bool) -> Arc<Self> {
        let (told, mood) = (Mutex::default(), Mutex::new(Mood::Takes(1)));
        Arc::new(Memory { told, trials: Mutex::default(), mood, trusted })
    }

    fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }
}

impl SecondLevel for Memory {
    fn look_up(&self, question: &Question) -> BoxedFuture<Option<SecondLevelEntries>> {
        let entries = self.told.lock().unwrap().get(question).cloned();
        let (mood, trusted) = (*self.mood.lock().unwrap(), self.trusted);
        Box::pin(async move {
            let found = |entries| SecondLevelEntries { entries, shift: 0, trusted };
            match mood {
                Mood::Takes(millis) => {
                    sleep(Duration::from_millis(millis)).await;
                    entries.map(found)
                }
                Mood::Stopped => pending().await,
                Mood::Mad => Some(found(vec![1; 99])),
            }
        })
    }

    fn wait_for_other_node(&self, _: &Question) -> Option<BoxedFuture<()>> {
        None
    }

    fn store(&self, question: &Question, entries: Vec<u8>, ttl: Duration) {
        assert!(ttl >= Duration::from_secs(1));
        if matches!(*self.mood.lock().unwrap(), Mood::Takes(_)) {
            self.told.lock().unwrap().insert(question.clone(), entries);
        }
    }

    fn look_up_trial(&self, server: SocketAddr) -> BoxedFuture<Option<SecondLevelEntries>> {
        let mad = *self.mood.lock().unwrap() == Mood::Mad;
        let trial = self.trials.lock().unwrap().get(&server).cloned();
        let entries = if mad { Some(vec![1; 99]) } else { trial };
        let trusted = self.trusted;
        let found = entries.map(|entries| SecondLevelEntries { entries, shift: 0, trusted });
        Box::pin(ready(found))
    }

    fn store_trial(&self, server: SocketAddr, trial: Vec<u8>, ttl: Duration) {
        assert!(ttl <= Duration::from_secs(3 * 24 * 3600));
        self.trials.lock().unwrap().insert(server, trial);
    }

    fn forget(&self, _: &Name, _: bool) -> BoxedFuture<Result<usize, String>> {
        Box::pin(async { Ok(0) })
    }
}

/// A node with the second level `memory`, or without one.
fn node(net: SimNetwork, settings: Settings, memory: Option<&Arc<Memory>>) -> Lab {
    let lab = Lab::with(net, settings);
    if let Some(memory) = memory {
        lab.worker.shared().share_with(memory.clone());
    }
    lab
}

/// An answer with TTLs set to zero.
fn without_ttls(answer: &Answer) -> Answer {
    let mut answer = answer.clone();
    answer.answer.iter_mut().chain(&mut answer.authority).for_each(|set| set.ttl = 0);
    answer
}

const ASKED: [(&str, Rtype); 8] = [
    ("www.example.com", Rtype::A),
    ("www.example.com", Rtype::HTTPS),
    ("alias.example.com", Rtype::AAAA),
    ("x.old.example.com", Rtype::A),
    ("any.wild.example.com", Rtype::A),
    ("mail.example.com", Rtype::MX),
    ("gone.example.com", Rtype::A),
    ("www.plain.com", Rtype::A),
];

#[tokio::test(start_paused = true)]
async fn what_one_node_learned_another_has_at_once() {
    let (net, settings) = signed_net(&Signing::default());
    let memory = Memory::new(true);
    let one = node(net.clone(), settings.clone(), Some(&memory));
    let alone = node(net.clone(), settings.clone(), None);
    let other = node(net, settings, Some(&memory));
    for (name, rtype) in ASKED {
        let expected = one.resolve(name, rtype).await.unwrap();
        let own = alone.resolve(name, rtype).await.unwrap();
        assert_eq!(without_ttls(&own), without_ttls(&expected));
        let began = Instant::now();
        let told = other.resolve(name, rtype).await.unwrap();
        assert_eq!(without_ttls(&told), without_ttls(&expected), "{name} {rtype}");
        assert_eq!(began.elapsed(), Duration::from_millis(1), "{name} {rtype}");
    }
    assert_eq!(other.count(Counter::SecondLevelHits), ASKED.len() as u64);
    assert_eq!(one.count(Counter::SecondLevelHits), 0);
    // An answer proven by one node is proven for the next; only the keys are fetched, whose proof
    // started in parallel.
    let (of_one, of_other) =
        (one.count(Counter::DnssecVerifications), other.count(Counter::DnssecVerifications));
    assert!(of_other < of_one, "{of_other} beside {of_one}");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_vouches_for_is_proven_again() {
    let (net, settings) = signed_net(&Signing::default());
    let memory = Memory::new(false);
    let one = node(net.clone(), settings.clone(), Some(&memory));
    let other = node(net, settings, Some(&memory));
    for (name, rtype) in ASKED {
        let expected = one.resolve(name, rtype).await.unwrap();
        let told = other.resolve(name, rtype).await.unwrap();
        assert_eq!(told.security, expected.security, "{name} {rtype}");
        assert!(told.security > Security::Unchecked);
    }
    assert!(other.count(Counter::DnssecVerifications) > 0);
    // A record changed in the second level is not trusted.
    let forged = question("mail.example.com", Rtype::A);
    let expected = one.resolve("mail.example.com", Rtype::A).await.unwrap();
    let mut told = memory.told.lock().unwrap().remove(&forged).unwrap();
    let at = told.windows(4).position(|octets| octets == [203, 0, 115, 4]).unwrap();
    told[at] = 66;
    memory.told.lock().unwrap().insert(forged, told);
    let own = other.resolve("mail.example.com", Rtype::A).await.unwrap();
    assert_eq!(without_ttls(&own), without_ttls(&expected));
}

#[tokio::test(start_paused = true)]
async fn an_rrset_of_thousands_is_told_as_well() {
    let net = world::small(1);
    net.change("example.com", |zone| {
        let owner = zoners_dns::name::parse("many.example.com").unwrap();
        let addresses = (0..3_000u16).map(|i| [203, 0, (i >> 8) as u8, i as u8]).collect();
        zone.add(RRset::new(owner, Rtype::A, 300, addresses));
    });
    let memory = Memory::new(true);
    let (one, other) =
        (node(net.clone(), settings(), Some(&memory)), node(net, settings(), Some(&memory)));
    let expected = one.resolve("many.example.com", Rtype::A).await.unwrap();
    assert_eq!(expected.answer[0].records.len(), 3_000);
    let told = other.resolve("many.example.com", Rtype::A).await.unwrap();
    assert_eq!(without_ttls(&told), without_ttls(&expected));
    assert_eq!(other.count(Counter::SecondLevelHits), 1);
}

/// The times and contents of many answers.
async fn run(memory: Option<&Arc<Memory>>, then: Mood) -> Vec<(Duration, String)> {
    let lab = node(world::populous(7, 200, 0.2, 0.05), settings(), memory);
    let mut answers = vec![];
    for number in 0..400 {
        if let Some(memory) = memory
            && number == 200
        {
            memory.is(then);
        }
        let began = Instant::now();
        let answer = lab.ask(&format!("www.d{}.t{}", number / 2, number / 2 % 4), Rtype::A).await;
        answers.push((began.elapsed(), answer));
        // Half of the entries expire.
        if number % 2 == 0 {
            lab.clock.jump(Duration::from_secs(100));
        }
    }
    answers
}

#[tokio::test(start_paused = true)]
async fn one_that_is_stopped_slow_or_mad_costs_no_answer_anything() {
    let without = run(None, Mood::Stopped).await;
    for then in [Mood::Stopped, Mood::Mad, Mood::Takes(400), Mood::Takes(10_000)] {
        let with = run(Some(&Memory::new(true)), then).await;
        for (number, (with, without)) in with.iter().zip(&without).enumerate() {
            assert_eq!(with.1, without.1, "answer {number}, {then:?}");
            assert!(with.0 <= without.0, "answer {number}, {then:?}: {with:?} {without:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_network_says_that_has_not_proven_itself_is_told_to_no_other_node() {
    let (net, settings) = cafe();
    let memory = Memory::new(true);
    let lab = node(net, settings, Some(&memory));
    let is_told = |name: &str| memory.told.lock().unwrap().contains_key(&question(name, Rtype::A));
    for name in ["www.shop.com", "www.site0.com"] {
        lab.resolve(name, Rtype::A).await.unwrap();
        assert!(is_told(name), "{name}");
    }
    lab.worker.shared().notify(Event::NetworkChanged);
    let unsigned = lab.resolve("mail.shop.com", Rtype::A).await.unwrap();
    assert_eq!(unsigned.security, Security::Insecure);
    assert!(!is_told("mail.shop.com"), "it may be a portal's");
    lab.resolve("mail.site0.com", Rtype::A).await.unwrap();
    assert!(is_told("mail.site0.com"), "it is proven, whatever the network is");
    lab.resolve("shop.com", Rtype::NS).await.unwrap();
    assert!(memory.told.lock().unwrap().contains_key(&question("shop.com", Rtype::NS)));
    lab.net.interpose(Middlebox::TRANSPARENT);
    lab.worker.shared().notify(Event::NetworkChanged);
    for (name, told) in [("alias.shop.com", false), ("mail.site1.com", true)] {
        lab.resolve(name, Rtype::A).await.unwrap();
        assert_eq!(is_told(name), told, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_vouches_for_is_cached_once_it_is_proven() {
    let (net, settings) = signed_net(&Signing::default());
    let memory = Memory::new(false);
    let one = node(net.clone(), settings.clone(), Some(&memory));
    let other = node(net, settings, Some(&memory));
    let unsigned = [("alias.plain.com", Rtype::A), ("gone.plain.com", Rtype::A)];
    for (name, rtype) in ASKED.into_iter().chain(unsigned) {
        let _ = one.resolve(name, rtype).await;
        other.resolve(name, rtype).await.unwrap();
        let (worker, asked) = (&other.worker, question(name, rtype));
        let cached = worker.cached(&asked, Checking::Enabled, worker.shared().now());
        assert!(cached.is_ok(), "{name} {rtype}: {cached:?}");
    }
}

/// Asks this number of new names of example.com, and pauses until connections end.
async fn ask_anew(lab: &Lab, names: usize) {
    for number in 0..names {
        lab.ask(&format!("n{number}.example.com"), Rtype::A).await;
        sleep(Duration::from_secs(15)).await;
    }
}

/// A node whose servers of example.com treat TLS so.
fn encrypting(tls: TlsManner, memory: &Arc<Memory>) -> Lab {
    let net = world::small(1);
    for address in world::EXAMPLE_SERVERS {
        net.link(address, Link::of(20).speaking(tls));
    }
    node(net, crate::common::settings(), Some(memory))
}

#[tokio::test(start_paused = true)]
async fn what_trials_of_one_node_have_shown_another_node_knows() {
    for (tls, trials, tls_queries) in [(TlsManner::Good, 2, 10), (TlsManner::Closed, 0, 0)] {
        let memory = Memory::new(true);
        ask_anew(&encrypting(tls, &memory), 800).await;
        assert_eq!(memory.trials.lock().unwrap().len(), 2, "{tls:?}");
        let other = encrypting(tls, &memory);
        ask_anew(&other, 30).await;
        assert_eq!(other.count(Counter::SecondLevelTrials), 2, "{tls:?}");
        assert_eq!(other.count(Counter::UpstreamTlsTrials), trials, "{tls:?}");
        assert!(other.count(Counter::UpstreamTls) >= tls_queries, "{tls:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn results_of_trials_that_are_untrusted_or_damaged_change_nothing() {
    let trusted = Memory::new(true);
    ask_anew(&encrypting(TlsManner::Closed, &trusted), 800).await;
    let (untrusted, mad) = (Memory::new(false), Memory::new(true));
    *untrusted.trials.lock().unwrap() = trusted.trials.lock().unwrap().clone();
    mad.is(Mood::Mad);
    for memory in [untrusted, mad] {
        let other = encrypting(TlsManner::Good, &memory);
        ask_anew(&other, 30).await;
        assert_eq!(other.count(Counter::SecondLevelTrials), 0);
        assert!(other.count(Counter::SecondLevelRejected) >= 2);
        assert_eq!(other.count(Counter::UpstreamTlsTrials), 0, "none is earned yet");
        ask_anew(&other, 800).await;
        assert!(other.count(Counter::UpstreamTls) > 0, "and none is prevented");
    }
}
