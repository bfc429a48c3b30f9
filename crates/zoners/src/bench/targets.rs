//! Who `zoners bench` asks: servers over the network, or a resolver in this process.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use zoners_bench::target::Telling;
use zoners_bench::{Ending, Hop, Part, Target, Told};
use zoners_dns::query::{Options, query};
use zoners_dns::{
    Endpoint, Exchange, Message, Network, OptRcode, Outcome, Question, Random, Rtype, Transport,
    name,
};
use zoners_net::Sockets;
use zoners_resolver::verdict::Fault;
use zoners_resolver::{Step, Trace};
use zoners_server::Config;
use zoners_server::config::ConfigError;
use zoners_server::daemon::{Daemon, Snapshot};

/// A server that is asked over UDP or TCP.
pub(super) struct Server {
    label: String,
    endpoint: Endpoint,
    network: Arc<Sockets>,
    random: Random,
}

/// A resolver that recurses from the root, in this process.
pub(super) struct InProcess {
    config: Config,
    service: Mutex<Snapshot>,
}

impl Server {
    /// The server of an address such as `192.0.2.1`, `udp://[2001:db8::1]:53` or `tcp://192.0.2.1`.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let (transport, address) = match text.split_once("://") {
            Some(("udp", address)) => (Transport::Udp, address),
            Some(("tcp", address)) => (Transport::Tcp, address),
            None => (Transport::Udp, text),
            Some((other, _)) => {
                return Err(format!("--server {text}: {other:?} is none of udp and tcp"));
            }
        };
        let bare = address.trim_start_matches('[').trim_end_matches(']');
        let address = address
            .parse::<SocketAddr>()
            .or_else(|_| bare.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)))
            .map_err(|_| {
                format!("--server {text}: no IP address, such as 192.0.2.1 or [2001:db8::1]:53")
            })?;
        let random = Random::from_system().map_err(|error| error.to_string())?;
        let network = Arc::new(Sockets::new(random.clone()));
        let endpoint = Endpoint { address, transport };
        Ok(Server { label: text.into(), endpoint, network, random })
    }
}

impl Target for Server {
    fn label(&self) -> &str {
        &self.label
    }

    fn ask(&self, question: &Question) -> Telling {
        let (network, endpoint, question) = (self.network.clone(), self.endpoint, question.clone());
        let ids = [self.random.id(), self.random.id()];
        Box::pin(async move {
            let mut ending = over(&network, endpoint, &question, ids[0]).await;
            if ending.is_none() {
                ending = over(&network, endpoint.over(Transport::Tcp), &question, ids[1]).await;
            }
            let ending = ending.unwrap_or_else(|| Ending::Broken("cut even over TCP".into()));
            Told { ending, hops: Vec::new() }
        })
    }
}

/// Asks once; `None` if the answer was cut.
async fn over(network: &Sockets, to: Endpoint, question: &Question, id: u16) -> Option<Ending> {
    let options = Options { id, recursion_desired: true, edns: true };
    let mut exchange = network.send(to, query(question, options));
    loop {
        let octets = match exchange.receive().await {
            Outcome::Message(octets) => octets,
            Outcome::Failed(failure) => return Some(Ending::Broken(failure.to_string())),
        };
        let Ok(message) = Message::parse(&octets) else { continue };
        if message.header.id() != id || message.question.as_ref() != Some(question) {
            continue;
        }
        return if message.header.tc() { None } else { Some(ending(&message)) };
    }
}

fn ending(message: &Message) -> Ending {
    match message.rcode {
        OptRcode::NOERROR | OptRcode::NXDOMAIN => Ending::Answered,
        rcode => {
            let ede = message.edns.as_ref().and_then(|edns| edns.errors.first());
            Ending::Failed { rcode: rcode.to_string(), ede: ede.map(|ede| ede.code.0) }
        }
    }
}

impl InProcess {
    /// One that behaves as `config` says.
    pub(super) fn new(config: Config) -> Result<Self, ConfigError> {
        let service = Mutex::new(Daemon::new(config.clone(), None)?.service());
        Ok(InProcess { config, service })
    }
}

impl Target for InProcess {
    fn label(&self) -> &str {
        "in process"
    }

    fn ask(&self, question: &Question) -> Telling {
        let worker = self.service.lock().unwrap_or_else(PoisonError::into_inner).worker().clone();
        let question = question.clone();
        Box::pin(async move {
            let trace = Arc::new(Trace::default());
            let ending = match worker.resolve(&question, Some(trace.clone())).await {
                Ok(_) => Ending::Answered,
                Err(unresolved) => {
                    Ending::Failed { rcode: "SERVFAIL".into(), ede: Some(unresolved.ede.code.0) }
                }
            };
            Told { ending, hops: trace.steps().iter().filter_map(hop).collect() }
        })
    }

    fn forget(&self) -> bool {
        // It was good when the run began.
        let Ok(daemon) = Daemon::new(self.config.clone(), None) else { return false };
        *self.service.lock().unwrap_or_else(PoisonError::into_inner) = daemon.service();
        true
    }
}

/// A server that was asked on the way, in the words of the measurement.
fn hop(step: &Step) -> Option<Hop> {
    let zoners_resolver::Hop::Asked { zone, question, server, endpoint, took, outcome, .. } =
        &step.hop
    else {
        return None;
    };
    let part = match name::depth(zone) {
        _ if matches!(question.rtype, Rtype::DNSKEY | Rtype::DS) => Part::Keys,
        _ if step.depth > 0 => Part::Address,
        0 => Part::Root,
        1 => Part::TopLevel,
        _ => Part::Provider,
    };
    Some(Hop {
        part,
        zone: zone.fmt_with_dot().to_string(),
        server: server.fmt_with_dot().to_string(),
        address: endpoint.address.to_string(),
        took: *took,
        good: outcome.is_ok(),
        silent: *outcome == Err(Fault::Timeout),
    })
}
