//! The pages for an ACME server.

use std::sync::Arc;

use tokio::sync::Semaphore;
use zoners_acme::HttpChallenges;
use zoners_http::{
    HostNames, HttpEvent, HttpLimits, HttpRequest, HttpResponse, HttpSite, Method, Route,
    StatusCode,
};

use super::AcmeState;

impl AcmeState {
    /// A site with the pages of the order under way, and nothing else.
    pub(in crate::daemon) fn site(
        &self,
        descriptors: Arc<Semaphore>,
        observer: impl Fn(HttpEvent) + Send + Sync + 'static,
    ) -> HttpSite {
        let pages = self.pages.clone();
        let answer = move |request: HttpRequest| {
            let page = pages.page(request.uri.path());
            async move {
                match page {
                    Some(page) => {
                        HttpResponse::new(StatusCode::OK, "application/octet-stream", page)
                    }
                    None => HttpResponse::text(StatusCode::NOT_FOUND, "There is no such page."),
                }
            }
        };
        let folder = HttpChallenges::PATH.trim_end_matches('/');
        let routes = vec![Route::new(Method::GET, folder, answer).with_below()];
        let site = HttpSite::new(routes, limits(), descriptors, observer);
        // The name in the request is that of the certificate.
        site.rename(HostNames::any());
        site
    }
}

/// The limits of the pages, which only an ACME server needs: a few small requests of each of its places.
fn limits() -> HttpLimits {
    HttpLimits {
        connections: 16,
        client_connections: 4,
        body_octets: 0,
        requests: 8,
        ..HttpLimits::default()
    }
}
