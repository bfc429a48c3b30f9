//! Replays what the fuzzers found worth keeping.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../fuzz/src/bench_runs.rs"]
mod bench_runs;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../fuzz/src/names.rs"]
mod names;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zoners_bench::{
    AnswerHop, Came, Environment, Nameserver, Part, Phase, QuestionOutcome, Ramp, Sample, SavedRun,
};

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target)
}

fn replay(target: &str, run: impl Fn(&[u8])) {
    let files: Vec<_> = fs::read_dir(folder(target)).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 10, "the corpus is missing");
    for file in files {
        run(&fs::read(file.path()).unwrap());
    }
}

#[test]
fn kept_runs() {
    replay("bench_runs", bench_runs::run);
}

#[test]
fn names_and_lists() {
    replay("names", names::run);
}

/// `cargo test -p zoners-bench --test corpora -- --ignored`
#[test]
#[ignore = "writes into the repository"]
fn seeds() {
    write("bench_runs", runs());
    write("names", texts());
}

fn write(target: &str, seeds: Vec<Vec<u8>>) {
    fs::create_dir_all(folder(target)).unwrap();
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(folder(target).join(format!("seed-{number:03}")), seed).unwrap();
    }
}

fn runs() -> Vec<Vec<u8>> {
    let sample = |name, target, phase, ending| Sample {
        name,
        rtype: 0,
        target,
        phase,
        at_us: u64::from(name) * 1000,
        took_us: 20_000,
        ending,
        hops: vec![],
    };
    let good = || QuestionOutcome::Answered;
    let hop = AnswerHop {
        part: Part::ALL[2],
        zone: "test.".into(),
        server: "ns.test.".into(),
        address: "192.0.2.1:53".into(),
        until_us: 15_000,
        took_us: 9_000,
        came: Came::Answer,
    };
    let empty = SavedRun::new(Environment::default(), vec![]);
    let mut record = SavedRun { names: vec!["a.test".into(), "b.test".into()], ..empty.clone() };
    (record.types, record.timeout_ms) = (vec![1], 5000);
    record.targets = vec!["one".into(), "two".into()];
    let mut records = vec![empty, record.clone()];
    for phase in [Phase::Cold, Phase::Warm] {
        for target in 0..2 {
            for name in 0..2 {
                record.samples.push(sample(name, target, phase, good()));
            }
        }
        records.push(record.clone());
    }
    record.samples[0].hops = vec![hop];
    records.push(record.clone());
    record.providers = vec!["p".into(), String::new()];
    records.push(record.clone());
    record.samples.push(sample(7, 0, Phase::Cold, QuestionOutcome::Silence));
    records.push(record.clone());
    let samples: Vec<&Sample> = record.samples.iter().collect();
    record.ramps = vec![Ramp::of(&samples, Duration::from_secs(1), Duration::from_secs(5))];
    records.push(record.clone());
    record.nameservers = vec![vec![Nameserver::default()]];
    records.push(record);
    let written = records.iter().map(|record| serde_json::to_vec(record).unwrap());
    written.chain([b"{}".to_vec()]).collect()
}

fn texts() -> Vec<Vec<u8>> {
    [
        "example.com",
        "www.Example.com.",
        ".",
        "a\\.b\\032c\\\\.test",
        "192.0.2.0/24",
        "2001:db8::/32",
        "# mine\nexample.com\nwww.example.net AAAA # and more\n",
        "Nov 24 10:00:01 dnsmasq[811]: query[A] www.example.com from 192.168.1.5\n",
        "127.0.0.1 mail.example.org. AAAA IN\n",
        "(example.net): query: example.net IN HTTPS +E(0)K\n",
        "{\"url\": \"https://www.example.com/a?b=http://x.example.net/\"}",
        "\\[x01/8].test",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
