use std::time::Duration;

use super::*;
use crate::compare::ComparisonVerdict;
use crate::diagnosis::Suspect;
use crate::nameservers;
use crate::target::{AnswerHop, ExchangeEnd, QuestionOutcome, UpstreamExchange};

const NAMES: u32 = 40;

/// A run of a resolver with visible hops, and of a server that answers in 30 ms and 1 ms. Two names
/// of ten belong to a provider that takes `slow` milliseconds, the rest to a provider that takes 20
/// ms.
fn record(slow: u64) -> SavedRun {
    let mut samples = Vec::new();
    let mut exchanges = Vec::new();
    for name in 0..NAMES {
        let (host, millis) = if name % 5 == 0 { ("slow", slow) } else { ("fast", 20) };
        let sample = |target, phase, took_us, hops| {
            let ending = match name {
                39 => QuestionOutcome::Failed { rcode: "SERVFAIL".into(), ede: Some(22) },
                _ => QuestionOutcome::Answered,
            };
            Sample { name, rtype: 1, target, phase, at_us: 0, took_us, ending, hops }
        };
        let address = format!("192.0.2.{}", if host == "slow" { 1 } else { 2 });
        let hop = AnswerHop {
            part: Part::Provider,
            zone: format!("d{name}.test."),
            server: format!("ns1.{host}.test."),
            address: address.clone(),
            until_us: millis * 1000,
            took_us: millis * 1000,
            came: if name == 39 { Came::Silence } else { Came::Answer },
        };
        let (took, end) = (Duration::from_millis(millis), ExchangeEnd::Reply);
        exchanges.push(UpstreamExchange { address, took, end });
        samples.push(sample(0, Phase::Cold, millis * 1000 + 1000, vec![hop]));
        samples.push(sample(0, Phase::Warm, 50, vec![]));
        samples.push(sample(1, Phase::Cold, 30_000 + u64::from(name), vec![]));
        samples.push(sample(1, Phase::Warm, 1000, vec![]));
    }
    let own = || samples.iter().filter(|sample| sample.target == 0 && sample.phase == Phase::Cold);
    let met = nameservers::met(&exchanges, own());
    SavedRun {
        names: (0..NAMES).map(|name| format!("<b>{name}</b>.test")).collect(),
        source: "a test".into(),
        targets: vec!["in process".into(), "192.0.2.53".into()],
        forgetful: vec![true, false],
        providers: providers::of_names(NAMES as usize, own(), &met),
        nameservers: vec![met, Vec::new()],
        timeout_ms: 5000,
        types: vec![1],
        samples,
        ..SavedRun::new(Environment::default(), Vec::new())
    }
}

#[test]
fn a_report_says_who_is_slow_and_why() {
    let record = record(120);
    let report = BenchReport::of(&record, None);
    let [own, server] = &report.targets[..] else { panic!("two targets") };
    assert_eq!(own.findings[0].suspect, Suspect::Provider("slow.test".into()));
    assert_eq!(own.providers[0].name, "slow.test");
    assert_eq!((own.providers[0].domains, own.providers[0].rtt_ms), (8, Some(120.0)));
    assert_eq!(own.providers[0].waited_ms, 8.0 * 120.0);
    assert_eq!((own.failed.len(), own.failed[0].name.as_str()), (1, "<b>39</b>.test"));
    let why = "No Reachable Authority (SERVFAIL, EDE 22); 20 ms for ns1.fast.test (192.0.2.2), which did \
               not answer";
    assert_eq!(own.failed[0].why, why);
    assert_eq!(own.slowest[0].why, "120 ms for ns1.slow.test (192.0.2.1)");
    assert!(own.way.share(Part::Provider) > 0.9, "{:?}", own.way);
    assert_eq!((server.way, server.nameservers.len()), (TimeParts::default(), 0));
    assert_eq!(server.slowest[0].why, "served by fast.test");
    let beside = server.beside_first.as_ref().unwrap();
    assert!(own.beside_first.is_none() && beside.pairs == NAMES as usize);
    let counts = |bar: &Bar| (bar.cold, bar.warm);
    let bars: Vec<_> = own.histogram.iter().map(counts).filter(|bar| *bar != (0, 0)).collect();
    assert_eq!(bars, [(0, 39), (31, 0), (8, 0), (1, 1)]);
}

#[test]
fn a_report_says_what_changed() {
    let (before, now) = (record(40), record(120));
    let report = BenchReport::of(&now, Some(&before));
    let [own, server] = &report.targets[..] else { panic!("two targets") };
    assert_eq!(own.findings[0].suspect, Suspect::Provider("slow.test".into()));
    assert!(own.findings[0].says.contains("by 80 ms"), "{:?}", own.findings[0]);
    assert!(own.findings[0].evidence[1].contains("40 ms then, in 120 now"));
    assert_eq!(server.against.as_ref().unwrap().verdict, ComparisonVerdict::NoChange);
}

