//! Requests and responses, a connection each.

use std::io::{Read, Write};

use serde_json::{Value, json};

use super::jose;

pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn read(stream: &mut impl Read) -> Option<Self> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut octet = [0];
            stream.read_exact(&mut octet).ok()?;
            head.push(octet[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        stream.read_exact(&mut body).ok()?;
        let mut words = head.split(' ');
        let (method, path) = (words.next()?.to_uppercase(), words.next()?.to_owned());
        Some(Request { method, path, body })
    }

    /// A part of the signed body, decoded; an empty object for an empty part.
    pub(crate) fn jws(&self, part: &str) -> Value {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        let octets = jose::decode(body[part].as_str().unwrap());
        serde_json::from_slice(&octets).unwrap_or_default()
    }
}

pub(crate) struct Response {
    status: u16,
    kind: &'static str,
    fields: String,
    body: String,
}

impl Response {
    pub(crate) fn json(status: u16, value: &Value) -> Self {
        let (kind, fields) = ("application/json", String::new());
        Response { status, kind, fields, body: value.to_string() }
    }

    pub(crate) fn page(status: u16, text: &str) -> Self {
        Response { status, kind: "text/html", fields: String::new(), body: text.to_owned() }
    }

    pub(crate) fn problem(status: u16, name: &str, detail: &str) -> Self {
        let kind = format!("urn:ietf:params:acme:error:{name}");
        let problem = Response::json(status, &json!({ "type": kind, "detail": detail }));
        Response { kind: "application/problem+json", ..problem }
    }

    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields += &format!("{name}: {value}\r\n");
        self
    }

    pub(crate) fn nonce(self, nonce: &str) -> Self {
        self.field("Replay-Nonce", nonce)
    }

    pub(crate) fn location(self, url: &str) -> Self {
        self.field("Location", url)
    }

    pub(crate) fn write(self, stream: &mut impl Write) {
        let Response { status, kind, fields, body } = self;
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{fields}\r\n"
        );
        // A client that has enough is gone.
        let _ = stream.write_all(format!("{head}{body}").as_bytes());
        let _ = stream.flush();
    }

    pub(crate) fn endless(stream: &mut impl Write) {
        let _ = stream.write_all(b"HTTP/1.1 200 x\r\nContent-Type: application/json\r\n\r\n");
        while stream.write_all(&[b'['; 4096]).is_ok() {}
    }
}
