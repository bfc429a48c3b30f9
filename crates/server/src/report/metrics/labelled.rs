//! Counters of one subject, in a family with a label.

use zoners_dns::Counter;
use zoners_telemetry::metrics::MetricFamily;

/// Counters in one family.
pub(super) struct LabelledCounters {
    name: &'static str,
    help: &'static str,
    label: &'static str,
    counters: &'static [(Counter, &'static str)],
}

impl LabelledCounters {
    /// Whether a counter belongs to the family.
    pub(super) fn has(&self, counter: Counter) -> bool {
        self.counters.iter().any(|(own, _)| *own == counter)
    }

    /// The family.
    pub(super) fn with_counts(&self, counted: impl Fn(Counter) -> u64) -> MetricFamily {
        let family = MetricFamily::counter(self.name, self.help);
        self.counters.iter().fold(family, |family, (counter, value)| {
            family.with_count(&[(self.label, value)], counted(*counter))
        })
    }
}

/// Every family with a label.
pub(super) const LABELLED: &[LabelledCounters] = &[
    LabelledCounters {
        name: "zoners_upstream_failures",
        help: "Queries to servers that failed, or brought no usable reply, by cause.",
        label: "cause",
        counters: &[
            (Counter::UpstreamTimeouts, "timeout"),
            (Counter::UpstreamNetworkErrors, "network-error"),
            (Counter::UpstreamConnectionRefused, "connection-refused"),
            (Counter::UpstreamUnreachable, "unreachable"),
            (Counter::UpstreamMismatched, "mismatched"),
            (Counter::UpstreamMalformed, "malformed"),
            (Counter::UpstreamSuspicious, "suspicious"),
            (Counter::UpstreamLame, "lame"),
            (Counter::UpstreamServfail, "servfail"),
            (Counter::UpstreamFormerr, "formerr"),
            (Counter::UpstreamBogus, "bogus"),
        ],
    },
    LabelledCounters {
        name: "zoners_dnssec_replies",
        help: "Replies of servers by DNSSEC status.",
        label: "status",
        counters: &[
            (Counter::DnssecSecure, "secure"),
            (Counter::DnssecInsecure, "insecure"),
            (Counter::DnssecBogus, "bogus"),
        ],
    },
    LabelledCounters {
        name: "zoners_budget_exhausted",
        help: "Questions stopped because their budget was spent, by budget.",
        label: "budget",
        counters: &[
            (Counter::BudgetQueries, "queries"),
            (Counter::BudgetQueriesPerQuestion, "queries-per-question"),
            (Counter::BudgetOctets, "octets"),
            (Counter::BudgetTcpQueries, "tcp-queries"),
            (Counter::BudgetAddressLookups, "address-lookups"),
            (Counter::BudgetTime, "time"),
            (Counter::BudgetSockets, "sockets"),
            (Counter::BudgetVerifications, "verifications"),
            (Counter::BudgetFailedVerifications, "failed-verifications"),
            (Counter::BudgetNsec3Hashes, "nsec3-hashes"),
        ],
    },
    LabelledCounters {
        name: "zoners_second_level_requests",
        help: "Questions to the cache shared with other nodes, by result.",
        label: "result",
        counters: &[
            (Counter::SecondLevelHits, "hit"),
            (Counter::SecondLevelMisses, "miss"),
            (Counter::SecondLevelLate, "late"),
            (Counter::SecondLevelRejected, "rejected"),
        ],
    },
];
