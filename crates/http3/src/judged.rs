//! The judgement of a request's fields (RFC 9114 section 4.2 and 4.3).

use crate::{Field, Http3Fault, Request};

/// Fields that speak of a connection of HTTP/1.1 (RFC 9114 section 4.2).
const OF_CONNECTIONS: [&[u8]; 5] =
    [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"];

/// A request whose fields are well-formed. `CONNECT` is none: no tunnel leads through a server of DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedRequest {
    /// `:method`, not empty.
    pub method: Vec<u8>,
    /// `:authority`, or the field `host` without one; not empty.
    pub authority: Vec<u8>,
    /// `:path` with its query, not empty.
    pub path: Vec<u8>,
    /// The fields that are no pseudo-fields, in their order.
    pub fields: Vec<Field>,
    /// The body, empty without one.
    pub body: Vec<u8>,
}

impl JudgedRequest {
    /// Octets in memory; at most [`MAX_SECTION`](crate::MAX_SECTION) twice and [`MAX_BODY`](crate::MAX_BODY).
    pub fn held(&self) -> usize {
        let fields: usize = self.fields.iter().map(Field::size).sum();
        self.method.len() + self.authority.len() + self.path.len() + fields + self.body.len()
    }
}

/// The pseudo-fields as far as they have come.
#[derive(Default)]
struct Pseudo {
    method: Option<Vec<u8>>,
    scheme: Option<Vec<u8>>,
    authority: Option<Vec<u8>>,
    path: Option<Vec<u8>>,
}

impl Request {
    /// Judges the fields.
    ///
    /// # Errors
    ///
    /// [`Http3Fault::Message`] for fields that are malformed, and for a body of another length than the fields tell.
    pub fn judge(self) -> Result<JudgedRequest, Http3Fault> {
        let (mut pseudo, mut fields) = (Pseudo::default(), Vec::new());
        for field in self.fields {
            judge_octets(&field)?;
            if !field.name.starts_with(b":") {
                judge_field(&field, self.body.len())?;
                fields.push(field);
            } else if fields.is_empty() {
                pseudo.take(field)?;
            } else {
                // Pseudo-fields come first (RFC 9114 section 4.3).
                return Err(Http3Fault::Message);
            }
        }
        if pseudo.scheme.is_none_or(|scheme| !scheme.eq_ignore_ascii_case(b"https")) {
            return Err(Http3Fault::Message);
        }
        let method = present(pseudo.method)?;
        if method == b"CONNECT" {
            return Err(Http3Fault::Message);
        }
        let authority = authority(pseudo.authority, &fields)?;
        Ok(JudgedRequest {
            method,
            authority,
            path: present(pseudo.path)?,
            fields,
            body: self.body,
        })
    }
}

impl Pseudo {
    /// Each pseudo-field of a request comes once, and there are no others (RFC 9114 section 4.3.1).
    fn take(&mut self, field: Field) -> Result<(), Http3Fault> {
        let place = match &field.name[..] {
            b":method" => &mut self.method,
            b":scheme" => &mut self.scheme,
            b":authority" => &mut self.authority,
            b":path" => &mut self.path,
            _ => return Err(Http3Fault::Message),
        };
        if place.replace(field.value).is_none() { Ok(()) } else { Err(Http3Fault::Message) }
    }
}

/// Names are tokens in lower case; values neither break lines nor begin or end with a space (RFC 9114 section 10.3).
fn judge_octets(field: &Field) -> Result<(), Http3Fault> {
    let name = field.name.strip_prefix(b":").unwrap_or(&field.name);
    let is_name = !name.is_empty() && name.iter().all(|octet| is_token(*octet));
    let breaks = field.value.iter().any(|octet| matches!(octet, 0 | b'\r' | b'\n'));
    let is_padded = field.value.trim_ascii().len() != field.value.len();
    if is_name && !breaks && !is_padded { Ok(()) } else { Err(Http3Fault::Message) }
}

/// The characters of a name (RFC 9110 section 5.6.2) without upper case.
fn is_token(octet: u8) -> bool {
    octet.is_ascii_lowercase() || octet.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&octet)
}

fn judge_field(field: &Field, body: usize) -> Result<(), Http3Fault> {
    let is_right = match &field.name[..] {
        b"te" => field.value.eq_ignore_ascii_case(b"trailers"),
        b"content-length" => {
            let digits = field.value.iter().all(u8::is_ascii_digit);
            let length = std::str::from_utf8(&field.value).ok().and_then(|text| text.parse().ok());
            digits && length == Some(body)
        }
        name => !OF_CONNECTIONS.contains(&name),
    };
    if is_right { Ok(()) } else { Err(Http3Fault::Message) }
}

/// The authority; `host` says the same where both are sent (RFC 9114 section 4.3.1).
fn authority(pseudo: Option<Vec<u8>>, fields: &[Field]) -> Result<Vec<u8>, Http3Fault> {
    let mut hosts = fields.iter().filter(|field| field.name == b"host").map(|field| &field.value);
    let host = hosts.next();
    let differs = pseudo.iter().zip(host).any(|(authority, host)| authority != host);
    if differs || hosts.next().is_some() {
        return Err(Http3Fault::Message);
    }
    present(pseudo.or_else(|| host.cloned()))
}

fn present(value: Option<Vec<u8>>) -> Result<Vec<u8>, Http3Fault> {
    value.filter(|value| !value.is_empty()).ok_or(Http3Fault::Message)
}
