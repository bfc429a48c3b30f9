//! Requests of DNS over HTTPS: a query is what the request has, and a response is fresh for no longer than a TTL allows.

use zoners_http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use zoners_http::{HttpRequest, Method, Uri, Version};
use zoners_server::doh;

/// An even first octet begins the query of an address, an odd one the content of a POST.
pub fn run(octets: &[u8]) {
    let Some((first, rest)) = octets.split_first() else { return };
    let is_get = first % 2 == 0;
    let of_address: &[u8] = if is_get { rest } else { b"" };
    let address = [&b"/dns-query?"[..], of_address].concat();
    let Ok(uri) = Uri::try_from(address) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/dns-message"));
    let request = HttpRequest {
        method: if is_get { Method::GET } else { Method::POST },
        uri,
        version: Version::HTTP_2,
        headers,
        body: rest.to_vec().into(),
        client: ([192, 0, 2, 1], 4000).into(),
        client_names: Default::default(),
    };
    if let Ok(query) = doh::query(&request) {
        assert!(!query.is_empty() && query.len() <= rest.len());
        assert!(is_get || *query == *rest);
    }
    let response = doh::response(rest.to_vec());
    let freshness = response.field(&CACHE_CONTROL).unwrap_or_default();
    let age = freshness.strip_prefix("max-age=").map(str::parse::<u32>);
    assert!(freshness == "no-store" || age.is_some_and(|age| age.is_ok()), "{freshness}");
}
