use super::*;
use crate::{
    AdminSecret, CounterStats, FinishedQuery, LostEvents, NegativeAnchorList, OperatorRuleChange,
    OperatorRuleEffect, PastQueryFilter, QueryOutcome, TokenScope, TrendQuery, WatchFilter,
    WhyQuery,
};

/// A request of each kind.
pub(crate) fn requests() -> Vec<AdminRequest> {
    let name = || "example.com.".to_owned();
    vec![
        AdminRequest::Status {},
        AdminRequest::Stats {},
        AdminRequest::Metrics { classic: true },
        AdminRequest::Lookup { name: name(), r#type: "AAAA".into() },
        AdminRequest::NtaAdd { name: name(), seconds: 60 },
        AdminRequest::NtaRemove { name: name() },
        AdminRequest::NtaList {},
        AdminRequest::Servers { zone: None },
        AdminRequest::Network {},
        AdminRequest::Cache {},
        AdminRequest::CacheLookup { name: name() },
        AdminRequest::CacheDump {},
        AdminRequest::CacheLoad {},
        AdminRequest::Flush { name: name(), subtree: true },
        AdminRequest::PolicyExplain { name: name(), r#type: "A".into(), client: None },
        AdminRequest::PolicyLists { review: true },
        AdminRequest::PolicyPause { group: None, seconds: 300 },
        AdminRequest::PolicyUpdate { list: None },
        AdminRequest::PolicyAccept { list: "ads".into() },
        AdminRequest::PolicyRule(OperatorRuleChange {
            name: name(),
            effect: Some(OperatorRuleEffect::Allow),
            ..OperatorRuleChange::default()
        }),
        AdminRequest::Day {},
        AdminRequest::Queries(PastQueryFilter { failed: true, ..PastQueryFilter::default() }),
        AdminRequest::Dashboard {},
        AdminRequest::DashboardPassword { password: Some(AdminSecret("secret".into())) },
        AdminRequest::TokenCreate { name: "a".into(), scope: TokenScope::Read, seconds: 60 },
        AdminRequest::TokenList {},
        AdminRequest::TokenRevoke { name: "a".into() },
        AdminRequest::Settings {},
        AdminRequest::Reload {},
        AdminRequest::Origin {},
        AdminRequest::HandOver {},
        AdminRequest::Watch(WatchFilter { name: Some(name()), ..WatchFilter::default() }),
        AdminRequest::Why(WhyQuery { name: name(), ..WhyQuery::default() }),
        AdminRequest::Troubles { failures: true, seconds: 3600 },
        AdminRequest::Trend(TrendQuery { seconds: Some(86_400), provider: None }),
        AdminRequest::HistoryErase {},
    ]
}

fn kind_of_error(line: &str) -> AdminErrorKind {
    AdminRequest::from_line(line.as_bytes()).unwrap_err().kind
}

#[test]
fn each_request_is_read_as_it_was_written_and_is_listed_in_kinds() {
    let mut kinds = Vec::new();
    for request in requests() {
        let line = request.to_line();
        assert_eq!(AdminRequest::from_line(line.as_bytes()), Ok(request));
        let object: Value = serde_json::from_str(&line).unwrap();
        kinds.push(object["do"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds, AdminRequest::KINDS);
}

#[test]
fn a_request_without_a_version_is_of_the_first() {
    assert_eq!(AdminRequest::from_line(br#"{"do":"status"}"#), Ok(AdminRequest::Status {}));
}

#[test]
fn an_unknown_version_or_kind_gets_an_error_that_names_the_version() {
    let of_version = r#"{"version":2,"do":"status"}"#;
    assert_eq!(kind_of_error(of_version), AdminErrorKind::UnknownVersion);
    let of_kind = r#"{"version":1,"do":"dance"}"#;
    assert_eq!(kind_of_error(of_kind), AdminErrorKind::UnknownRequest);
    for line in [of_version, of_kind] {
        let message = AdminRequest::from_line(line.as_bytes()).unwrap_err().message;
        assert!(message.contains("speaks version 1"), "{message}");
    }
}

#[test]
fn fields_that_are_wrong_missing_or_unknown_are_malformed() {
    for line in [
        "",
        "[1,2",
        "[]",
        "{}",
        r#"{"do":7}"#,
        r#"{"do":"flush"}"#,
        r#"{"do":"cache-dump","file":"/tmp/x"}"#,
        r#"{"do":"nta-add","name":"example","seconds":-1}"#,
    ] {
        assert_eq!(kind_of_error(line), AdminErrorKind::MalformedRequest, "{line}");
    }
}

#[test]
fn an_error_repeats_little_of_a_long_request() {
    let long = "x".repeat(4000);
    for line in [format!(r#"{{"do":"{long}"}}"#), format!(r#"{{"version":"{long}"}}"#)] {
        assert!(AdminRequest::from_line(line.as_bytes()).unwrap_err().message.len() < 500);
    }
}

#[test]
fn a_reply_is_read_as_it_was_written_and_begins_with_the_version() {
    let counters = [("client_queries".to_owned(), 3)].into();
    let stats = CounterStats { uptime_s: 7, counters };
    let line = AdminReply::from(stats.clone()).to_line();
    assert_eq!(
        line,
        r#"{"version":1,"reply":"stats","uptime_s":7,"counters":{"client_queries":3}}"#
    );
    let reply = AdminReply::from_line(line.as_bytes()).unwrap();
    assert_eq!(CounterStats::try_from(reply.clone()), Ok(stats));
    let other = NegativeAnchorList::try_from(reply).unwrap_err();
    assert_eq!(other.kind, AdminErrorKind::UnexpectedReply);
}

#[test]
fn a_reader_passes_over_fields_and_kinds_of_errors_that_it_does_not_know() {
    let line = br#"{"version":1,"reply":"error","kind":"of-later","message":"m","more":[1]}"#;
    let reply = AdminReply::from_line(line).unwrap();
    assert_eq!(reply, AdminReply::Error(AdminError::new(AdminErrorKind::Other, "m")));
}

#[test]
fn an_event_is_one_line() {
    let query = FinishedQuery {
        received_s: 1,
        client: "192.0.2.1".into(),
        transport: "udp".into(),
        name: Some("example.com.".into()),
        r#type: Some("A".into()),
        outcome: Some(QueryOutcome::Cached),
        rcode: Some("NOERROR".into()),
        ede: None,
        failed: false,
        took_ms: 0.1,
    };
    let line = AdminEvent::Query(query.clone()).to_line();
    assert!(line.starts_with(r#"{"version":1,"event":"query","received_s":1,"#), "{line}");
    assert_eq!(AdminEvent::from_line(line.as_bytes()), Ok(AdminEvent::Query(query)));
    let lost = AdminEvent::Lost(LostEvents { count: 7 });
    assert_eq!(lost.to_line(), r#"{"version":1,"event":"lost","count":7}"#);
}

#[test]
fn a_reader_passes_over_events_and_outcomes_of_later_releases() {
    let later = AdminEvent::from_line(br#"{"version":1,"event":"of-later","count":7}"#);
    assert_eq!(later, Ok(AdminEvent::Other));
    let line = br#"{"version":1,"event":"query","received_s":1,"client":"192.0.2.1","transport":"udp",
        "name":null,"type":null,"outcome":"of-later","rcode":null,"ede":null,"failed":true,"took_ms":0,"more":1}"#;
    let Ok(AdminEvent::Query(query)) = AdminEvent::from_line(line) else { panic!("a query") };
    assert_eq!((query.outcome, query.failed), (None, true));
}

#[test]
fn each_outcome_has_its_name_in_json() {
    for outcome in QueryOutcome::ALL {
        assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.name());
    }
}

#[test]
fn a_filter_is_read_field_by_field_and_told_as_on_the_command_line() {
    let all = AdminRequest::from_line(br#"{"do":"watch"}"#).unwrap();
    assert_eq!(all, AdminRequest::Watch(WatchFilter::default()));
    assert_eq!(all.change().as_deref(), Some("watch"));
    let line = br#"{"do":"watch","client":"192.0.2.0/24","name":"example.com","failed":true}"#;
    let change = AdminRequest::from_line(line).unwrap().change().unwrap();
    assert_eq!(change, r#"watch --client "192.0.2.0/24" --name "example.com" --failed"#);
    assert_eq!(kind_of_error(r#"{"do":"watch","label":"x"}"#), AdminErrorKind::MalformedRequest);
}

#[test]
fn a_rule_is_told_as_on_the_command_line_unless_nothing_changes() {
    let line = br#"{"do":"policy-rule","name":"ads.example","effect":"block","group":"kids"}"#;
    let AdminRequest::PolicyRule(change) = AdminRequest::from_line(line).unwrap() else {
        panic!("a rule")
    };
    let told = |change: OperatorRuleChange| AdminRequest::PolicyRule(change).change();
    let shown = "policy block \"ads.example\" --group \"kids\"";
    assert_eq!(told(change.clone()).as_deref(), Some(shown));
    let back = OperatorRuleChange { effect: None, group: None, ..change.clone() };
    assert_eq!(told(back).as_deref(), Some("policy unblock \"ads.example\""));
    assert_eq!(told(OperatorRuleChange { trial: true, ..change }), None);
}

#[test]
fn a_secret_is_in_no_log() {
    let password = Some(AdminSecret("correct horse".into()));
    let request = AdminRequest::DashboardPassword { password };
    let told = format!("{request:?} {}", request.change().unwrap());
    assert!(!told.contains("horse") && told.contains("dashboard password"), "{told}");
}
