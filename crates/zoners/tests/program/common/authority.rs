//! A server of `example.` with a different address for each name, so that a wrong answer shows.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use zoners_dns::compose::{Response, ResponseFlags, compose};
use zoners_dns::packet::ClientQuery;
use zoners_dns::{Message, Name, OptRcode, RRset, Records, Rtype};

use super::waiting::travel;
use super::{Daemon, query_for};

/// The address of a name.
fn address_of(name: &Name) -> [u8; 4] {
    let sum = name.to_string().bytes().fold(7u32, |sum, octet| {
        sum.wrapping_mul(31).wrapping_add(u32::from(octet.to_ascii_lowercase()))
    });
    sum.to_be_bytes()
}

/// A name and its address.
type PlacedName = (String, [u8; 4]);

/// A server of `example.` with an address for each name, while the test lives.
#[derive(Clone)]
pub(crate) struct Authority {
    pub(crate) address: SocketAddr,
    pub(crate) silent: Arc<AtomicBool>,
    /// The delay of a reply, in milliseconds.
    pub(crate) delay: Arc<AtomicU64>,
    asked: Arc<AtomicUsize>,
    names: Arc<Mutex<Vec<String>>>,
    /// Names with an address that a test has chosen.
    placed: Arc<Mutex<Vec<PlacedName>>>,
}

impl Authority {
    pub(crate) fn start() -> Self {
        Authority::on(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
    }

    /// A server at a socket, which answers every name.
    pub(crate) fn on(socket: UdpSocket) -> Self {
        let address = socket.local_addr().unwrap();
        let authority = Authority {
            address,
            silent: Arc::default(),
            delay: Arc::default(),
            asked: Arc::default(),
            names: Arc::default(),
            placed: Arc::default(),
        };
        let own = authority.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 1500];
            loop {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                own.asked.fetch_add(1, Ordering::Relaxed);
                let Ok(request) = ClientQuery::read(&buffer[..length]) else { continue };
                let question = request.question();
                own.names.lock().unwrap().push(question.name.to_string().to_lowercase());
                let placed = own.placed.lock().unwrap().clone();
                let asked = question.name.to_string();
                let placed = placed.iter().find(|(name, _)| name.eq_ignore_ascii_case(&asked));
                let address = placed.map_or_else(|| address_of(&question.name), |placed| placed.1);
                let records = Records::from_iter([address]);
                let mut reply = compose(&Response {
                    question: &question,
                    rcode: OptRcode::NOERROR,
                    flags: ResponseFlags { aa: true, ..ResponseFlags::default() },
                    answer: &[RRset::new(question.name.clone(), Rtype::A, 600, records)],
                    authority: &[],
                    additional: &[],
                    signatures: false,
                });
                reply[..2].copy_from_slice(&buffer[..2]);
                travel(Duration::from_millis(own.delay.load(Ordering::Relaxed)));
                // An ICMP error of an earlier, killed client is reported once instead of sending.
                let send = || socket.send_to(&reply, from).is_ok();
                let _ = own.silent.load(Ordering::Relaxed) || send() || send();
            }
        });
        authority
    }

    /// Answers this address for a name from now on.
    pub(crate) fn place(&self, name: &str, address: [u8; 4]) {
        self.placed.lock().unwrap().push((name.to_owned(), address));
    }

    /// A configuration table that routes `example.` to this server.
    pub(crate) fn stub(&self) -> String {
        format!("[[stub]]\nzone = \"example\"\nservers = [\"{}\"]\n", self.address)
    }

    /// Whether a name at or below this domain was asked for.
    pub(crate) fn was_asked_below(&self, domain: &str) -> bool {
        self.names.lock().unwrap().iter().any(|name| name.ends_with(domain))
    }

    /// Queries received.
    pub(crate) fn count(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Asks for a name, and checks the answer.
pub(crate) fn ask(daemon: &Daemon, number: usize) {
    ask_name(daemon, &format!("n{number}.example"));
}

/// The same for this name.
pub(crate) fn ask_name(daemon: &Daemon, name: &str) {
    let reply = daemon.ask(&query_for(7, name, Rtype::A));
    let reply = Message::parse(&reply.into()).unwrap();
    let owner = &reply.question.as_ref().unwrap().name;
    let right = Records::from_iter([address_of(owner)]);
    assert_eq!(reply.answer.first().map(|set| &set.records), Some(&right), "{reply:?}");
    assert!(reply.answer[0].ttl <= 600);
}
