//! Whole orders at an ACME server of the tests, which connects to listeners here for its proofs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says why")]

mod acme_server;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::SystemTime;

use acme_server::{AcmeServer, Conduct};
use zoners_acme::{
    AcmeFault, AcmeFiles, AcmeHttp, AcmeTerms, ChallengeAnswers, ChallengeKind, FaultKind, obtain,
};
use zoners_http::{HostAddresses, TlsClient};
use zoners_tls::{ApplicationProtocol, Certificate, ServerTls};

/// Addresses alone are asked for.
struct NoHosts;

impl HostAddresses for NoHosts {
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        Err(format!("{host} is no address"))
    }
}

/// A machine that wants a certificate.
struct Machine {
    server: AcmeServer,
    answers: ChallengeAnswers,
    folder: tempfile::TempDir,
}

impl Machine {
    fn start() -> Self {
        let answers = ChallengeAnswers::default();
        let server = AcmeServer::start();
        server.proves_at(serve_handshakes(&answers), serve_pages(&answers));
        Machine { server, answers, folder: tempfile::tempdir().unwrap() }
    }

    fn terms(&self, challenge: ChallengeKind) -> AcmeTerms {
        AcmeTerms {
            names: ["dns.example.org", "127.0.0.1"].map(|name| name.parse().unwrap()).to_vec(),
            contact: vec!["mailto:admin@example.org".to_owned()],
            directory: self.server.directory().parse().unwrap(),
            authority: None,
            profile: None,
            challenge,
        }
    }

    fn files(&self) -> AcmeFiles {
        AcmeFiles::of(self.folder.path())
    }

    async fn order(&self, challenge: ChallengeKind) -> Result<Certificate, AcmeFault> {
        let terms = self.terms(challenge);
        let tls = TlsClient::with_roots(self.server.authority().as_bytes()).unwrap();
        let http = AcmeHttp::new(NoHosts, Some(tls), &terms.directory);
        let now_s = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        obtain(&terms, &http, &self.files(), &self.answers, now_s).await
    }

    /// The fault of an order at a server with this conduct.
    async fn fault(&self, conduct: Conduct) -> AcmeFault {
        self.server.does(conduct);
        self.order(ChallengeKind::TlsAlpn01).await.unwrap_err()
    }
}

/// A listener within TLS, as the daemon has.
fn serve_handshakes(answers: &ChallengeAnswers) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let tls = ServerTls::answering(answers.tls.clone(), None).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let config = tls.config(ApplicationProtocol::Dot);
            let mut server = rustls::ServerConnection::new(config).unwrap();
            while server.is_handshaking() && server.complete_io(&mut stream).is_ok() {}
        }
    });
    address
}

/// A listener of pages, as the daemon has.
fn serve_pages(answers: &ChallengeAnswers) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let pages = answers.http.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = vec![0; 1024];
            let length = stream.read(&mut request).unwrap();
            let text = String::from_utf8_lossy(&request[..length]).into_owned();
            let page = pages.page(text.split(' ').nth(1).unwrap()).unwrap_or_default();
            let reply = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{page}");
            stream.write_all(reply.as_bytes()).unwrap();
        }
    });
    address
}

#[tokio::test]
async fn a_certificate_is_had_by_both_challenges_with_one_account() {
    let machine = Machine::start();
    for challenge in [ChallengeKind::TlsAlpn01, ChallengeKind::Http01] {
        let had = machine.order(challenge).await.unwrap();
        assert!(machine.terms(challenge).are_met_by(&had));
        let kept = machine.files().certificate().unwrap().unwrap();
        assert_eq!(kept.names(), had.names());
    }
    assert_eq!(machine.server.counts(), (2, 1), "orders, and the account of the first");
    // An address has the profile of addresses by itself.
    assert_eq!(machine.server.profile().as_deref(), Some("shortlived"));
}

#[tokio::test]
async fn stale_nonces_cost_requests_alone() {
    let machine = Machine::start();
    machine.server.does(Conduct::BadNonces);
    machine.order(ChallengeKind::TlsAlpn01).await.unwrap();
}

#[tokio::test]
async fn each_fault_of_the_server_is_told_and_the_former_certificate_stays() {
    let machine = Machine::start();
    machine.order(ChallengeKind::TlsAlpn01).await.unwrap();
    let former = std::fs::read(machine.folder.path().join("acme-certificate")).unwrap();
    for (conduct, kind, what) in [
        (Conduct::Down, FaultKind::Unreachable, "the server replied with status 502"),
        (Conduct::Endless, FaultKind::Unreachable, "has more than 65536 octets"),
        (Conduct::BadDirectory, FaultKind::Unreachable, "no address: "),
        (Conduct::RateLimited(7200), FaultKind::Refused, "too many orders"),
        (Conduct::InvalidOrder, FaultKind::Refused, "the names belong to this machine"),
        (Conduct::Malformed, FaultKind::Refused, "JSON"),
        (Conduct::ForeignProof, FaultKind::Refused, "a proof of bank.example"),
        (Conduct::OtherNames, FaultKind::Unusable, "the certificate is for other.example"),
    ] {
        let fault = machine.fault(conduct).await;
        assert_eq!(fault.kind, kind, "{conduct:?}: {fault}");
        assert!(fault.what.contains(what), "{conduct:?}: {fault}");
        let wanted_s = matches!(conduct, Conduct::RateLimited(_)).then_some(7200);
        assert_eq!(fault.wanted_s, wanted_s, "{conduct:?}");
    }
    let kept = std::fs::read(machine.folder.path().join("acme-certificate")).unwrap();
    assert_eq!(kept, former);
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_told_with_the_reason() {
    let machine = Machine::start();
    let elsewhere = serve_handshakes(&ChallengeAnswers::default());
    machine.server.proves_at(elsewhere, elsewhere);
    let fault = machine.order(ChallengeKind::TlsAlpn01).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Refused);
    assert!(fault.what.contains("dns.example.org: nobody answers as agreed"), "{fault}");
}

#[tokio::test]
async fn an_account_that_the_server_has_forgotten_is_made_anew() {
    let machine = Machine::start();
    machine.order(ChallengeKind::Http01).await.unwrap();
    let fault = machine.fault(Conduct::ForgottenAccount).await;
    assert_eq!(fault.kind, FaultKind::Unreachable, "no order was placed");
    machine.server.does(Conduct::Good);
    machine.order(ChallengeKind::Http01).await.unwrap();
    assert_eq!(machine.server.counts(), (2, 2));
}
