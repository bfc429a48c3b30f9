//! A day under attack: many attacks at once, beside clients asking for ordinary names. The clients
//! are answered, and the packets that the attacks cause are bounded.
//!
//! `benchmarks/adversary` plays these attacks and more over real sockets, beside other resolvers.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::common::many::{ms, with_delegations};
use crate::common::{Lab, question};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use zoners_dns::{RRset, Random, Records, Rtype, name};
use zoners_sim::{Bad, Beset, Link, Manner, Said, Sent, SimNetwork, Streams};

/// Packets for the first question of a zone with only silent servers …
const DEAD_FIRST: usize = 20;
/// … and for each later question.
const DEAD_LATER: usize = 3;
/// Packets to a silent address within any second, whichever zones name the address.
const VICTIM_A_SECOND: usize = 4;
/// Packets to the servers of a victim for each referral to names that the victim does not have.
const NXNS_A_QUESTION: f64 = 10.0;
/// Queries to a slow server for each question, beyond those before its first reply.
const SLOW_A_QUESTION: f64 = 1.0;
/// The packets that an unproven address gets in two seconds.
const SLOW_FIRST: usize = 2 * VICTIM_A_SECOND;
/// Queries to a server whose reply exceeds the message limits.
const HEAVY_A_QUESTION: f64 = 2.0;
/// No ordinary question takes longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the day is.
const DAY: Duration = Duration::from_secs(6);
/// The time between two questions.
const PACE: Duration = ms(10);

/// Fifty datagrams with a wrong ID before each answer, over UDP alone.
const FORGED: Beset = Beset { by: Bad::Id, times: 50, good: true, streams: Streams::Closed };

/// A silent address that many zones name as their server.
const VICTIM: &str = "203.21.0.1";

/// The kind of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Ordinary,
    /// A zone whose replies are preceded by forged replies.
    Forged,
    Dead,
    Victim,
    Nxns,
    Slow,
    Heavy,
}

const KINDS: [Kind; 7] =
    [Kind::Ordinary, Kind::Forged, Kind::Dead, Kind::Victim, Kind::Nxns, Kind::Slow, Kind::Heavy];

impl Kind {
    /// The name with a number, of this kind.
    fn name(self, number: u64) -> String {
        match self {
            Kind::Ordinary => format!("n{}.good{}.com", number % 40, number % 7),
            Kind::Forged => format!("n{number}.forged.com"),
            Kind::Dead => format!("n{number}.dead.com"),
            Kind::Victim => format!("www.v{}.com", number % 200),
            Kind::Nxns => format!("n{number}.x{}.nxns.com", number % 60),
            Kind::Slow => format!("n{number}.slow.com"),
            Kind::Heavy => format!("n{number}.heavy.com"),
        }
    }

    fn must_be_answered(self) -> bool {
        matches!(self, Kind::Ordinary | Kind::Forged)
    }
}

/// The small Internet with the zones of the attacks.
fn world(seed: u64) -> SimNetwork {
    let mut com = String::new();
    for (zone, address) in
        [("forged", 2), ("nxns", 3), ("target", 4), ("slow", 5), ("heavy", 6), ("good0", 10)]
    {
        com += &format!("{zone} NS ns.{zone}\nns.{zone} A 203.22.0.{address}\n");
    }
    for number in 1..7 {
        com += &format!(
            "good{number} NS ns.good{number}\nns.good{number} A 203.22.0.{}\n",
            10 + number
        );
    }
    for server in 0..13 {
        com += &format!("dead NS n{server}.dead\n");
        for address in 0..6 {
            com += &format!("n{server}.dead A 203.20.{server}.{address}\n");
        }
    }
    for number in 0..200 {
        com += &format!("v{number} NS ns.v{number}\nns.v{number} A {VICTIM}\n");
    }
    let net = with_delegations(&com);
    net.reseed(seed);
    for number in 0..7 {
        let address = format!("203.22.0.{}", 10 + number);
        net.zone(&format!("good{number}.com"), &[&address], "@ NS ns\n* A 203.0.113.1\n");
    }
    for (zone, address, link) in [
        ("forged.com", "203.22.0.2", Link::of(20).with(Manner::Beset(FORGED))),
        ("nxns.com", "203.22.0.3", Link::of(20)),
        ("target.com", "203.22.0.4", Link::of(20)),
        ("slow.com", "203.22.0.5", Link::of(1_200)),
        ("heavy.com", "203.22.0.6", Link::of(20)),
    ] {
        let names = if zone == "target.com" { "" } else { "* A 203.0.113.1\n" };
        net.zone(zone, &[address], &format!("@ NS ns\n{names}")).link(address, link);
    }
    net.alter("203.22.0.3", |asked, said| Some(to_a_victim(&asked.name, said)));
    net.alter("203.22.0.6", |asked, said| Some(heavy(&asked.name, said)));
    net
}

/// A referral of the two last labels above `nxns.com.` to names that the victim does not have.
fn to_a_victim(asked: &zoners_dns::Name, said: Said) -> Said {
    if name::depth(asked) < 3 {
        return said;
    }
    let cut = name::ancestor(asked, 3);
    let first = String::from_utf8_lossy(cut.first().as_slice()).into_owned();
    let targets = (0..135).map(|at| name::parse(&format!("{first}-{at}.target.com")).unwrap());
    let records: Records = targets.map(|target| target.as_slice().to_vec()).collect();
    let authority = vec![RRset::new(cut, Rtype::NS, 300, records)];
    Said { aa: false, answer: vec![], authority, ..said }
}

