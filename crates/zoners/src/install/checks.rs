//! The checks of an install: the daemon answers, and the system asks the daemon.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use zoners_dns::{Checking, Endpoint, Question, Transport};
use zoners_host::install_steps::{CHECK_ANSWERS, CHECK_ASKED};
use zoners_host::plan::PlanChecks;
use zoners_server::control::question;
use zoners_server::report;

use crate::arrivals::{client_queries, new_name};
use crate::control::healthcheck;
use crate::dns_server::{DnsServer, PORT, QueryManner};

/// Signed names of different operators: one name is enough.
const SIGNED: [&str; 2] = ["example.com", "iana.org"];
/// The time for an answer: longer than the server waits for upstream servers, so that a failure comes with the reason.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The time in which a started daemon listens: OpenRC and runit report a start before.
const MAX_START_TIME: Duration = Duration::from_secs(10);
/// The time in which a running switch takes the settings, and the time between two looks.
const MAX_SWITCH_TIME: Duration = Duration::from_secs(5);
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// The checks, asked of the daemon at 127.0.0.1.
#[derive(Debug)]
pub(super) struct InstallChecks {
    /// Whether a network without recursion is accepted.
    anyway: bool,
    /// The last check has failed, and was accepted.
    passed_over: Rc<Cell<bool>>,
}

impl InstallChecks {
    pub(super) fn new(anyway: bool) -> Self {
        InstallChecks { anyway, passed_over: Rc::default() }
    }

    /// True while the last check is one that has failed and was accepted.
    pub(super) fn passed_over(&self) -> Rc<Cell<bool>> {
        self.passed_over.clone()
    }
}

impl PlanChecks for InstallChecks {
    fn check(&mut self, name: &str) -> Result<(), String> {
        let ended = match name {
            CHECK_ANSWERS => answers(),
            CHECK_ASKED => asked(),
            other => Err(format!("there is no check called {other}")),
        };
        match ended {
            Err(reason) if self.anyway => {
                self.passed_over.set(true);
                super::passed_over(&reason);
                Ok(())
            }
            ended => ended.map_err(|reason| format!("{reason}; --anyway goes on all the same")),
        }
    }
}

/// The daemon answers with a proven name, over UDP and TCP.
fn answers() -> Result<(), String> {
    wait_for_listener(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)), MAX_START_TIME)?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let mut reasons = Vec::new();
    for name in SIGNED {
        let question = question(name, "A")?;
        match runtime.block_on(is_proven(&question)) {
            Ok(()) => return Ok(()),
            Err(reason) => reasons.push(format!("{name}: {reason}")),
        }
    }
    Err(format!("this network does not let Zoners resolve names ({})", reasons.join("; ")))
}

/// Waits until a process listens. UDP sockets are bound before TCP listeners.
fn wait_for_listener(address: SocketAddr, limit: Duration) -> Result<(), String> {
    let began = Instant::now();
    while let Err(error) = TcpStream::connect_timeout(&address, limit) {
        if began.elapsed() >= limit {
            return Err(format!("the service was started, but {address} does not listen: {error}"));
        }
        std::thread::sleep(RETRY_INTERVAL);
    }
    Ok(())
}

async fn is_proven(question: &Question) -> Result<(), String> {
    for transport in [Transport::Udp, Transport::Tcp] {
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
        let endpoint = Endpoint::new(server, transport);
        let manner = QueryManner {
            recursion_desired: true,
            checking: Checking::Enabled,
            timeout: Some(TIMEOUT),
            tries: 1,
        };
        let began = Instant::now();
        let message = DnsServer::at(endpoint)?.first_reply(question, manner).await;
        let message = message.map_err(|error| format!("{error} over {transport}"))?;
        let reply = report::replied(question, &message, endpoint, began.elapsed());
        if reply.rcode != "NOERROR" {
            let reason = reply.ede.as_ref().map(healthcheck::reason).unwrap_or_default();
            return Err(format!("{} over {transport} {reason}", reply.rcode).trim_end().to_owned());
        }
        if !message.header.ad() {
            return Err(format!("the answer over {transport} is not proven"));
        }
    }
    Ok(())
}

/// A question by the resolver of the system arrives at the daemon, now or within [`MAX_SWITCH_TIME`]: a running switch
/// needs a moment.
fn asked() -> Result<(), String> {
    let began = Instant::now();
    while !is_asked()? {
        if began.elapsed() > MAX_SWITCH_TIME {
            return Err(
                "the programs of this machine do not ask Zoners: no question arrived".to_owned()
            );
        }
        std::thread::sleep(RETRY_INTERVAL);
    }
    Ok(())
}

/// Asks for a name that is new to every cache on the way; whether the name exists does not matter.
fn is_asked() -> Result<bool, String> {
    let before = client_queries()?;
    let _ = (new_name("example.com")?.as_str(), PORT).to_socket_addrs();
    Ok(client_queries()? > before)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_check_waits_for_a_listener_and_not_for_ever() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        wait_for_listener(address, MAX_START_TIME).unwrap();
        drop(listener);
        let reason = wait_for_listener(address, Duration::from_nanos(1));
        assert!(reason.unwrap_err().contains("does not listen"));
    }
}
