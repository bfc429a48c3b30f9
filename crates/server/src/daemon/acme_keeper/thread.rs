//! The thread of orders.

use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use zoners_acme::{
    AcmeFault, AcmeFiles, AcmeHttp, AcmeSchedule, AcmeTerms, ChallengeAnswers, FaultKind, obtain,
};
use zoners_api::AcmeReport;
use zoners_dns::{Clock, Counter, Network, Random};
use zoners_http::{HostAddresses, TlsClient};
use zoners_resolver::Resolver;
use zoners_tls::Certificate;

use crate::clock::SystemClock;
use crate::daemon::acme_state::AcmeState;
use crate::resolved_hosts::ResolvedHosts;

/// The longest sleep: a jump of the clock is noticed within this time.
const MAX_SLEEP: Duration = Duration::from_secs(3600);
/// Octets of the file of an authority, at most.
const MAX_AUTHORITY: u64 = 256 * 1024;

/// A wish to the thread.
#[derive(Debug)]
pub(super) enum AcmeWish<N: Network> {
    /// Order the certificate of these terms, kept in these files; or nothing.
    Configure(Option<Box<(AcmeTerms, AcmeFiles)>>),
    /// Resolve names by this resolver. The network may have changed.
    Resolve(Resolver<N>),
}

/// The state of the thread.
pub(super) struct AcmeThread<N: Network> {
    pub(super) answers: ChallengeAnswers,
    pub(super) state: AcmeState,
    pub(super) random: Random,
    pub(super) news: mpsc::Sender<()>,
    pub(super) work: Option<AcmeWork>,
    pub(super) resolver: Option<Resolver<N>>,
}

/// The certificate that is wanted, and when it is ordered.
pub(super) struct AcmeWork {
    terms: AcmeTerms,
    files: AcmeFiles,
    schedule: AcmeSchedule,
    last_failure: Option<String>,
}

type OrderEnd = Result<Certificate, AcmeFault>;

