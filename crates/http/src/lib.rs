//! The HTTP service: everything that Zoners offers over HTTP goes through this one.
//!
//! The service knows no DNS and no daemon. It gets a table of [`Route`]s, reads requests within [`HttpLimits`], refuses
//! requests of foreign web pages ([`HostNames`]), and hands the rest to the handler of the route. It runs on a thread
//! of its own ([`HttpService`]), so that no work over HTTP delays an answer to a DNS query.
//!
//! ```
//! use zoners_http::{HttpResponse, Method, Route, StatusCode};
//!
//! let route = Route::new(Method::GET, "/hello", |_request| async {
//!     HttpResponse::text(StatusCode::OK, "hello")
//! });
//! assert_eq!(route.path(), "/hello");
//! ```

mod body;
mod connection;
mod event;
mod host;
mod limits;
mod refusal;
mod request;
mod response;
mod route;
mod service;
mod site;
mod write_timeout;

pub use body::HttpBody;
pub use event::HttpEvent;
pub use host::HostNames;
pub use hyper::header;
pub use hyper::{Method, StatusCode};
pub use limits::HttpLimits;
pub use request::HttpRequest;
pub use response::HttpResponse;
pub use route::Route;
pub use service::{HttpListener, HttpService};
pub use site::HttpSite;
