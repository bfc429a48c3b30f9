//! The pages of `zoners why`, `slow` and `failures`.

use zoners_api::{
    DnssecStatus, EdeReport, HistoryFill, HopEventReport, HopReport, QueryOutcome,
    ResolutionReport, StepOutcome, TroubleCause, TroubleEntry, TroubleReport, VerdictCause,
    VerdictReport, WhyReport,
};

use super::{prints, shows};
use crate::control::{troubles, why};

/// 2026-11-26T14:10:05Z
const RECEIVED: u64 = 1_795_702_205;

fn hop(at_ms: f64, took_ms: f64, zone: &str, server: &str, outcome: StepOutcome) -> HopReport {
    let text = match outcome {
        StepOutcome::Useful => "a referral",
        StepOutcome::Failed => "no reply",
        StepOutcome::Outpaced => "no reply so far",
    };
    HopReport {
        at_ms,
        took_ms,
        depth: 0,
        zone: zone.into(),
        r#type: "A".into(),
        event: HopEventReport::Query {
            server: Some(server.into()),
            address: "192.0.2.1".into(),
            transport: "udp".into(),
            why: "next in line".into(),
            outcome,
            text: text.into(),
        },
    }
}

fn failed() -> ResolutionReport {
    let mut hops = vec![
        hop(0.0, 31.0, "com.", "a.gtld-servers.net.", StepOutcome::Useful),
        hop(31.0, 1500.0, "example.com.", "ns1.provider.example.", StepOutcome::Failed),
        hop(431.0, 1869.0, "example.com.", "ns2.provider.example.", StepOutcome::Outpaced),
    ];
    hops.push(HopReport { event: HopEventReport::Wait {}, ..hops[1].clone() });
    let (address, text) = ("192.0.2.9".to_owned(), "did not reply before".to_owned());
    hops.push(HopReport { event: HopEventReport::Skip { address, text }, ..hops[2].clone() });
    let meaning = "No Reachable Authority".into();
    ResolutionReport {
        received_s: RECEIVED,
        client: "192.168.1.7".into(),
        transport: "udp".into(),
        name: "www.example.com.".into(),
        r#type: "A".into(),
        outcome: Some(QueryOutcome::Failed),
        rcode: Some("SERVFAIL".into()),
        ede: Some(EdeReport { code: 22, meaning, text: String::new() }),
        failed: true,
        dnssec: DnssecStatus::Unchecked,
        took_ms: 2300.0,
        verdict: VerdictReport {
            cause: VerdictCause::ProviderSilent,
            accused: Some("provider.example".into()),
            text: "no answer after 2.3 s: both servers of provider.example stayed silent; your line was fine \
                   (other servers answered in 31 ms)"
                .into(),
            evidence: vec![
                "Waited for: ns1.provider.example 192.0.2.1 for 1500 ms, ns2.provider.example 192.0.2.1 for \
                 1869 ms."
                    .into(),
            ],
        },
        hops,
        more_hops: 2,
    }
}

fn fill() -> HistoryFill {
    HistoryFill {
        records: 4711,
        oldest_s: Some(RECEIVED - 100_000),
        used_bytes: 400_000,
        limit_bytes: 12 << 20,
        lost: 0,
    }
}

#[test]
fn why_has_a_sentence_a_picture_and_the_earlier_resolutions() {
    let quick = ResolutionReport {
        failed: false,
        verdict: VerdictReport {
            cause: VerdictCause::Nothing,
            accused: None,
            text: "answered in 31 ms".into(),
            evidence: Vec::new(),
        },
        ..failed()
    };
    let report = WhyReport {
        name: "www.example.com.".into(),
        resolutions: vec![failed(), quick],
        names_below: Vec::new(),
        history: fill(),
    };
    shows("why", &why::page(&report, 80), 80);
    shows("why-narrow", &why::page(&report, 60), 60);
    prints("why-json", report.clone());
    let names_below = vec!["www.example.com.".to_owned()];
    let none = WhyReport { resolutions: Vec::new(), names_below, ..report };
    shows("why-none", &why::page(&none, 80), 80);
}

#[test]
fn troubles_are_ranked() {
    let entry = |name: &str, questions| TroubleEntry {
        name: name.into(),
        questions,
        clients: questions.min(2),
        worst_ms: 2300.0,
        cause: VerdictCause::ProviderSilent,
        text: failed().verdict.text,
    };
    let report = TroubleReport {
        failures: true,
        seconds: 3600,
        questions: 340,
        hurt: 12,
        clients: 2,
        names: vec![entry("www.example.com.", 9), entry("example.com.", 1)],
        providers: vec![entry("provider.example", 10)],
        servers: vec![entry("ns1.provider.example 192.0.2.1", 10)],
        causes: vec![
            TroubleCause { cause: VerdictCause::ProviderSilent, questions: 10 },
            TroubleCause { cause: VerdictCause::LineLossy, questions: 2 },
        ],
        history: fill(),
    };
    shows("failures", &troubles::page(&report, 80), 80);
    prints("failures-json", report.clone());
    let none = TroubleReport { failures: false, hurt: 0, ..report };
    shows("slow-none", &troubles::page(&none, 80), 80);
}

#[test]
fn a_time_is_of_today_or_of_yesterday_or_so_long_ago() {
    let day = RECEIVED - RECEIVED % 86_400;
    let moment = |text: &str| why::moment(text, RECEIVED);
    assert_eq!(moment("14:10"), Ok(day + 51_000));
    assert_eq!(moment("14:10:05"), Ok(RECEIVED));
    assert_eq!(moment("14:11"), Ok(day + 51_060 - 86_400), "yet to come");
    assert_eq!(moment("2026-11-26T14:10:05Z"), Ok(RECEIVED));
    assert_eq!(moment("20min"), Ok(RECEIVED - 1200));
    for wrong in ["", "25:00", "14:60", "14:10:05:00", "noon"] {
        assert!(moment(wrong).unwrap_err().contains("write 14:10"), "{wrong}");
    }
}
