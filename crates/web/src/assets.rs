//! Style, script and icon. The files hold nothing of the daemon and need no session.

use zoners_http::header::{CACHE_CONTROL, HeaderValue};
use zoners_http::{HttpResponse, Method, Route, StatusCode};

/// The path of the style sheet.
pub(crate) const STYLE: &str = "/style.css";
/// The path of the script.
pub(crate) const SCRIPT: &str = "/live.js";

/// The path of the icon.
pub(crate) const ICON: &str = "/icon.svg";

/// The routes of style, script and icon.
pub(crate) fn routes() -> [Route; 3] {
    [
        route(STYLE, "text/css; charset=utf-8", include_str!("assets/style.css")),
        route(SCRIPT, "text/javascript; charset=utf-8", include_str!("assets/live.js")),
        route(ICON, "image/svg+xml", include_str!("assets/icon.svg")),
    ]
}

fn route(path: &'static str, content_type: &'static str, text: &'static str) -> Route {
    Route::new(Method::GET, path, move |_| async move {
        // A new release has another script at the same path.
        let caching = HeaderValue::from_static("no-cache");
        HttpResponse::new(StatusCode::OK, content_type, text).with(CACHE_CONTROL, caching)
    })
}
