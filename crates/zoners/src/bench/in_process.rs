//! A resolver in this process with visible hops.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use zoners_bench::target::Telling;
use zoners_bench::{AnswerHop, Came, Part, QuestionOutcome, Target, TargetAnswer};
use zoners_dns::{Name, Question, Random, Rtype, name};
use zoners_net::Sockets;
use zoners_resolver::Fault;
use zoners_resolver::{TimedHop, Trace};
use zoners_server::Config;
use zoners_server::daemon::Configured;
use zoners_server::pipeline::Service;

use super::watched::{WatchedSockets, locked};
use crate::any_network::AnyNetwork;

/// A resolver that recurses from the root.
pub(super) struct InProcessTarget {
    config: Config,
    sockets: Arc<WatchedSockets>,
    service: Mutex<Service<AnyNetwork>>,
}

impl InProcessTarget {
    /// A target with the configuration `config`.
    pub(super) fn new(config: Config) -> Result<Self, String> {
        let random = Random::from_system().map_err(|error| error.to_string())?;
        let sources = config.resolver.source_addresses.clone();
        let sockets = Arc::new(WatchedSockets::new(Sockets::with_sources(random, sources)));
        let configured = Configured::new(config.clone()).map_err(|error| error.to_string())?;
        let service = configured.service_over(AnyNetwork::new(sockets.clone()));
        Ok(InProcessTarget { config, sockets, service: Mutex::new(service) })
    }
}

impl Target for InProcessTarget {
    fn label(&self) -> &'static str {
        "in process"
    }

    fn ask(&self, question: &Question) -> Telling {
        let worker = locked(&self.service).worker().clone();
        let question = question.clone();
        Box::pin(async move {
            let trace = Arc::new(Trace::default());
            let ending = match worker.resolve(&question, Some(trace.clone())).await {
                Ok(_) => QuestionOutcome::Answered,
                Err(unresolved) => QuestionOutcome::Failed {
                    rcode: "SERVFAIL".into(),
                    ede: Some(unresolved.ede.code.0),
                },
            };
            TargetAnswer { ending, hops: trace.steps().iter().filter_map(hop).collect() }
        })
    }

    fn forget(&self) -> bool {
        // The configuration was valid at the start of the run.
        let Ok(configured) = Configured::new(self.config.clone()) else { return false };
        *locked(&self.service) = configured.service_over(AnyNetwork::new(self.sockets.clone()));
        true
    }

    fn exchanges(&self) -> Vec<zoners_bench::UpstreamExchange> {
        self.sockets.seen()
    }
}

/// A step of the resolver, in the words of the measurement.
fn hop(step: &TimedHop) -> Option<AnswerHop> {
    let micros = |duration: Duration| duration.as_micros() as u64;
    let (zone, question, took) = match &step.hop {
        zoners_resolver::Hop::Asked { zone, question, took, .. }
        | zoners_resolver::Hop::Waited { zone, question, took } => (zone, question, *took),
        zoners_resolver::Hop::Note(_) => return None,
    };
    let (server, address, came) = match &step.hop {
        zoners_resolver::Hop::Asked { server, endpoint, outcome, .. } => {
            let came = match outcome {
                Some(Ok(_)) => Came::Answer,
                Some(Err(Fault::Timeout)) => Came::Silence,
                Some(Err(_)) => Came::Nonsense,
                None => Came::Outpaced,
            };
            (server.fmt_with_dot().to_string(), endpoint.address.ip().to_string(), came)
        }
        _ => (String::new(), String::new(), Came::Shared),
    };
    Some(AnswerHop {
        part: part(zone, question, step.depth),
        zone: zone.fmt_with_dot().to_string(),
        server,
        address,
        until_us: micros(step.at),
        took_us: micros(took),
        came,
    })
}

/// The purpose of a question to the servers of `zone`.
fn part(zone: &Name, question: &Question, depth: u8) -> Part {
    match name::depth(zone) {
        _ if matches!(question.rtype, Rtype::DNSKEY | Rtype::DS) => Part::Keys,
        _ if depth > 0 => Part::Address,
        0 => Part::Root,
        1 => Part::TopLevel,
        _ => Part::Provider,
    }
}