impl<N: Network> AcmeThread<N> {
    /// Orders the certificate as it is due, until the daemon ends.
    pub(super) async fn run(mut self, mut wishes: mpsc::UnboundedReceiver<AcmeWish<N>>) {
        // Dropped with another configuration, and with it the order.
        let mut order: JoinSet<OrderEnd> = JoinSet::new();
        loop {
            let wait = match order.is_empty() {
                true => self.begin(&mut order),
                false => MAX_SLEEP,
            };
            self.report(!order.is_empty());
            tokio::select! {
                biased;
                wish = wishes.recv() => match wish {
                    Some(AcmeWish::Configure(work)) => {
                        order = JoinSet::new();
                        self.answers.clear();
                        self.configure(work);
                    }
                    Some(AcmeWish::Resolve(resolver)) => {
                        self.resolver = Some(resolver);
                        let work = self.work.iter_mut();
                        work.for_each(|work| work.schedule.network_changed(wall_s()));
                    }
                    None => return,
                },
                Some(ended) = order.join_next() => {
                    // The panic hook has reported a panic of an order.
                    let panicked = |_| Err(AcmeFault::new(FaultKind::Refused, "the order broke off"));
                    self.note(ended.unwrap_or_else(panicked));
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn configure(&mut self, work: Option<Box<(AcmeTerms, AcmeFiles)>>) {
        let Some(work) = work else {
            self.state.report.store(None);
            return self.work = None;
        };
        let (terms, files) = *work;
        let kept = self.state.certificate.load_full().filter(|kept| terms.are_met_by(kept));
        let kept = kept.map(|kept| kept.validity());
        let schedule = AcmeSchedule::new(kept, files.orders().placed_s, self.random.bits());
        self.work = Some(AcmeWork { terms, files, schedule, last_failure: None });
    }

    /// Begins the order if it is due; otherwise the time to sleep.
    fn begin(&mut self, order: &mut JoinSet<OrderEnd>) -> Duration {
        let (Some(work), Some(resolver)) = (&mut self.work, &self.resolver) else {
            return MAX_SLEEP;
        };
        let now_s = wall_s();
        let wait_s = work.schedule.wait_s(now_s);
        if wait_s > 0 {
            return Duration::from_secs(wait_s).min(MAX_SLEEP);
        }
        let placed_s = work.schedule.begin(now_s);
        if let Err(error) = work.files.keep_orders(placed_s) {
            // Without the file, each restart would begin anew.
            let why = format!("the state folder cannot be written: {error}");
            order.spawn(async { Err(AcmeFault::new(FaultKind::Unreachable, why)) });
            return MAX_SLEEP;
        }
        let (terms, files) = (work.terms.clone(), work.files.clone());
        let (answers, hosts) = (self.answers.clone(), OwnHosts(resolver.clone()));
        self.state.counters.count(Counter::AcmeOrders);
        tracing::info!("acme: a certificate is ordered at {}", terms.directory);
        order.spawn(async move {
            let tls = tls(&terms).map_err(|why| AcmeFault::new(FaultKind::Unreachable, why))?;
            let http = AcmeHttp::new(hosts, Some(tls), &terms.directory);
            obtain(&terms, &http, &files, &answers, now_s).await
        });
        MAX_SLEEP
    }

    /// Puts the new certificate into force, or notes why there is none.
    fn note(&mut self, end: OrderEnd) {
        let Some(work) = &mut self.work else { return };
        let random = self.random.bits();
        match end {
            Ok(certificate) => {
                let names: Vec<String> = work.terms.names.iter().map(ToString::to_string).collect();
                let left_s = certificate.validity().not_after.saturating_sub(wall_s());
                let names = names.join(", ");
                tracing::info!("acme: new certificate for {names}, valid for {} h", left_s / 3600);
                self.state.counters.count(Counter::AcmeIssued);
                work.schedule.issued(certificate.validity(), random);
                work.last_failure = None;
                self.state.certificate.store(Some(certificate.into()));
                // With full news, the main thread is about to look anyway.
                let _ = self.news.try_send(());
            }
            Err(fault) => {
                self.state.counters.count(Counter::AcmeFailed);
                work.schedule.failed(fault.kind, fault.wanted_s, wall_s(), random);
                let wait_s = work.schedule.wait_s(wall_s());
                tracing::warn!("acme: no new certificate: {fault}; next order in {wait_s} s");
                work.last_failure = Some(fault.what);
            }
        }
    }

    fn report(&self, is_ordering: bool) {
        let Some(work) = &self.work else { return };
        let now_s = wall_s();
        let due_s = now_s.saturating_add(work.schedule.wait_s(now_s));
        let report = AcmeReport {
            names: work.terms.names.iter().map(ToString::to_string).collect(),
            directory: work.terms.directory.to_string(),
            ordering: is_ordering,
            // A moment here; seconds from now once asked for.
            next_order_in_s: (!is_ordering).then_some(due_s),
            failures: work.schedule.failures(),
            last_failure: work.last_failure.clone(),
        };
        self.state.report.store(Some(report.into()));
    }
}

/// Hosts as a resolver of the daemon finds them: the machine's resolver may be this daemon.
struct OwnHosts<N: Network>(Resolver<N>);

impl<N: Network> HostAddresses for OwnHosts<N> {
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        ResolvedHosts(&self.0).addresses(host).await
    }
}

/// TLS with the ACME server.
fn tls(terms: &AcmeTerms) -> Result<TlsClient, String> {
    let Some(file) = &terms.authority else { return TlsClient::with_system_roots() };
    let shown = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
    let read =
        std::fs::canonicalize(file).and_then(|path| zoners_files::read_own(&path, MAX_AUTHORITY));
    let pem = read.map_err(|error| shown(&error))?;
    TlsClient::with_roots(&pem).map_err(|why| shown(&why))
}

fn wall_s() -> u64 {
    SystemClock.wall_seconds()
}
