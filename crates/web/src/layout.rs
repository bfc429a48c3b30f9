//! The frame of each page.

use maud::{DOCTYPE, Markup, html};
use zoners_http::header::{
    CONTENT_SECURITY_POLICY, HeaderValue, LOCATION, REFERRER_POLICY, REFRESH, X_FRAME_OPTIONS,
};
use zoners_http::{HttpResponse, StatusCode};

use crate::assets;

/// Everything comes from the dashboard itself, and no foreign page frames the dashboard.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Other sites learn nothing. Under `no-referrer` a browser would send a form with the origin `null` (Fetch, "append a
/// request Origin header").
const REFERRER: &str = "same-origin";

/// The pages in the navigation: path, title.
const PAGES: [(&str, &str); 8] = [
    ("/", "Overview"),
    ("/queries", "Queries"),
    ("/why", "Why"),
    ("/lookup", "Look up"),
    ("/servers", "Servers"),
    ("/policy", "Policy"),
    ("/network", "Network"),
    ("/settings", "Settings"),
];

/// How a page keeps up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refresh {
    /// The script fetches the page again every few seconds.
    Often,
    /// The page stays as it is.
    Never,
}

/// A page in the frame. `path` marks the page in the navigation.
pub(crate) fn page(path: &str, refresh: Refresh, content: &Markup) -> HttpResponse {
    let title = PAGES.iter().find(|(known, _)| *known == path).map_or("Zoners", |(_, title)| title);
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body {
                a class="skip" href="#content" { "To the content" }
                header {
                    span class="brand" { "Zoners" }
                    nav aria-label="Pages" {
                        @for (known, title) in PAGES {
                            a href=(known) aria-current=[(known == path).then_some("page")] { (title) }
                        }
                    }
                    form method="post" action="/leave" { button class="plain" { "Log out" } }
                }
                main id="content" tabindex="-1" data-refresh=[(refresh == Refresh::Often).then_some("5")] { (content) }
            }
        }
    };
    respond(StatusCode::OK, whole)
}

/// A page without the navigation, for browsers without a session.
pub(crate) fn bare(status: StatusCode, title: &str, content: &Markup) -> HttpResponse {
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body { main id="content" { h1 { (title) } (content) } }
        }
    };
    respond(status, whole)
}

/// The way to another page, after a form.
pub(crate) fn redirect(path: &str) -> HttpResponse {
    // Paths of the dashboard have no octets that a field cannot have.
    let path = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    HttpResponse::text(StatusCode::SEE_OTHER, "")
        .with(LOCATION, path)
        .with(REFERRER_POLICY, HeaderValue::from_static(REFERRER))
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " – Zoners" }
            link rel="icon" href=(assets::ICON);
            link rel="stylesheet" href=(assets::STYLE);
            script type="module" src=(assets::SCRIPT) {}
        }
    }
}

fn respond(status: StatusCode, page: Markup) -> HttpResponse {
    HttpResponse::new(status, "text/html; charset=utf-8", page.into_string())
        .with(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))
        .with(REFERRER_POLICY, HeaderValue::from_static(REFERRER))
        .with(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"))
}

/// The page behind a link. The browser goes on by itself to the overview: the next request is of the same site, so that
/// the strict cookie comes along.
pub(crate) fn entered() -> HttpResponse {
    let way = html! { p { a href="/" { "To the overview" } } };
    let refresh = HeaderValue::from_static("0; url=/");
    bare(StatusCode::OK, "Welcome", &way).with(REFRESH, refresh)
}
