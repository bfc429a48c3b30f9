//! The resident memory of a process stays within the limit, in every order of filling the cache.
//! Each order runs in a process with the allocator of Zoners, and the kernel reports the memory.
//!
//! `MEBIBYTES=128 cargo test --profile dist -p zoners-cache --test resident -- --nocapture` prints a table.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on must say so"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "it starts processes, and reads what memory they have"
)]

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use zoners_cache::{AnswerKey, Cache, Denial, Evidence, ExportCursor, Rank, TtlLimits};
use zoners_dns::compose::{Response, compose};
use zoners_dns::{
    Checking, Ede, EdeCode, Endpoint, Moment, Name, Question, RRset, Random, Records, Rtype,
    Security, name, zonefile,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NOW: Moment = Moment::from_millis(1_000_000);
const SMALL: usize = 4;
const LARGE: usize = 20_000;
/// Memory beside entries in every order: pages of the allocator.
const BASE_OCTETS: usize = 2 << 20;

type FillOrder = (&'static str, fn(&MemoryLab));

const ORDERS: &[FillOrder] = &[
    ("small entries", |lab| lab.fill(0, SMALL, 0)),
    ("large entries", |lab| lab.fill(0, LARGE, 0)),
    ("small, then large", |lab| {
        lab.fill(0, SMALL, 0);
        lab.fill(1, LARGE, 0);
    }),
    ("small, a tenth of them asked for, then large", |lab| {
        lab.fill(0, SMALL, 10);
        lab.fill(1, LARGE, 0);
    }),
    ("large, then small", |lab| {
        lab.fill(0, LARGE, 0);
        lab.fill(1, SMALL, 0);
    }),
    ("ever larger, a tenth asked for", |lab| {
        for (round, octets) in
            [4, 60, 150, 400, 1100, 3000, 8000, 20_000, 60_000].iter().enumerate()
        {
            lab.fill(round, *octets, 10);
        }
    }),
    ("all sizes in no order", |lab| {
        for number in 0..lab.limit / 700 {
            let octets = 4 << (lab.random.bits() % 14);
            lab.insert("r", number, octets + lab.random.bits() as usize % octets);
        }
    }),
    ("denials and ranges of many zones", MemoryLab::deny),
    ("NSEC3 of a few zones", MemoryLab::hash),
    ("finished answers", MemoryLab::finish),
    ("servers and failures", MemoryLab::fail),
    ("loaded from a file", MemoryLab::load),
    ("filled, forgotten, filled with others", |lab| {
        lab.fill(0, SMALL, 10);
        lab.forget(&name::root());
        lab.fill(1, 700, 10);
        lab.forget(&parsed("test"));
        lab.fill(2, LARGE, 10);
    }),
];

struct MemoryLab {
    cache: Cache,
    random: Random,
    limit: usize,
    /// Resident octets of the process before filling.
    before: usize,
}

fn parsed(text: &str) -> Name {
    name::parse(text).unwrap()
}

impl MemoryLab {
    fn insert(&self, round: &str, number: usize, octets: usize) -> Name {
        let owner =
            parsed(&format!("h{round}{number}-{:x}.bulk.test", number * 2_654_435_761 % (1 << 32)));
        let set = RRset::new(owner, Rtype::A, 300, Records::from_iter([vec![7; octets]]));
        self.cache.insert_rrset(&set, &[], Rank::AuthoritativeAnswer, Security::Insecure, NOW);
        set.owner
    }

    /// Inserts twice as many entries of one size as fit. Each `asked`-th entry is read.
    fn fill(&self, round: usize, octets: usize, asked: usize) {
        for number in 0..2 * self.limit / (octets + 100) {
            let owner = self.insert(&round.to_string(), number, octets);
            if asked > 0 && number.is_multiple_of(asked) {
                assert!(self.cache.rrset(&owner, Rtype::A, NOW).is_some());
            }
        }
    }

    fn deny(&self) {
        for number in 0..self.limit / 500 {
            let zone = parsed(&format!("zone{number}.test"));
            let text = format!("{zone}. 900 SOA ns.{zone}. host.{zone}. 1 2 3 4 900");
            let soa = zonefile::parse(&text, &name::root()).unwrap().pop();
            let next = parsed(&format!("www.{zone}"));
            let mut nsec =
                RRset::new(zone.clone(), Rtype::NSEC, 900, Records::from_iter([[1; 60]]));
            nsec.signatures = Records::from_iter([[1; 110]]);
            self.cache.ranges().insert_name(&zone, &nsec, &next, 900, NOW);
            let denial = Denial { security: Security::Secure, ..Denial::new(soa, vec![nsec]) };
            self.cache.insert_nodata(&next, Rtype::AAAA, &denial, NOW);
        }
    }

    fn hash(&self) {
        for number in 0..self.limit / 200 {
            // Several zones, so that no zone is evicted all the time.
            let zone = parsed(&format!("zone{}.test", number % 7));
            let mut hash = [0; 20];
            hash[..8].copy_from_slice(&self.random.bits().to_be_bytes());
            let owner = parsed(&format!("{:032x}.{zone}", self.random.bits()));
            let mut set = RRset::new(owner, Rtype::NSEC3, 900, Records::from_iter([[1; 40]]));
            set.signatures = Records::from_iter([[1; 110]]);
            self.cache.ranges().insert_hash(&zone, hash, (0, b""), &set, 900, NOW);
        }
    }

    fn finish(&self) {
        for number in 0..self.limit / 200 {
            let question = Question::new(parsed(&format!("n{number}.test")), Rtype::A);
            let records = (0..=self.random.bits() % 20).map(|last| [192, 0, 2, last as u8]);
            let set = RRset::new(question.name.clone(), Rtype::A, 60, Records::from_iter(records));
            let message = compose(&Response::plain(&question, &[set]));
            let key = AnswerKey {
                rtype: Rtype::A,
                dnssec_ok: false,
                compact_ok: false,
                checking: Checking::Enabled,
                group: 0,
            };
            let name = question.name.for_slice();
            self.cache.insert_answer(name, key, 1, &message, Security::Insecure, 60, NOW);
        }
    }

    fn fail(&self) {
        for number in 0..self.limit / 60 {
            let address = std::net::IpAddr::from((number as u32).to_be_bytes());
            let reply = Evidence::Reply { rtt: Duration::from_millis(5), edns: true };
            self.cache.observe_server(Endpoint::udp(address), reply, NOW);
            let question = Question::new(parsed(&format!("n{number}.test")), Rtype::A);
            let ede = Ede::new(EdeCode::OTHER, "t".repeat(number % Ede::MAX_TEXT));
            self.cache.insert_failure(&question, &ede, false, NOW);
        }
    }

    /// Flushed entries release their memory at once, except the index and pages of the allocator.
    fn forget(&self, subtree: &Name) {
        self.cache.flush(subtree, true);
        let taken = status("VmRSS:") - self.before;
        assert!(taken < self.limit / 8 + BASE_OCTETS, "{taken}");
    }

    /// Imports the entries of another cache from a file, and inserts entries meanwhile.
    fn load(&self) {
        let mut file = BufReader::new(File::open(std::env::var("SAVED").unwrap()).unwrap());
        let mut length = [0; 8];
        for number in 0.. {
            if file.read_exact(&mut length).is_err() {
                break;
            }
            let mut piece = vec![0; usize::from_le_bytes(length)];
            file.read_exact(&mut piece).unwrap();
            self.cache.import(&piece, 0, true, NOW).unwrap();
            self.insert("l", number, 3000);
        }
    }

    /// Exports the cache to a file, in pieces that follow their length.
    fn save(&self, mut file: File) {
        let (mut progress, mut piece) = (ExportCursor::default(), Vec::new());
        while self.cache.export(&mut progress, NOW, &mut piece) {
            file.write_all(&piece.len().to_le_bytes()).unwrap();
            file.write_all(&piece).unwrap();
            piece.clear();
        }
    }

    fn new(limit: usize) -> Self {
        let cache = Cache::new(limit, TtlLimits::default(), [1, 2]);
        MemoryLab { cache, random: Random::seeded(1), limit, before: status("VmRSS:") }
    }
}

/// Resident octets of the process, now or at the peak.
fn status(what: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

fn mebibytes() -> usize {
    std::env::var("MEBIBYTES").map_or(16, |text| text.parse().unwrap())
}

#[test]
#[ignore = "run by the other test, in a process of its own"]
fn fill() {
    let order: usize = std::env::var("ORDER").unwrap().parse().unwrap();
    let lab = MemoryLab::new(mebibytes() << 20);
    let (_, fill) = ORDERS[order];
    fill(&lab);
    let (most, now) = (status("VmHWM:") - lab.before, status("VmRSS:") - lab.before);
    let stats = lab.cache.stats();
    println!("\nfilled {most} {now} {} {}", stats.entries, stats.bytes);
}

#[test]
fn memory_stays_within_the_limit_in_every_order_of_filling() {
    let limit = mebibytes() << 20;
    let saved =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.saved", std::process::id()));
    let other = MemoryLab::new(limit);
    other.fill(0, SMALL, 3);
    other.save(File::create(&saved).unwrap());
    let mut over = Vec::new();
    println!(
        "| order | entries | told | resident | at most | of the limit |\n|---|---|---|---|---|---|"
    );
    for (number, (order, _)) in ORDERS.iter().enumerate() {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", "fill", "--ignored", "--nocapture"])
            .env("ORDER", number.to_string())
            .env("SAVED", &saved);
        let output = String::from_utf8(child.output().unwrap().stdout).unwrap();
        let line = output.lines().find_map(|line| line.strip_prefix("filled ")).unwrap();
        let figures: Vec<usize> = line.split(' ').map(|figure| figure.parse().unwrap()).collect();
        let [most, now, entries, told] = figures[..] else { panic!("{line}") };
        let mib = |octets: usize| octets as f64 / (1 << 20) as f64;
        println!(
            "| {order} | {entries} | {:.1} MiB | {:.1} MiB | {:.1} MiB | {:.2} |",
            mib(told),
            mib(now),
            mib(most),
            most as f64 / limit as f64
        );
        if most > limit + limit / 10 + BASE_OCTETS {
            over.push(order);
        }
    }
    std::fs::remove_file(&saved).unwrap();
    assert!(over.is_empty(), "over the limit: {over:?}");
}
