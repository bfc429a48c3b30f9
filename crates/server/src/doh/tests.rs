use proptest::prelude::*;
use zoners_dns::query::{QueryOptions, query as compose};
use zoners_dns::{Question, Rtype, name};
use zoners_http::Uri;
use zoners_http::header::HeaderMap;

use super::*;

fn request(method: Method, uri: &str, media_type: &str, body: &[u8]) -> HttpRequest {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::try_from(media_type).unwrap());
    HttpRequest {
        method,
        uri: Uri::try_from(uri).unwrap(),
        version: Version::HTTP_2,
        headers,
        body: body.to_vec().into(),
        client: "192.0.2.1:4000".parse().unwrap(),
        client_names: Default::default(),
    }
}

fn get(uri: &str) -> Result<Vec<u8>, DohRefusal> {
    query(&request(Method::GET, uri, "text/plain", b"")).map(Cow::into_owned)
}

fn post(media_type: &str, body: &[u8]) -> Result<Vec<u8>, DohRefusal> {
    query(&request(Method::POST, "/dns-query", media_type, body)).map(Cow::into_owned)
}

#[test]
fn the_examples_of_the_rfc_have_their_query() {
    // RFC 8484 section 4.1.1.
    let wire = get("/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB").unwrap();
    let question = Question::new(name::parse("www.example.com").unwrap(), Rtype::A);
    let options = QueryOptions { id: 0, recursion_desired: true, edns: false };
    assert_eq!(wire, compose(&question, options));
    assert_eq!(post("application/dns-message", &wire).unwrap(), wire);
    assert_eq!(post("Application/DNS-Message; a=b", &wire).unwrap(), wire);
    assert_eq!(get("/dns-query?a=b&dns=AAA-_w"), Ok(vec![0, 0, 0x3E, 0xFF]));
    assert_eq!(get("/dns-query?dns=AA=="), Ok(vec![0]), "padding is forgiven");
}

#[test]
fn a_request_without_a_query_is_refused() {
    for uri in ["/dns-query", "/dns-query?dn=AA", "/dns-query?dns=A", "/dns-query?dns=AA/_"] {
        assert_eq!(get(uri), Err(DohRefusal::Parameter), "{uri}");
    }
    assert_eq!(get("/dns-query?dns="), Err(DohRefusal::Empty));
    assert_eq!(post("application/dns-message", b""), Err(DohRefusal::Empty));
    for media_type in ["application/dns-json", "", "text/plain"] {
        assert_eq!(post(media_type, b"x"), Err(DohRefusal::MediaType), "{media_type}");
    }
    let mut old = request(Method::GET, "/dns-query?dns=AA", "", b"");
    old.version = Version::HTTP_11;
    assert_eq!(query(&old), Err(DohRefusal::Version));
    assert_eq!(DohRefusal::Version.into_response().status().as_u16(), 505);
}

#[test]
fn a_response_is_fresh_for_the_least_ttl() {
    let record =
        |ttl: u32| [&[0, 0, 1, 0, 1][..], &ttl.to_be_bytes(), &[0, 4, 192, 0, 2, 1]].concat();
    let reply = |ttls: &[u32]| {
        let mut reply = vec![0; 12];
        reply[7] = ttls.len() as u8;
        reply.extend(ttls.iter().flat_map(|ttl| record(*ttl)));
        let response = response(reply);
        response.field(&CACHE_CONTROL).map(str::to_owned).unwrap()
    };
    assert_eq!(reply(&[300, 60, 3600]), "max-age=60");
    assert_eq!(reply(&[0]), "max-age=0");
    assert_eq!(reply(&[]), "no-store");
}

proptest! {
    #[test]
    fn what_an_outsider_sends_never_panics(uri in "/[a-z]{0,4}(\\?[ -~&&[^#\\\\\"<>`{|}^]]{0,40})?", body in any::<Vec<u8>>()) {
        if let Ok(uri) = Uri::try_from(uri) {
            let mut request = request(Method::GET, "/", "a/b", &body);
            request.uri = uri;
            let _ = query(&request);
        }
        let _ = response(body);
    }
}
