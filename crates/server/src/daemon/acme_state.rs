//! What the parts of the daemon share of a certificate by ACME.

mod pages;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use zoners_acme::HttpChallenges;
use zoners_api::AcmeReport;
use zoners_dns::{Clock, Counters};
use zoners_tls::Certificate;

use crate::clock::SystemClock;
use crate::config::Config;

/// What the parts of the daemon share of a certificate by ACME; clones share the state.
#[derive(Clone, Debug, Default)]
pub(super) struct AcmeState {
    /// The last certificate that was had; the schedule looks at its names.
    pub(super) certificate: Arc<ArcSwapOption<Certificate>>,
    /// The state of orders, for reports.
    pub(super) report: Arc<ArcSwapOption<AcmeReport>>,
    pub(super) pages: HttpChallenges,
    pub(super) counters: Arc<Counters>,
}

impl AcmeState {
    /// The certificate, if the configuration has one by ACME.
    pub(super) fn certificate(&self, config: &Config) -> Option<Certificate> {
        let kept = self.certificate.load_full().filter(|_| config.has_acme());
        kept.map(Arc::unwrap_or_clone)
    }

    /// The state of orders, with times as of now; `None` without a certificate by ACME.
    pub(super) fn report(&self) -> Option<AcmeReport> {
        let report = AcmeReport::clone(self.report.load().as_ref()?);
        let left_s = |at_s: u64| at_s.saturating_sub(SystemClock.wall_seconds());
        Some(AcmeReport { next_order_in_s: report.next_order_in_s.map(left_s), ..report })
    }

    /// The counters of orders.
    pub(super) fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }
}
