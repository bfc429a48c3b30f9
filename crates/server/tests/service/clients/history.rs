//! What the history gets of hits.

use std::time::Duration;

use crate::lab::{ServiceLab, asked, lab, packet};
use tokio::time::advance;
use zoners_api::{QueryOutcome, VerdictCause};
use zoners_dns::{Rtype, Transport, name};
use zoners_server::Client;
use zoners_server::history::{HistoryStore, WhyFilter};

async fn ask(lab: &ServiceLab) {
    let query = packet(&asked("www.example.com", Rtype::A), false);
    lab.service.answer(&query, Client::local(Transport::Udp)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_hit_is_recorded_every_ten_seconds() {
    let (lab, history) = (lab(), HistoryStore::new(1 << 20));
    let plain = lab.service.handler(lab.service.clock()) as usize;
    history.attach(lab.service.events());
    let is_plain = || lab.service.handler(lab.service.clock()) as usize == plain;
    assert!(!is_plain(), "a hit is wanted");
    ask(&lab).await;
    ask(&lab).await;
    assert!(is_plain(), "the next packets pay nothing");
    for _ in 0..9 {
        advance(Duration::from_secs(1)).await;
        ask(&lab).await;
    }
    let shared = lab.service.worker().shared();
    history.read(shared);
    assert_eq!(history.records().len(), 2, "the miss, and the first hit");
    advance(Duration::from_secs(1)).await;
    ask(&lab).await;
    let filter =
        WhyFilter { name: name::parse("www.example.com").unwrap(), client: None, at_s: None };
    let report = history.why(shared, &filter);
    let ended: Vec<Option<QueryOutcome>> =
        report.resolutions.iter().map(|resolution| resolution.outcome).collect();
    let cached = Some(QueryOutcome::Cached);
    assert_eq!(ended, [cached, cached, Some(QueryOutcome::Recursed)]);
    let hit = &report.resolutions[0];
    assert_eq!(hit.verdict.text, "answered from memory at once");
    assert_eq!((hit.verdict.cause, hit.hops.len()), (VerdictCause::Nothing, 0));
}

#[tokio::test(start_paused = true)]
async fn without_a_history_no_hit_is_wanted() {
    let (lab, history) = (lab(), HistoryStore::new(1 << 20));
    let plain = lab.service.handler(lab.service.clock()) as usize;
    history.attach(lab.service.events());
    history.set_limit(0);
    history.attach(lab.service.events());
    assert_eq!(lab.service.handler(lab.service.clock()) as usize, plain);
}
