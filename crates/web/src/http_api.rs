//! The HTTP API for programs: the requests of the control socket below `/api/v1`, each by its name.
//!
//! A program shows a token (RFC 6750 section 2.1). `POST /api/v1/policy-pause` has the fields of the request as JSON in
//! the body; `GET /api/v1/lookup?name=example.com&type=A` asks what changes nothing. The reply is that of the control
//! socket. `GET /api/v1/openapi.json` describes all of that.

use std::sync::Arc;

use serde_json::{Map, Value};
use zoners_api::{
    Admin, AdminError, AdminErrorKind, AdminReply, AdminRequest, OPENAPI, TokenScope,
};
use zoners_http::header::{ALLOW, AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use zoners_http::{HttpRequest, HttpResponse, Method, Route, StatusCode};

use crate::dashboard::Dashboard;

/// Fields of requests that are numbers in JSON; parameters of an address are texts.
const NUMBERS: [&str; 6] = ["seconds", "at_s", "since_s", "until_s", "limit", "skip"];
/// Fields of requests that are true or false in JSON.
const FLAGS: [&str; 6] = ["classic", "subtree", "review", "failures", "failed", "trial"];

/// A route for each request, and the description.
pub(crate) fn routes<A: Admin>(dashboard: &Arc<Dashboard<A>>) -> Vec<Route> {
    let description = Route::new(Method::GET, "/api/v1/openapi.json", |_| async {
        HttpResponse::new(StatusCode::OK, "application/json", OPENAPI)
    });
    let of_kind = |kind: &'static str| {
        [Method::GET, Method::POST].map(|method| route(dashboard, method, kind))
    };
    AdminRequest::KINDS.iter().flat_map(|kind| of_kind(kind)).chain([description]).collect()
}

fn route<A: Admin>(dashboard: &Arc<Dashboard<A>>, method: Method, kind: &'static str) -> Route {
    let dashboard = dashboard.clone();
    Route::new(method, format!("/api/v1/{kind}"), move |request| {
        let dashboard = dashboard.clone();
        async move { answer(&dashboard, kind, &request).await }
    })
}

async fn answer<A: Admin>(
    dashboard: &Dashboard<A>,
    kind: &str,
    request: &HttpRequest,
) -> HttpResponse {
    let Some(scope) = bearer(request).and_then(|token| dashboard.keys.scope_of(token)) else {
        let text = "show a token (Authorization: Bearer …); `zoners token create` makes one";
        return HttpResponse::text(StatusCode::UNAUTHORIZED, text)
            .with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    };
    let wanted = match read(kind, request) {
        Ok(wanted) => wanted,
        Err(error) => return failed(error),
    };
    match wanted.scope() {
        None => {
            let text = "this request is answered over the control socket alone";
            return failed(AdminError::new(AdminErrorKind::Forbidden, text));
        }
        Some(needed) if needed > scope => {
            let text = format!(
                "the token has the scope {}; this request needs {}",
                scope.name(),
                needed.name()
            );
            return failed(AdminError::new(AdminErrorKind::Forbidden, text));
        }
        Some(needed) if needed > TokenScope::Read && request.method != Method::POST => {
            let text = "this request changes the server: send it with POST";
            // RFC 9110 section 15.5.6: with the methods that are allowed.
            return HttpResponse::text(StatusCode::METHOD_NOT_ALLOWED, text)
                .with(ALLOW, HeaderValue::from_static("POST"));
        }
        Some(_) => {}
    }
    match dashboard.ask(wanted).await {
        Ok(reply) => HttpResponse::json(StatusCode::OK, &reply.to_line()),
        Err(error) => failed(error),
    }
}

/// The token of a request.
fn bearer(request: &HttpRequest) -> Option<&str> {
    let field = request.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = field.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

/// The request of a kind with the fields of the body, or of the address.
fn read(kind: &str, request: &HttpRequest) -> Result<AdminRequest, AdminError> {
    let mut object = match request.method == Method::POST && !request.body.is_empty() {
        true => serde_json::from_slice::<Map<String, Value>>(&request.body).map_err(|error| {
            let text = format!("the body must be an object in JSON: {error}");
            AdminError::new(AdminErrorKind::MalformedRequest, text)
        })?,
        false => request.parameters().map(parameter).collect(),
    };
    object.insert("do".to_owned(), Value::from(kind));
    AdminRequest::from_line(Value::Object(object).to_string().as_bytes())
}

/// A parameter as a field in JSON. What should be a number and is none stays a text, and is refused later.
fn parameter((name, text): (String, String)) -> (String, Value) {
    let read = match &*name {
        name if NUMBERS.contains(&name) => text.parse::<u64>().ok().map(Value::from),
        name if FLAGS.contains(&name) => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    (name, read.unwrap_or(Value::from(text)))
}

fn failed(error: AdminError) -> HttpResponse {
    let status = match error.kind {
        AdminErrorKind::Forbidden => StatusCode::FORBIDDEN,
        AdminErrorKind::Failed | AdminErrorKind::UnexpectedReply | AdminErrorKind::Other => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        AdminErrorKind::UnknownVersion
        | AdminErrorKind::UnknownRequest
        | AdminErrorKind::MalformedRequest
        | AdminErrorKind::InvalidArgument => StatusCode::BAD_REQUEST,
    };
    HttpResponse::json(status, &AdminReply::Error(error).to_line())
}

#[cfg(test)]
mod tests;
