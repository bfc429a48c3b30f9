//! The certificate of an ACME server: orders run on a thread of their own, as they are due, and no worker waits.

mod thread;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;
use zoners_acme::{AcmeFiles, AcmeTerms, ChallengeAnswers};
use zoners_api::AcmeReport;
use zoners_dns::{Network, Random};
use zoners_net::Sockets;
use zoners_resolver::Resolver;
use zoners_tls::AlpnChallenges;

use super::acme_state::AcmeState;
use super::generation::Core;
use crate::config::Config;
use thread::{AcmeThread, AcmeWish};

/// New certificates on the way to the main thread. A newer one is in the file.
const MAX_NEWS: usize = 4;

/// The way to the thread of orders, which begins with the first `[acme]`.
#[derive(Debug)]
pub(super) struct AcmeKeeper<N: Network = Arc<Sockets>> {
    folder: Option<PathBuf>,
    state: AcmeState,
    challenges: AlpnChallenges,
    random: Random,
    wishes: Option<mpsc::UnboundedSender<AcmeWish<N>>>,
    news: (mpsc::Sender<()>, mpsc::Receiver<()>),
    terms: Option<AcmeTerms>,
    resolver: Option<Resolver<N>>,
}

impl<N: Network> AcmeKeeper<N> {
    /// Puts the certificate in the state folder into force. Without a folder, nothing is ordered.
    pub(super) fn begin(folder: Option<&Path>, core: &Core, config: &Config) -> Self {
        let mut keeper = AcmeKeeper {
            folder: folder.map(Path::to_owned),
            state: core.acme.clone(),
            challenges: core.tls.challenges(),
            random: core.shared.random.clone(),
            wishes: None,
            news: mpsc::channel(MAX_NEWS),
            terms: None,
            resolver: None,
        };
        keeper.configure(config);
        keeper
    }

    /// Orders the certificate of this configuration, and no other.
    pub(super) fn configure(&mut self, config: &Config) {
        let terms = config.acme_terms();
        if terms == self.terms {
            return;
        }
        self.terms.clone_from(&terms);
        let Some(terms) = terms else {
            self.state.certificate.store(None);
            self.state.report.store(None);
            return self.wish(AcmeWish::Configure(None));
        };
        let Some(folder) = &self.folder else {
            let why = "there is no state folder (server.state names one)";
            tracing::error!("acme: no certificate is ordered: {why}");
            return self.state.report.store(Some(Arc::new(failed_report(&terms, why))));
        };
        let kept = AcmeFiles::of(folder).certificate().unwrap_or_else(|why| {
            tracing::warn!("acme: the kept certificate counts for nothing: {why}");
            None
        });
        match &kept {
            // The main thread makes what depends on the names anew.
            Some(_) => drop(self.news.0.try_send(())),
            None => tracing::warn!(
                "acme: no certificate yet: encrypted listeners refuse handshakes until an order succeeds"
            ),
        }
        self.state.certificate.store(kept.map(Arc::new));
        self.wish(AcmeWish::Configure(Some(Box::new((terms, AcmeFiles::of(folder))))));
    }

    /// Resolves the name of the ACME server by this resolver. An unreachable server is asked again soon, as the network
    /// may have changed.
    pub(super) fn resolve_by(&mut self, resolver: Resolver<N>) {
        self.resolver = Some(resolver.clone());
        if self.wishes.is_some() {
            self.wish(AcmeWish::Resolve(resolver));
        }
    }

    /// Ends with each new certificate. Safe to cancel and call again.
    pub(super) async fn news(&mut self) {
        if self.news.1.recv().await.is_none() {
            // A sender lives here, too.
            std::future::pending().await
        }
    }

    fn wish(&mut self, wish: AcmeWish<N>) {
        if self.wishes.is_none() {
            if matches!(wish, AcmeWish::Configure(None)) {
                return;
            }
            match self.start() {
                Ok(wishes) => self.wishes = Some(wishes),
                Err(error) => return tracing::error!("acme: no certificate is ordered: {error}"),
            }
        }
        if let Some(wishes) = &self.wishes {
            // The thread ends with the daemon.
            let _ = wishes.send(wish);
        }
    }

    fn start(&self) -> io::Result<mpsc::UnboundedSender<AcmeWish<N>>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (send, wishes) = mpsc::unbounded_channel();
        let thread = AcmeThread {
            answers: ChallengeAnswers {
                tls: self.challenges.clone(),
                http: self.state.pages.clone(),
            },
            state: self.state.clone(),
            random: self.random.clone(),
            news: self.news.0.clone(),
            work: None,
            resolver: self.resolver.clone(),
        };
        let run = move || runtime.block_on(thread.run(wishes));
        std::thread::Builder::new().name("acme".into()).spawn(run)?;
        Ok(send)
    }
}

/// The report on a certificate that was not had.
fn failed_report(terms: &AcmeTerms, why: &str) -> AcmeReport {
    AcmeReport {
        names: terms.names.iter().map(ToString::to_string).collect(),
        directory: terms.directory.to_string(),
        last_failure: Some(why.to_owned()),
        failures: 1,
        ..AcmeReport::default()
    }
}
