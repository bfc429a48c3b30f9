//! A small ACME server over TLS at 127.0.0.1, which really connects to the machine that wants a certificate, and which a
//! test may spoil. Signatures of requests are not looked at.

mod authority;
mod http;
mod jose;
mod proof;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};

pub(crate) use authority::TestAuthority;
use http::{Request, Response};

/// What the server does wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(dead_code, reason = "each test program needs some")]
pub(crate) enum Conduct {
    #[default]
    Good,
    /// Every second nonce is refused.
    BadNonces,
    /// There are no orders for so many seconds.
    RateLimited(u64),
    /// The order fails, whatever was proven.
    InvalidOrder,
    /// A proxy says that there is no server.
    Down,
    /// Orders are no JSON.
    Malformed,
    /// Replies never end.
    Endless,
    /// The directory names addresses that are none.
    BadDirectory,
    /// The certificate is for another name.
    OtherNames,
    /// The proof of another name is wanted, too.
    ForeignProof,
    /// The account is not there any more.
    ForgottenAccount,
}

/// The server, while the test lives.
#[derive(Clone)]
pub(crate) struct AcmeServer {
    address: SocketAddr,
    authority: Arc<TestAuthority>,
    state: Arc<Mutex<State>>,
    /// Where challenges are proven: over TLS, and over HTTP; and the bell that rings once that is known.
    proofs: Arc<(Mutex<Option<ProofPlaces>>, Condvar)>,
}

/// The addresses for handshakes, and for pages.
type ProofPlaces = (SocketAddr, SocketAddr);