/// A referral with 256 servers and 500 foreign addresses.
fn heavy(asked: &zoners_dns::Name, said: Said) -> Said {
    if name::depth(asked) < 3 {
        return said;
    }
    let at = |number: u16, what: &str| name::parse(&format!("{what}{number}.heavy.com")).unwrap();
    let records: Records = (0..256).map(|number| at(number, "s").as_slice().to_vec()).collect();
    let authority = vec![RRset::new(name::ancestor(asked, 3), Rtype::NS, 300, records)];
    let address = |number: u16| Records::from_iter([[203, 23, (number >> 8) as u8, number as u8]]);
    let glue = |number| RRset::new(at(number, "g"), Rtype::A, 300, address(number));
    let additional = (0..500).map(glue).collect();
    Said { aa: false, answer: vec![], authority, additional, ..said }
}

/// The result of a day.
#[derive(Debug, PartialEq, Eq)]
struct Day {
    asked: BTreeMap<Kind, usize>,
    /// Names that must be answered and failed, or were late.
    failed: Vec<String>,
    sent: Vec<Sent>,
}

async fn day(seed: u64) -> Day {
    let lab = Lab::new(world(seed));
    let random = Random::seeded(seed);
    let (mut asked, mut asking) = (BTreeMap::<Kind, usize>::new(), JoinSet::new());
    let begun = Instant::now();
    while begun.elapsed() < DAY {
        let kind = KINDS[random.below(KINDS.len() as u64) as usize];
        let name = kind.name(random.below(1_000));
        *asked.entry(kind).or_default() += 1;
        let (worker, question) = (lab.worker.clone(), question(&name, Rtype::A));
        asking.spawn(async move {
            let begun = Instant::now();
            let resolution = worker.resolve(&question, None).await;
            let good = resolution.is_ok_and(|answer| !answer.answer.is_empty());
            let failed = kind.must_be_answered() && (!good || begun.elapsed() > PATIENCE);
            failed.then(|| format!("{name} after {:?}: {good}", begun.elapsed()))
        });
        sleep(PACE).await;
    }
    let mut failed: Vec<String> = asking.join_all().await.into_iter().flatten().collect();
    failed.sort_unstable();
    Day { asked, failed, sent: lab.net.sent() }
}

/// Packets to addresses with this prefix; a stream that is not opened counts three.
fn packets(sent: &[Sent], prefix: &str) -> usize {
    let to = sent.iter().filter(|sent| sent.to.address.ip().to_string().starts_with(prefix));
    to.map(weight).sum()
}

fn weight(sent: &Sent) -> usize {
    if sent.to.transport.is_stream() { 3 } else { 1 }
}

/// The most packets to an address within a second, a stream's SYN being sent again each second.
fn most_a_second(sent: &[Sent], address: &str) -> usize {
    let to = sent.iter().filter(|sent| sent.to.address.ip().to_string() == address);
    let again = |sent: &Sent| {
        let at = sent.at;
        (0..weight(sent) as u32).map(move |times| at + Duration::from_secs(1) * times)
    };
    let packets: Vec<Duration> = to.flat_map(again).collect();
    let within = |from: Duration| {
        let second = from..from + Duration::from_secs(1);
        packets.iter().filter(|at| second.contains(at)).count()
    };
    packets.iter().map(|from| within(*from)).max().unwrap_or(0)
}

fn check(day: &Day) {
    assert_eq!(day.failed, Vec::<String>::new());
    let asked = |kind| day.asked.get(&kind).copied().unwrap_or(0);
    assert!(KINDS.iter().all(|kind| asked(*kind) > 20), "all at once: {:?}", day.asked);
    let dead = packets(&day.sent, "203.20.");
    let most = DEAD_FIRST + DEAD_LATER * (asked(Kind::Dead) - 1);
    assert!(dead <= most, "{dead} packets for {} questions", asked(Kind::Dead));
    let victim = most_a_second(&day.sent, VICTIM);
    assert!(victim <= VICTIM_A_SECOND, "{victim} packets within a second");
    for (kind, address, first, most) in [
        (Kind::Nxns, "203.22.0.4", 0, NXNS_A_QUESTION),
        (Kind::Slow, "203.22.0.5", SLOW_FIRST, SLOW_A_QUESTION),
        (Kind::Heavy, "203.22.0.6", 0, HEAVY_A_QUESTION),
    ] {
        let later = packets(&day.sent, address).saturating_sub(first);
        let each = later as f64 / asked(kind) as f64;
        assert!(each <= most, "{kind:?}: {each:.2} packets a question");
    }
}

#[tokio::test(start_paused = true)]
async fn ordinary_names_are_answered_whatever_else_is_asked() {
    for seed in 1..=2 {
        check(&day(seed).await);
    }
}

#[test]
fn the_same_day_is_the_same_day() {
    let alone = || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true).build().unwrap().block_on(day(7))
    };
    let (one, other) = (alone(), alone());
    let differ = one.sent.iter().zip(&other.sent).find(|(one, other)| one != other);
    assert_eq!((differ, one.sent.len()), (None, other.sent.len()));
}
