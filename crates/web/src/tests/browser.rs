//! Requests as a browser sends them.

use std::sync::Arc;

use zoners_http::header::{
    ALLOW, AUTHORIZATION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName,
    HeaderValue, ORIGIN, SET_COOKIE,
};
use zoners_http::{Bytes, HttpBody, HttpRequest, HttpResponse, Method, StatusCode};

use super::TestAdmin;
use crate::dashboard::Dashboard;

/// A response, read to the end.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) cookie: Option<String>,
    /// The Content-Security-Policy; empty without one.
    pub(crate) policy: String,
    /// The allowed methods; empty without the field.
    pub(crate) allow: String,
    pub(crate) body: String,
}

/// A response without an end.
#[derive(Debug)]
pub(crate) struct EventBody(HttpBody);

impl EventBody {
    pub(crate) async fn next(&mut self) -> Option<String> {
        let piece = self.0.next_piece().await?;
        Some(String::from_utf8(piece.to_vec()).unwrap())
    }
}

/// Opens a page, with the cookie of a session.
pub(crate) async fn get(of: &Arc<Dashboard<TestAdmin>>, path: &str, session: Option<&str>) -> Page {
    read(send(of, Method::GET, path, session, &[], "").await).await
}

/// Sends a form; from a page of the dashboard, or without an origin.
pub(crate) async fn post(
    of: &Arc<Dashboard<TestAdmin>>,
    path: &str,
    form: &str,
    session: Option<&str>,
    has_origin: bool,
) -> Page {
    let origin = [(ORIGIN, "http://localhost:5380")];
    let fields = if has_origin { &origin[..] } else { &[] };
    read(send(of, Method::POST, path, session, fields, form).await).await
}

/// Sends a request of the administration.
pub(crate) async fn api(of: &Arc<Dashboard<TestAdmin>>, body: &str, session: Option<&str>) -> Page {
    let fields = [(ORIGIN, "http://localhost:5380"), (CONTENT_TYPE, "application/json")];
    read(send(of, Method::POST, "/api", session, &fields, body).await).await
}

/// Sends a request of a program with a token.
pub(crate) async fn program(
    of: &Arc<Dashboard<TestAdmin>>,
    method: Method,
    path: &str,
    token: &str,
    body: &str,
) -> Page {
    let field = format!("Bearer {token}");
    read(send(of, method, path, None, &[(AUTHORIZATION, &field)], body).await).await
}

/// Opens a stream of events.
pub(crate) async fn stream(of: &Arc<Dashboard<TestAdmin>>, path: &str, session: &str) -> EventBody {
    EventBody(send(of, Method::GET, path, Some(session), &[], "").await.into_body())
}

/// Uses a link, and gives the cookie of the session.
pub(crate) async fn enter(of: &Arc<Dashboard<TestAdmin>>) -> String {
    let url = of.link(5380).url;
    let (_, path) = url.split_once(":5380").unwrap();
    let entered = get(of, path, None).await;
    entered.cookie.unwrap().split(';').next().unwrap().to_owned()
}

async fn send(
    of: &Arc<Dashboard<TestAdmin>>,
    method: Method,
    path: &str,
    session: Option<&str>,
    fields: &[(HeaderName, &str)],
    body: &str,
) -> HttpResponse {
    let session = session.map(|session| (COOKIE, session));
    let fields = fields.iter().cloned().chain(session);
    let value = |text: &str| HeaderValue::try_from(text.to_owned()).unwrap();
    let headers: HeaderMap = fields.map(|(name, text)| (name, value(text))).collect();
    let client = "127.0.0.1:1234".parse().unwrap();
    let (uri, version) = (path.parse().unwrap(), zoners_http::Version::HTTP_11);
    let (body, client_names) = (Bytes::from(body.to_owned()), Default::default());
    let of_request = method.clone();
    let request =
        HttpRequest { method: of_request, uri, version, headers, body, client, client_names };
    let path = request.uri.path().to_owned();
    let routes = of.routes();
    let route = routes.iter().find(|route| *route.method() == method && route.path() == path);
    route.unwrap_or_else(|| panic!("{method} {path}")).answer(request).await
}

async fn read(response: HttpResponse) -> Page {
    let (status, cookie) = (response.status(), response.field(&SET_COOKIE).map(str::to_owned));
    let policy = response.field(&CONTENT_SECURITY_POLICY).unwrap_or_default().to_owned();
    let allow = response.field(&ALLOW).unwrap_or_default().to_owned();
    let (mut body, mut octets) = (response.into_body(), Vec::new());
    while let Some(piece) = body.next_piece().await {
        octets.extend_from_slice(&piece);
    }
    Page { status, cookie, policy, allow, body: String::from_utf8(octets).unwrap() }
}
