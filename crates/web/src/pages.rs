//! The pages, and the forms in them.

mod decision;
mod lookup;
mod network;
mod overview;
mod policy;
mod queries;
mod rule;
mod servers;
mod settings;
mod why;

use std::sync::Arc;

use maud::{Markup, html};
use zoners_api::{Admin, AdminError, AdminRequest};
use zoners_http::{HttpRequest, HttpResponse, Method, Route, StatusCode};

use crate::dashboard::Dashboard;
use crate::layout::{self, Refresh};

/// The routes of pages and forms.
pub(crate) fn routes<A: Admin>(dashboard: &Arc<Dashboard<A>>) -> Vec<Route> {
    let mut routes = vec![
        dashboard.route(Method::GET, "/", |dashboard, _| async move {
            let admin = &*dashboard.admin;
            let content = overview::content(&admin.status(), &admin.day(), &admin.policy_lists());
            layout::page("/", Refresh::Often, &content)
        }),
        dashboard.route(Method::GET, "/lookup", |dashboard, request| async move {
            layout::page("/lookup", Refresh::Never, &lookup::content(&dashboard, &request).await)
        }),
        dashboard.route(Method::GET, "/why", |dashboard, request| async move {
            layout::page("/why", Refresh::Never, &why::content(&dashboard, &request).await)
        }),
        dashboard.route(Method::GET, "/servers", |dashboard, request| async move {
            let zone = request.parameter("zone").filter(|zone| !zone.is_empty());
            let servers = dashboard.admin.servers(zone.as_deref());
            layout::page("/servers", Refresh::Often, &servers::content(zone.as_deref(), servers))
        }),
        dashboard.route(Method::GET, "/network", |dashboard, _| async move {
            let admin = &*dashboard.admin;
            let content = network::content(&admin.status(), &admin.networks());
            layout::page("/network", Refresh::Often, &content)
        }),
        dashboard.route(Method::GET, "/settings", |dashboard, _| async move {
            let admin = &*dashboard.admin;
            let content = settings::content(&admin.status(), &admin.settings());
            layout::page("/settings", Refresh::Often, &content)
        }),
        dashboard.route(Method::POST, "/leave", |dashboard, request| async move {
            dashboard.leave(&request);
            layout::redirect("/")
        }),
    ];
    routes.extend(queries::routes(dashboard));
    routes.extend(rule::routes(dashboard));
    routes.extend(policy::routes(dashboard));
    routes
}

/// A form: a request to the daemon, and the way back to the page.
fn form<A: Admin>(
    dashboard: &Arc<Dashboard<A>>,
    path: &'static str,
    request: fn(&HttpRequest) -> Result<(AdminRequest, &'static str), AdminError>,
) -> Route {
    dashboard.route(Method::POST, path, move |dashboard, form| async move {
        let sent = match request(&form) {
            Ok((request, page)) => dashboard.ask(request).await.map(|_| page),
            Err(error) => Err(error),
        };
        match sent {
            Ok(page) => layout::redirect(page),
            Err(error) => refused(&error),
        }
    })
}

/// The page after a request that the daemon refused.
fn refused(error: &AdminError) -> HttpResponse {
    let way = html! {
        p class="bad" { (error.message) }
        p { "Go back, and try again." }
    };
    layout::bare(StatusCode::BAD_REQUEST, "The server refused that", &way)
}

/// An error in the place of a table.
fn failure(error: &AdminError) -> Markup {
    html! { p class="bad" role="alert" { (error.message) } }
}

/// A text as a value in an address.
fn percent(text: &str) -> String {
    let octet = |octet: u8| match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
            char::from(octet).to_string()
        }
        _ => format!("%{octet:02X}"),
    };
    text.bytes().map(octet).collect()
}

/// Texts in a row, or a word for none.
fn list(texts: &[String], none: &str) -> String {
    match texts {
        [] => none.to_owned(),
        _ => texts.join(", "),
    }
}
