//! The output of answers; those of the demo's Internet as files in `snapshots/`.

use super::*;
use zoners_api::AnsweringServer;

fn report_of(answer: &[&str]) -> LookupReport {
    LookupReport {
        name: "www.example.".into(),
        r#type: "A".into(),
        rcode: "NOERROR".into(),
        answer: answer.iter().map(|line| (*line).to_owned()).collect(),
        authority: vec![],
        signatures: vec!["www.example. 60 IN RRSIG A 13 2 60 1 1 1 example. AAAA".into()],
        ede: None,
        dnssec: DnssecStatus::Secure,
        source: AnswerSource::Network,
        server: Some(AnsweringServer {
            name: Some("ns1.example.".into()),
            address: "192.0.2.53".into(),
            transport: "udp".into(),
        }),
        flags: vec![],
        took_ms: 12.34,
        trace: None,
    }
}

fn shown(report: &LookupReport, options: &[&str]) -> String {
    let mut taken = PlusOptions::default();
    options.iter().for_each(|option| taken.take(option).unwrap());
    let text = AnswerText { report, options: &taken, script: false };
    anstream::adapter::strip_str(&text.lines().join("\n")).to_string()
}

#[test]
fn an_answer_ends_with_its_status() {
    let report = report_of(&["www.example. 60 IN A 192.0.2.1"]);
    let status = ";; A: DNSSEC secure, 12.3 ms, from 192.0.2.53 (ns1.example.)";
    assert_eq!(shown(&report, &[]), format!("www.example. 60 IN A 192.0.2.1\n{status}"));
    assert_eq!(shown(&report, &["short"]), "192.0.2.1");
    assert_eq!(shown(&report, &["noall", "answer"]), "www.example. 60 IN A 192.0.2.1");
    assert!(shown(&report, &["dnssec"]).contains(" IN RRSIG "));
}

#[test]
fn sources_are_told() {
    let of = |source| shown(&LookupReport { source, server: None, ..report_of(&[]) }, &[]);
    for (source, told) in [
        (AnswerSource::Cache, "from the cache"),
        (AnswerSource::Stale, "stale: expired"),
        (AnswerSource::Network, "from the network"),
        (AnswerSource::Local, ";; A: 12.3 ms, from local data"),
    ] {
        let text = of(source);
        assert!(text.contains(told) && text.contains("no records of this type"), "{text}");
    }
    let flags = vec!["rd".to_owned(), "ra".to_owned(), "ad".to_owned()];
    let server = LookupReport { source: AnswerSource::Server, flags, ..report_of(&[]) };
    assert!(shown(&server, &[]).contains("validated by the server (flags rd ra ad)"));
}

#[test]
fn failures_have_a_reason() {
    let ede = EdeReport { code: 6, meaning: "DNSSEC Bogus".into(), text: "expired".into() };
    let (dnssec, rcode) = (DnssecStatus::Bogus, "SERVFAIL".to_owned());
    let failed = LookupReport { rcode, dnssec, ede: Some(ede), ..report_of(&[]) };
    let text = shown(&failed, &[]);
    assert!(text.starts_with(";; www.example. A: no answer\n;;   expired (EDE 6: DNSSEC Bogus)\n"));
    assert!(text.contains("DNSSEC bogus"), "{text}");
    let refused = LookupReport { rcode: "REFUSED".into(), ..report_of(&[]) };
    assert!(shown(&refused, &[]).contains("the response code is REFUSED"));
}

/// The output for a question to a resolver on the simulated Internet of the demo.
#[cfg(feature = "demo")]
async fn on_the_demo(name: &str, rtype: &str, options: &[&str]) -> String {
    use zoners_dns::Random;
    use zoners_server::{control, report};
    let (service, ..) = crate::demo::service(1, Random::seeded(1)).unwrap();
    let found = report::look_up(&service, &control::question(name, rtype).unwrap()).await;
    let mut taken = PlusOptions::default();
    options.iter().for_each(|option| taken.take(option).unwrap());
    let text = AnswerText { report: &found, options: &taken, script: false };
    let steps = if taken.trace { print::trace(&found) } else { Vec::new() };
    let lines = [steps, text.lines()].concat();
    anstream::adapter::strip_str(&lines.join("\n")).to_string()
}

#[cfg(feature = "demo")]
#[tokio::test(start_paused = true)]
async fn answers_of_the_demo_are_shown_as_in_these_files() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (file, name, rtype, options) in [
        ("signed", "www.fast.demo", "A", &[] as &[&str]),
        ("trace", "www.fast.demo", "A", &["trace"]),
        ("alias", "www.shop.demo", "A", &[]),
        ("no_such_name", "gone.fast.demo", "A", &[]),
        ("no_such_type", "www.fast.demo", "MX", &[]),
        ("bogus", "www.expired.demo", "A", &[]),
        ("dead", "www.dead.demo", "A", &[]),
        ("short", "www.fast.demo", "HTTPS", &["short"]),
    ] {
        let shown = on_the_demo(name, rtype, options).await;
        settings.bind(|| insta::assert_snapshot!(file, shown));
    }
}
