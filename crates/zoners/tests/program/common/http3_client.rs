//! A client of HTTP/3 (RFC 9114) with one connection.

use std::net::SocketAddr;

use quinn_proto::{ConnectionError, Dir, StreamId};
use zoners_dns::Message;
use zoners_http3::{Field, append_fields, read_fields};

use super::quic_client::{QuicClient, QuicTrust};

/// The start of a control stream: its type, and empty settings.
const CONTROL: [u8; 3] = [0x00, 0x04, 0x00];

/// A connection to a server.
pub(crate) struct Http3Client(pub(crate) QuicClient);

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Http3Answer {
    pub(crate) status: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) body: Vec<u8>,
}

impl Http3Client {
    /// A connection with `dns.example`, which has this certificate.
    pub(crate) fn connect(chain: &str, server: SocketAddr) -> Result<Self, ConnectionError> {
        let client = QuicTrust::speaking(chain, b"h3").connect(server)?;
        Ok(Http3Client::begin(client))
    }

    /// Begins the control stream of a connection.
    pub(crate) fn begin(mut client: QuicClient) -> Self {
        client.put(Dir::Uni, &CONTROL, false);
        Http3Client(client)
    }

    /// Sends a request.
    pub(crate) fn send(&mut self, method: &str, path: &str, body: &[u8]) -> StreamId {
        let fields = [
            (":method", method),
            (":scheme", "https"),
            (":authority", "dns.example"),
            (":path", path),
        ];
        let message = [("content-type", "application/dns-message")];
        let fields = fields.iter().chain(message.iter().filter(|_| !body.is_empty()));
        let mut section = Vec::new();
        append_fields(
            fields.map(|(name, value)| (name.as_bytes(), value.as_bytes())),
            &mut section,
        );
        let data = if body.is_empty() { Vec::new() } else { frame(0x00, body) };
        self.0.put(Dir::Bi, &[frame(0x01, &section), data].concat(), true)
    }

    /// The answer to a request.
    pub(crate) fn answer(&mut self, stream: StreamId) -> Result<Http3Answer, ConnectionError> {
        let octets = self.0.octets(stream)?;
        let (section, rest) = content(&octets);
        let mut fields = read_fields(section).unwrap();
        let status = fields.remove(0);
        assert_eq!(status.name, b":status");
        let body = if rest.is_empty() { Vec::new() } else { content(rest).0.to_vec() };
        Ok(Http3Answer { status: String::from_utf8(status.value).unwrap(), fields, body })
    }

    /// The answer to GET.
    pub(crate) fn get(&mut self, path: &str) -> Result<Http3Answer, ConnectionError> {
        let stream = self.send("GET", path, &[]);
        self.answer(stream)
    }

    /// The response to a query, by POST to a path.
    pub(crate) fn ask(&mut self, path: &str, query: &[u8]) -> Result<Message, ConnectionError> {
        let stream = self.send("POST", path, query);
        let answer = self.answer(stream)?;
        assert_eq!(answer.status, "200", "{answer:?}");
        Ok(Message::parse(&answer.body.into()).unwrap())
    }
}

impl Http3Answer {
    /// The value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|field| field.name == name.as_bytes())?;
        std::str::from_utf8(&field.value).ok()
    }
}

fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = 0x4000 | content.len() as u16;
    [&[kind][..], &length.to_be_bytes(), content].concat()
}

/// The content of the first frame, and what follows.
fn content(octets: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = match octets[1] >> 6 {
        0 => (usize::from(octets[1]), &octets[2..]),
        _ => (usize::from(u16::from_be_bytes([octets[1] & 0x3F, octets[2]])), &octets[3..]),
    };
    rest.split_at(length)
}
