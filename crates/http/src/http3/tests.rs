use std::sync::Mutex;

use tokio::sync::Semaphore;
use zoners_http3::read_fields;

use super::*;
use crate::{HostNames, HttpLimits, HttpRequest, Route, StatusCode};

/// A site that answers with what has come, and the events there.
fn site() -> (Arc<HttpSite>, Arc<Mutex<Vec<HttpEvent>>>) {
    let events = Arc::<Mutex<Vec<HttpEvent>>>::default();
    let observed = events.clone();
    let route = |method| {
        Route::new(method, "/a", |request: HttpRequest| async move {
            let text = format!("{:?} {} {:?}", request.version, request.uri, request.body);
            HttpResponse::text(StatusCode::OK, &text)
        })
    };
    let routes = vec![route(Method::GET), route(Method::POST)];
    let observer = move |event| observed.lock().unwrap().push(event);
    let limits = HttpLimits { head_octets: 1000, body_octets: 4, ..HttpLimits::default() };
    let site = HttpSite::new(routes, limits, Arc::new(Semaphore::new(1)), observer);
    site.rename(HostNames::new(vec!["dns.example".into()]));
    (Arc::new(site), events)
}

fn request(method: &str, path: &str) -> JudgedRequest {
    JudgedRequest {
        method: method.into(),
        authority: b"dns.example".to_vec(),
        path: path.into(),
        fields: Vec::new(),
        body: Vec::new(),
    }
}

/// The fields of an answer without the date, and the body.
async fn answer(site: &Arc<HttpSite>, request: JudgedRequest) -> (Vec<String>, String) {
    let client = "192.0.2.7:1234".parse().unwrap();
    let local = "192.0.2.1".parse().unwrap();
    let octets = site.clone().answer_over_http3(request, (client, Arc::default()), local).await;
    let (section, rest) = frame(&octets);
    let fields = read_fields(section).unwrap().into_iter().map(|Field { name, value }| {
        [name, value].map(|octets| String::from_utf8(octets).unwrap()).join(": ")
    });
    let body = if rest.is_empty() { rest } else { frame(rest).0 };
    let fields = fields.filter(|field| !field.starts_with("date: ")).collect();
    (fields, String::from_utf8(body.to_vec()).unwrap())
}

/// The content of the first frame, and what follows.
fn frame(octets: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = match octets[1] >> 6 {
        0 => (usize::from(octets[1]), &octets[2..]),
        _ => (usize::from(u16::from_be_bytes([octets[1] & 0x3F, octets[2]])), &octets[3..]),
    };
    rest.split_at(length)
}

#[tokio::test]
async fn a_request_reaches_its_handler() {
    let (site, events) = site();
    let (fields, body) = answer(&site, request("GET", "/a?b=c")).await;
    let common = ["cache-control: no-store", "x-content-type-options: nosniff"];
    let length = format!("content-length: {}", body.len());
    let expected =
        [":status: 200", "content-type: text/plain; charset=utf-8", common[0], common[1], &length];
    assert_eq!(fields, expected);
    assert_eq!(body, "HTTP/3.0 https://dns.example/a?b=c b\"\"\n");
    let posted = JudgedRequest { body: b"body".to_vec(), ..request("POST", "/a") };
    assert_eq!(answer(&site, posted).await.1, "HTTP/3.0 https://dns.example/a b\"body\"\n");
    assert_eq!(*events.lock().unwrap(), [HttpEvent::Request; 2]);
}

#[tokio::test]
async fn an_answer_to_head_has_neither_body_nor_length() {
    let (site, _) = site();
    let (fields, body) = answer(&site, request("HEAD", "/a")).await;
    assert_eq!(fields[0], ":status: 200");
    assert!(!fields.iter().any(|field| field.starts_with("content-length")), "{fields:?}");
    assert_eq!(body, "");
}

#[tokio::test]
async fn refusals_are_those_of_every_version() {
    let (site, events) = site();
    let field = |name: &str, value: String| Field { name: name.into(), value: value.into() };
    let with = |fields: Vec<Field>| JudgedRequest { fields, ..request("GET", "/a") };
    // The path, and 32 octets with a name of one octet for each of two fields.
    let long = |octets: usize| {
        with(vec![field("a", "x".repeat(octets - 2 - 2 * 33)), field("b", String::new())])
    };
    for (request, status) in [
        (request("GET", "/b"), "404"),
        (request("PUT", "/a"), "405"),
        (JudgedRequest { authority: b"evil.example".to_vec(), ..request("GET", "/a") }, "421"),
        (with(vec![field("origin", "https://evil.example".into())]), "403"),
        (JudgedRequest { body: b"bodies".to_vec(), ..request("POST", "/a") }, "413"),
        (long(1000), "200"),
        (long(1001), "431"),
        (request("GET", "a b"), "400"),
        (request("G T", "/a"), "400"),
        (JudgedRequest { authority: b"a b".to_vec(), ..request("GET", "/a") }, "400"),
    ] {
        let shown = format!("{request:?}");
        let (fields, _) = answer(&site, request).await;
        assert_eq!(fields[0], format!(":status: {status}"), "{shown}");
        assert!(!fields.iter().any(|field| field.starts_with("connection")), "{shown}");
    }
    let refused =
        events.lock().unwrap().iter().filter(|event| **event == HttpEvent::Refused).count();
    assert_eq!(refused, 9);
}
