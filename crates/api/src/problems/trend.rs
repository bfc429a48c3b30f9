//! Alarms: latencies that have grown and stay so.

use super::problem;
use crate::words::capitalised;
use crate::{DaemonStatus, Problem, Severity, TrendChange, TrendPart};

/// The most providers with a problem each; further ones are counted.
const MAX_PROVIDERS: usize = 3;

pub(super) fn problems(status: &DaemonStatus) -> Vec<Problem> {
    let alarms = status.trend.iter().flat_map(|trend| &trend.alarms);
    let (providers, own): (Vec<&TrendChange>, Vec<&TrendChange>) =
        alarms.partition(|change| change.subject == TrendPart::Provider);
    let told = own.into_iter().chain(providers.iter().take(MAX_PROVIDERS).copied());
    let mut problems: Vec<Problem> = told.map(alarm).collect();
    let more = providers.len().saturating_sub(MAX_PROVIDERS);
    if more > 0 {
        problems.push(problem(
            Severity::Notice,
            format!("Further providers whose servers are slower than before: {more}."),
            "zoners trend lists them.",
        ));
    }
    problems
}

fn alarm(change: &TrendChange) -> Problem {
    let (severity, advice) = match change.subject {
        TrendPart::Provider => (
            Severity::Notice,
            "Only the provider can mend that. zoners slow shows whether names suffer from it.",
        ),
        TrendPart::Resolver => (
            Severity::Warning,
            "Look at the load of this machine, and at what was changed at that time.",
        ),
        TrendPart::Line | TrendPart::Ipv4 | TrendPart::Ipv6 | TrendPart::Unknown => (
            Severity::Warning,
            "Ask the provider of your line, if nothing was changed here. zoners doctor looks at the line; zoners trend \
             has the figures.",
        ),
    };
    let text = match &change.provider {
        // A name keeps its case.
        Some(_) => format!("{}.", change.text),
        None => format!("{}.", capitalised(&change.text)),
    };
    problem(severity, text, advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TrendStatus;
    use crate::problems::tests::well;

    fn change(subject: TrendPart, text: &str) -> TrendChange {
        let is_provider = subject == TrendPart::Provider;
        TrendChange {
            subject,
            provider: is_provider.then(|| "hoster8.example".to_owned()),
            here: true,
            at_unix_s: 1_795_529_400,
            found_unix_s: 1_795_560_000,
            ended_unix_s: None,
            before_ms: 31.0,
            by_ms: 82.0,
            low_ms: 80.0,
            high_ms: 84.5,
            chance: 0.0078,
            text: text.to_owned(),
        }
    }

    #[test]
    fn the_line_is_a_warning_and_a_provider_a_notice() {
        let provider = change(TrendPart::Provider, "hoster8.example's servers are 82 ms slower");
        let line = change(TrendPart::Line, "your line is 40 ms slower");
        let alarms = [vec![provider; 5], vec![line]].concat();
        let trend = TrendStatus { text: String::new(), alarms };
        let status = DaemonStatus { trend: Some(Box::new(trend)), ..well() }.with_problems();
        let told: Vec<(Severity, &str)> =
            status.problems.iter().map(|problem| (problem.severity, &*problem.text)).collect();
        let of_provider = (Severity::Notice, "hoster8.example's servers are 82 ms slower.");
        let more = "Further providers whose servers are slower than before: 2.";
        assert_eq!(
            told,
            [
                (Severity::Warning, "Your line is 40 ms slower."),
                of_provider,
                of_provider,
                of_provider,
                (Severity::Notice, more),
            ]
        );
    }
}
