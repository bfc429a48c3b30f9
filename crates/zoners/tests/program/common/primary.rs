//! A primary server of a policy zone, with transfers signed by a key (AXFR, IXFR, NOTIFY).

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use zoners_dns::compose::{Response, ResponseFlags, compose};
use zoners_dns::message::TransferMessage;
use zoners_dns::{Name, OptRcode, RRset, Rtype, name, zonefile};
use zoners_zones::transfer::soa_request;
use zoners_zones::tsig::{TsigAlgorithm, TsigKey};

use super::client;

/// The apex of the zone.
const APEX: &str = "rpz.example";
const KEY: &str = "transfer.example";
const SECRET: &[u8] = b"sixteen octets or more";
const SECRET_BASE64: &str = "c2l4dGVlbiBvY3RldHMgb3IgbW9yZQ==";

/// A version of the zone: the serial and the records below the apex.
type ZoneVersion = (u32, Vec<String>);

/// A primary on a free port of 127.0.0.1, while the test lives.
#[derive(Clone)]
pub(crate) struct Primary {
    pub(crate) address: SocketAddr,
    /// The version before, and the present one.
    versions: Arc<Mutex<Vec<ZoneVersion>>>,
    /// The types of the requests so far.
    requests: Arc<Mutex<Vec<Rtype>>>,
}

impl Primary {
    /// A primary without a version, which refuses requests.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let primary = Primary { address, versions: Arc::default(), requests: Arc::default() };
        let own = primary.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A client that went away.
                let _ = own.serve(stream);
            }
        });
        primary
    }

    /// The tables of the zone and the key.
    pub(crate) fn tables(&self) -> String {
        format!(
            "[[zone]]\nzone = \"{APEX}\"\nprimaries = [\"{}\"]\ntsig-key = \"{KEY}\"\n\
             [[tsig-key]]\nname = \"{KEY}\"\nsecret = \"{SECRET_BASE64}\"\n",
            self.address
        )
    }

    /// Has this version from now on.
    pub(crate) fn has(&self, serial: u32, records: &[&str]) {
        let mut versions = self.versions.lock().unwrap();
        versions.push((serial, records.iter().copied().map(str::to_owned).collect()));
        let from = versions.len().saturating_sub(2);
        versions.drain(..from);
    }

    /// The types of the requests since the last call.
    pub(crate) fn take_requests(&self) -> Vec<Rtype> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    /// Tells a secondary that there is a new version; returns once the secondary has confirmed.
    pub(crate) fn notify(&self, secondary: SocketAddr) {
        let mut message = soa_request(&apex(), 77);
        // The opcode NOTIFY and AA (RFC 1996 section 3.7).
        message[2] = 4 << 3 | 0x04;
        key().sign_request(&mut message, now());
        let socket = client(secondary.ip());
        let mut reply = [0; 512];
        socket.send_to(&message, secondary).unwrap();
        let (octets, _) = socket.recv_from(&mut reply).unwrap();
        let reply = TransferMessage::parse(&reply[..octets]).unwrap();
        assert!(reply.header.qr() && reply.tsig.is_some());
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut request = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut request)?;
        let parsed = TransferMessage::parse(&request).unwrap();
        let mac = key().verify_request(&request, parsed.tsig.as_ref(), now()).unwrap();
        let question = parsed.question.unwrap();
        self.requests.lock().unwrap().push(question.rtype);
        let sets = self.answer(question.rtype);
        let mut reply = compose(&Response {
            question: &question,
            rcode: if sets.is_empty() { OptRcode::REFUSED } else { OptRcode::NOERROR },
            flags: ResponseFlags { aa: true, ..ResponseFlags::default() },
            answer: &sets,
            authority: &[],
            additional: &[],
            signatures: false,
        });
        reply[..2].copy_from_slice(&request[..2]);
        key().sign_reply(&mut reply, &mac, now());
        stream.write_all(&(reply.len() as u16).to_be_bytes())?;
        stream.write_all(&reply)
    }

    /// The records of the answer section, in the order of the transfer.
    fn answer(&self, rtype: Rtype) -> Vec<RRset> {
        let versions = self.versions.lock().unwrap();
        let Some((serial, records)) = versions.last() else { return Vec::new() };
        let present = soa(*serial);
        let lines = match (rtype, versions.as_slice()) {
            (Rtype::SOA, _) => vec![present],
            (Rtype::IXFR, [(former, earlier), _]) => {
                let only = |those: &[String], others: &[String]| -> Vec<String> {
                    those.iter().filter(|line| !others.contains(line)).cloned().collect()
                };
                [
                    vec![present.clone(), soa(*former)],
                    only(earlier, records),
                    vec![present.clone()],
                    only(records, earlier),
                    vec![present],
                ]
                .concat()
            }
            _ => [vec![present.clone()], records.clone(), vec![present]].concat(),
        };
        lines.iter().flat_map(|line| zonefile::parse(line, &apex()).unwrap()).collect()
    }
}

fn soa(serial: u32) -> String {
    format!("@ 3600 SOA ns host {serial} 3600 600 604800 60")
}

fn apex() -> Name {
    name::parse(APEX).unwrap()
}

fn key() -> TsigKey {
    TsigKey::new(&name::parse(KEY).unwrap(), TsigAlgorithm::HmacSha256, SECRET)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