#[test]
fn programs_can_read_it() {
    let record = record(120);
    let report = BenchReport::of(&record, Some(&record));
    let json: serde_json::Value =
        serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    let own = &json["targets"][0];
    assert_eq!((&json["names"], &own["label"]), (&40.into(), &"in process".into()));
    assert_eq!(own["summary"]["cold"]["count"], 40);
    assert_eq!(own["summary"]["domains"][5]["all"]["count"], 2);
    assert_eq!(own["findings"][0]["suspect"]["provider"], "slow.test");
    assert!(own["way"]["provider"].as_f64().unwrap() > 1000.0, "{}", own["way"]);
    assert_eq!(own["against"]["verdict"], "no_change");
    let mut text = Vec::new();
    csv::write(&report, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), 1 + 2 * NAMES as usize);
    assert!(lines.iter().all(|line| line.len() == lines[0].len()));
    let first = ["in process", "<b>0</b>.test", "slow.test", "60.525", "1", "0", "121.000"];
    assert_eq!(lines[1][..7], first);
    assert_eq!(lines[1].last(), Some(&"121.000"));
}

#[test]
fn the_page_stands_alone() {
    let (before, now) = (record(40), record(120));
    let page = html::page(&BenchReport::of(&now, Some(&before)));
    for foreign in ["<script", "src=", "href=", "url(", "@import", "http:", "https:"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("&lt;b&gt;39") && !page.contains("<b>39"), "names are text");
    assert_eq!(page.matches("class=\"curve").count(), 8, "two phases of two targets, then and now");
    for part in ["slow.test became slower", "prefers-color-scheme: dark", "var(--retries)"] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn the_page_fits_a_telephone() {
    /// Pixels across, and of a `rem`.
    const TELEPHONE: f64 = 360.0;
    const REM: f64 = 16.0;
    let style = include_str!("html/style.css");
    assert!(
        style.contains("@media screen and (max-width: 62rem)"),
        "narrow screens have rules of their own"
    );
    let is_wide = |declaration: &str| {
        let Some((property, value)) = declaration.split_once(':') else { return false };
        let fixed = ["width", "min-width"].contains(&property.trim());
        let pixels = match (value.trim().strip_suffix("rem"), value.trim().strip_suffix("px")) {
            (Some(rem), _) => rem.parse::<f64>().map(|rem| rem * REM),
            (_, Some(pixels)) => pixels.parse(),
            _ => return false,
        };
        fixed && pixels.is_ok_and(|pixels| pixels > TELEPHONE)
    };
    let declarations = style.split(['{', '}', ';']);
    let wide: Vec<&str> = declarations.filter(|declaration| is_wide(declaration)).collect();
    assert!(wide.is_empty(), "wider than the screen: {wide:?}");
    let page = html::page(&BenchReport::of(&record(200), None));
    assert!(page.contains("width=device-width"));
}

/// The page of two resolvers with everything that a page can have, for `scripts/see-page`, which names the file.
#[test]
#[ignore = "run by scripts/see-page"]
fn a_full_page_is_written() {
    let long = |name: u32| format!("img-{name}.cdn.a-rather-long-name-of-a-shop.example.co.uk");
    let mut now = record(120);
    now.names = (0..NAMES).map(long).collect();
    now.environment = Environment {
        time: 1_790_000_000,
        version: "0.1.0".into(),
        configuration: "/etc/zoners/zoners.toml".into(),
        machine: "attic: Linux 6.18 x86_64, 16 cores of an AMD Ryzen 7 5800X".into(),
        network:
            "IPv4 from 192.0.2.200 by 192.0.2.1, IPv6 from 2001:db8:1234:5678:9abc:def0:1234:5678"
                .into(),
        gateway_ms: Some(0.4),
    };
    now.load = "8 names in flight, at most 200 questions a second; rounds: 1, repeats: 1".into();
    now.cut_short = true;
    for server in now.nameservers.iter_mut().flatten() {
        server.address = "2001:db8:1234:5678:9abc:def0:1234:5678".into();
    }
    for provider in &mut now.providers {
        *provider = format!("nameservers-of-{provider}");
    }
    let own = |target| now.samples.iter().filter(move |sample| sample.target == target);
    let (time, penalty) = (Duration::from_secs(1), Duration::from_secs(5));
    let ramps = [0, 1].map(|target| Ramp::of(&own(target).collect::<Vec<_>>(), time, penalty));
    now.ramps = ramps.into();
    let mut before = record(40);
    before.names.clone_from(&now.names);
    let page = html::page(&BenchReport::of(&now, Some(&before)));
    let file = std::env::var_os("PAGE").expect("PAGE names the file");
    std::fs::write(file, page).unwrap();
}
