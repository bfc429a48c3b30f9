//! The HTTP service, for everything offered over HTTP; and requests as a client: [`fetch()`] for a few octets in the
//! clear, [`Download`] for a resource over HTTP or HTTPS, [`HttpCall`] for a request with a body.
//!
//! The service knows no DNS and no daemon. A table of [`Route`]s names the handlers. The service reads requests within
//! [`HttpLimits`], refuses requests of foreign web pages ([`HostNames`]), and hands the rest to the handler of the
//! route. [`HttpService`] has a separate thread: work over HTTP delays no answer to a DNS query.
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
mod connection_tls;
mod download;
mod ends;
mod event;
mod fetch;
mod host;
mod http2;
mod http3;
mod limits;
mod refusal;
mod request;
mod response;
mod route;
mod service;
mod site;
mod url;
mod within_tls;
mod write_timeout;

pub use body::{HttpBody, HttpBodyWriter};
pub use connection_tls::TlsSource;
pub use download::{
    Download, DownloadError, DownloadLimits, DownloadWait, Downloaded, HostAddresses, HttpCall,
    HttpReply, TlsClient, Validators, is_local,
};
pub use event::HttpEvent;
pub use fetch::{FetchedReply, fetch};
pub use host::HostNames;
pub use hyper::body::Bytes;
pub use hyper::header;
pub use hyper::{Method, StatusCode, Uri, Version};
pub use limits::HttpLimits;
pub use request::HttpRequest;
pub use response::HttpResponse;
pub use route::Route;
pub use service::{HttpListener, HttpService};
pub use site::{HttpReception, HttpSite};
pub use url::{HttpUrl, UrlHost};