#[derive(Default)]
struct State {
    conduct: Conduct,
    requests: usize,
    accounts: usize,
    orders: usize,
    /// The thumbprint of the account's key.
    thumbprint: String,
    /// The names of the order, as the request has them, each with the state of its proof.
    names: Vec<(Value, &'static str)>,
    profile: Option<String>,
    certificate: Option<String>,
}

impl AcmeServer {
    /// A server on a free port.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = AcmeServer {
            address,
            authority: Arc::new(TestAuthority::new()),
            state: Arc::default(),
            proofs: Arc::default(),
        };
        let own = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let own = own.clone();
                std::thread::spawn(move || own.serve(stream));
            }
        });
        server
    }

    /// The address of the directory.
    pub(crate) fn directory(&self) -> String {
        self.url("directory")
    }

    /// The authority of the server and of its certificates, in PEM form.
    pub(crate) fn authority(&self) -> &str {
        self.authority.pem()
    }

    /// Connects there for handshakes and for pages; proofs wait until this is known.
    pub(crate) fn proves_at(&self, tls: SocketAddr, http: SocketAddr) {
        *self.proofs.0.lock().unwrap() = Some((tls, http));
        self.proofs.1.notify_all();
    }

    pub(crate) fn does(&self, conduct: Conduct) {
        self.state.lock().unwrap().conduct = conduct;
    }

    /// The orders so far, and the accounts.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let state = self.state.lock().unwrap();
        (state.orders, state.accounts)
    }

    /// The profile of the last order.
    #[allow(dead_code, reason = "the same")]
    pub(crate) fn profile(&self) -> Option<String> {
        self.state.lock().unwrap().profile.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}/{path}", self.address)
    }

    fn serve(&self, stream: TcpStream) {
        let mut stream = self.authority.accept(stream);
        let Some(request) = Request::read(&mut stream) else { return };
        let conduct = self.state.lock().unwrap().conduct;
        match conduct {
            Conduct::Down => Response::page(502, "<html>no server</html>").write(&mut stream),
            Conduct::Endless => Response::endless(&mut stream),
            _ => self.answer(&request).write(&mut stream),
        }
    }

    fn answer(&self, request: &Request) -> Response {
        let mut state = self.state.lock().unwrap();
        state.requests += 1;
        let (conduct, number) = (state.conduct, state.requests);
        let nonce = format!("nonce-{number}");
        if conduct == Conduct::BadNonces && request.method == "POST" && number.is_multiple_of(2) {
            return Response::problem(400, "badNonce", "stale").nonce(&nonce);
        }
        let steps: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        let response = match *steps.as_slice() {
            ["directory"] => Response::json(200, &self.directory_of(conduct)),
            ["nonce"] => Response::json(200, &json!({})),
            ["account"] => {
                state.thumbprint = jose::thumbprint(&request.jws("protected"));
                state.accounts += 1;
                let account = json!({ "status": "valid" });
                Response::json(201, &account).location(&self.url("account/1"))
            }
            ["order"] => self.order(&mut state, &request.jws("payload")),
            ["orders"] => Response::json(200, &self.order_of(&state)),
            ["authorization", at] => self.authorization(&state, at.parse().unwrap()),
            ["challenge", kind, at] => self.challenge(&mut state, kind, at.parse().unwrap()),
            ["finalize"] => {
                state.certificate = Some(self.certificate(&state, &request.jws("payload")));
                Response::json(200, &self.order_of(&state))
            }
            ["certificate"] => Response::page(200, state.certificate.as_deref().unwrap()),
            _ => Response::problem(404, "malformed", "no such page"),
        };
        response.nonce(&nonce)
    }

    fn directory_of(&self, conduct: Conduct) -> Value {
        let nonces = match conduct {
            Conduct::BadDirectory => "no address".to_owned(),
            _ => self.url("nonce"),
        };
        json!({
            "newNonce": nonces,
            "newAccount": self.url("account"),
            "newOrder": self.url("order"),
            "meta": { "profiles": { "shortlived": "six days" } },
        })
    }

    fn order(&self, state: &mut State, wanted: &Value) -> Response {
        match state.conduct {
            Conduct::RateLimited(pause_s) => {
                let limit = Response::problem(429, "rateLimited", "too many orders");
                return limit.field("Retry-After", &pause_s.to_string());
            }
            Conduct::ForgottenAccount => {
                return Response::problem(400, "accountDoesNotExist", "who are you?");
            }
            Conduct::Malformed => return Response::page(201, "{\"status\": \"pend"),
            _ => {}
        }
        state.orders += 1;
        let names = wanted["identifiers"].as_array().unwrap().iter();
        state.names = names.map(|name| (name.clone(), "pending")).collect();
        if state.conduct == Conduct::ForeignProof {
            state.names.push((json!({ "type": "dns", "value": "bank.example" }), "pending"));
        }
        state.profile = wanted["profile"].as_str().map(str::to_owned);
        state.certificate = None;
        Response::json(201, &self.order_of(state)).location(&self.url("orders"))
    }

    fn order_of(&self, state: &State) -> Value {
        let is_failed = state.conduct == Conduct::InvalidOrder
            || state.names.iter().any(|(_, proof)| *proof == "invalid");
        let is_proven = state.names.iter().all(|(_, proof)| *proof == "valid");
        let status = match (&state.certificate, is_failed, is_proven) {
            (Some(_), ..) => "valid",
            (None, true, _) => "invalid",
            (None, false, true) => "ready",
            (None, false, false) => "pending",
        };
        let proofs = (0..state.names.len()).map(|at| self.url(&format!("authorization/{at}")));
        let mut order = json!({
            "status": status,
            "authorizations": proofs.collect::<Vec<_>>(),
            "finalize": self.url("finalize"),
        });
        if state.certificate.is_some() {
            order["certificate"] = json!(self.url("certificate"));
        }
        order
    }

    fn authorization(&self, state: &State, at: usize) -> Response {
        let (identifier, status) = &state.names[at];
        let challenges = ["tls-alpn-01", "http-01"].map(|kind| {
            let url = self.url(&format!("challenge/{kind}/{at}"));
            let mut challenge =
                json!({ "type": kind, "url": url, "token": token(at), "status": status });
            if *status == "invalid" {
                challenge["error"] = json!({ "detail": "nobody answers as agreed" });
            }
            challenge
        });
        let found = json!({ "identifier": identifier, "status": status, "challenges": challenges });
        Response::json(200, &found)
    }

    /// Connects to the machine, as agreed.
    fn challenge(&self, state: &mut State, kind: &str, at: usize) -> Response {
        let name = state.names[at].0["value"].as_str().unwrap().to_owned();
        let key = format!("{}.{}", token(at), state.thumbprint);
        let places = self.proofs.0.lock().unwrap();
        let places = self.proofs.1.wait_while(places, |places| places.is_none()).unwrap();
        let is_proven = places.is_some_and(|(tls, http)| match kind {
            "tls-alpn-01" => proof::by_handshake(tls, &name, &key),
            _ => proof::by_page(http, &token(at), &key),
        });
        state.names[at].1 = if is_proven { "valid" } else { "invalid" };
        let url = self.url(&format!("challenge/{kind}/{at}"));
        let seen = json!({ "type": kind, "url": url, "token": token(at), "status": "processing" });
        Response::json(200, &seen)
    }

    fn certificate(&self, state: &State, payload: &Value) -> String {
        let request = jose::decode(payload["csr"].as_str().unwrap());
        let names = match state.conduct {
            Conduct::OtherNames => vec!["other.example".to_owned()],
            _ => {
                let names = state.names.iter();
                names.map(|(name, _)| name["value"].as_str().unwrap().to_owned()).collect()
            }
        };
        self.authority.sign(&request, names)
    }
}

fn token(at: usize) -> String {
    format!("token-of-a-proof_{at}")
}
