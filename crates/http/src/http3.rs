//! Requests of HTTP/3 (RFC 9114). The connections are not of this service: the caller admits clients and reads streams.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;

use hyper::header::{CONNECTION, CONTENT_LENGTH, DATE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Uri, Version};
use zoners_http3::{Field, JudgedRequest, append_answer};

use crate::ends::ConnectionEnds;
use crate::refusal::HttpRefusal;
use crate::site::HttpSite;
use crate::{HttpBody, HttpEvent, HttpResponse, Method};

impl HttpSite {
    /// Answers a request that has come whole, of a client with the names of its certificate; returns the octets of the stream.
    pub async fn answer_over_http3(
        self: Arc<Self>,
        request: JudgedRequest,
        (client, client_names): (SocketAddr, Arc<[String]>),
        local: IpAddr,
    ) -> Vec<u8> {
        let has_body = request.method != b"HEAD";
        let response = match into_request(request, self.limits.head_octets) {
            Ok(request) => {
                let ends = ConnectionEnds { client, client_names, tls: None, local };
                self.answer(request, ends).await
            }
            Err(refusal) => {
                self.count(HttpEvent::Request);
                self.count(HttpEvent::Refused);
                refusal.into_response()
            }
        };
        octets(response, has_body).await
    }
}

/// The request in the types of the service. The fields have the limit of the other versions.
fn into_request(request: JudgedRequest, most: usize) -> Result<Request<HttpBody>, HttpRefusal> {
    if request.fields.iter().map(Field::size).sum::<usize>() + request.path.len() > most {
        return Err(HttpRefusal::LongHead);
    }
    let malformed = |_| HttpRefusal::MalformedHead;
    let mut headers = HeaderMap::new();
    for Field { name, value } in request.fields {
        let name = HeaderName::from_bytes(&name).map_err(|_| HttpRefusal::MalformedHead)?;
        let value = HeaderValue::from_bytes(&value).map_err(|_| HttpRefusal::MalformedHead)?;
        headers.append(name, value);
    }
    if !headers.contains_key(HOST) {
        // Checks of the host read one field, whatever the version.
        let host = HeaderValue::from_bytes(&request.authority);
        headers.insert(HOST, host.map_err(|_| HttpRefusal::MalformedHead)?);
    }
    let uri = Uri::builder().scheme("https").authority(&request.authority[..]);
    let uri = uri.path_and_query(&request.path[..]).build().map_err(malformed)?;
    let mut made = Request::new(HttpBody::from(request.body));
    *made.method_mut() =
        Method::from_bytes(&request.method).map_err(|_| HttpRefusal::MalformedHead)?;
    *made.uri_mut() = uri;
    *made.version_mut() = Version::HTTP_3;
    *made.headers_mut() = headers;
    Ok(made)
}

/// The response as octets. An answer to HEAD tells no length (RFC 9110 section 9.3.2): aioquic waits for such a body.
async fn octets(response: HttpResponse, has_body: bool) -> Vec<u8> {
    let (head, mut body) = response.into_hyper().into_parts();
    let mut content = Vec::new();
    while let Some(piece) = body.next_piece().await {
        content.extend_from_slice(&piece);
    }
    let length = content.len().to_string();
    let date = httpdate::fmt_http_date(SystemTime::now());
    let own = [(DATE, date.as_bytes()), (CONTENT_LENGTH, length.as_bytes())];
    let own = if has_body { &own[..] } else { &own[..1] };
    // Fields of a connection have no place (RFC 9114 section 4.2).
    let fields = head.headers.iter().filter(|(name, _)| **name != CONNECTION);
    let fields = fields.map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
    let own = own.iter().map(|(name, value)| (name.as_str().as_bytes(), *value));
    let fields: Vec<(&[u8], &[u8])> = fields.chain(own).collect();
    let mut octets = Vec::new();
    let sent = if has_body { &content[..] } else { &[] };
    append_answer(head.status.as_u16(), &fields, sent, &mut octets);
    octets
}

#[cfg(test)]
mod tests;
