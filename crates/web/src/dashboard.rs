//! The dashboard: its links and sessions, and the routes that need one.

use std::fmt;
use std::sync::Arc;

use maud::html;
use parking_lot::Mutex;
use tokio::time::Instant;
use zoners_api::{Admin, AdminAnswer, AdminError, AdminReply, AdminRequest, DashboardLink, answer};
use zoners_http::header::{CONTENT_TYPE, HeaderValue, ORIGIN, SET_COOKIE};
use zoners_http::{HttpRequest, HttpResponse, Method, Route, StatusCode};

use crate::access::{DashboardAccess, LINK_TIME, SESSION_TIME};
use crate::feed::Feed;
use crate::layout;
use crate::secrets::{SessionSecret, secret};

/// 32 octets that no program can guess.
pub type Randomness = Box<dyn Fn() -> [u8; 32] + Send + Sync>;

/// The cookie of a session.
const COOKIE: &str = "zoners-session";
/// The path of a link.
const ENTER: &str = "/enter";

/// The dashboard of a daemon.
pub struct Dashboard<A: Admin> {
    pub(crate) admin: Arc<A>,
    pub(crate) feed: Arc<Feed>,
    access: Mutex<DashboardAccess>,
    random: Randomness,
    host: String,
}

impl<A: Admin> Dashboard<A> {
    /// A dashboard; nobody is let in yet.
    #[must_use]
    pub fn new(admin: Arc<A>, random: Randomness) -> Arc<Self> {
        let digits = secret(random());
        let host = format!("zoners-{}.localhost", digits.get(..16).unwrap_or(&digits));
        Arc::new(Dashboard { admin, feed: Arc::default(), access: Mutex::default(), random, host })
    }

    /// The host in the links: a name of this machine (RFC 6761 section 6.3) that only the owner knows.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// A link for one use to the dashboard at a port.
    #[must_use]
    pub fn link(&self, port: u16) -> DashboardLink {
        let link = self.secret();
        self.access.lock().add_link(link.clone(), Instant::now());
        let url = format!("http://{}:{port}{ENTER}?link={link}", self.host);
        DashboardLink { url, valid_s: LINK_TIME.as_secs() as u32 }
    }

    /// A route for browsers with a session. A form must come from a page of the dashboard.
    pub(crate) fn route<F>(
        self: &Arc<Self>,
        method: Method,
        path: &'static str,
        handler: impl Fn(Arc<Self>, HttpRequest) -> F + Copy + Send + Sync + 'static,
    ) -> Route
    where
        F: Future<Output = HttpResponse> + Send + 'static,
    {
        let (dashboard, is_form) = (self.clone(), method == Method::POST);
        Route::new(method, path, move |request| {
            let dashboard = dashboard.clone();
            async move {
                // The HTTP service has compared Origin with Host.
                let is_foreign = is_form && !request.headers.contains_key(ORIGIN);
                match dashboard.admits(&request) {
                    true if !is_foreign => handler(dashboard, request).await,
                    _ => no_session(),
                }
            }
        })
    }

    /// Sends a request to the daemon.
    ///
    /// # Errors
    /// The daemon refuses the request, or it is none for a browser.
    pub(crate) async fn ask(&self, request: AdminRequest) -> Result<AdminReply, AdminError> {
        let refused = "this request is answered over the control socket alone";
        if !is_for_browsers(&request) {
            return Err(AdminError::invalid(refused));
        }
        match answer(&*self.admin, request, None).await {
            AdminAnswer::Reply(AdminReply::Error(error)) => Err(error),
            AdminAnswer::Reply(reply) => Ok(reply),
            AdminAnswer::Events(..) | AdminAnswer::HandOver(_) => Err(AdminError::invalid(refused)),
        }
    }

    /// Ends the session of a request.
    pub(crate) fn leave(&self, request: &HttpRequest) {
        if let Some(session) = request.cookie(COOKIE) {
            self.access.lock().leave(session);
        }
    }

    fn admits(&self, request: &HttpRequest) -> bool {
        let session = request.cookie(COOKIE);
        session.is_some_and(|session| self.access.lock().admits(session, Instant::now()))
    }

    fn secret(&self) -> SessionSecret {
        secret((self.random)())
    }

    /// The route that turns a link into a session.
    pub(crate) fn enter(self: &Arc<Self>) -> Route {
        let dashboard = self.clone();
        Route::new(Method::GET, ENTER, move |request| {
            let dashboard = dashboard.clone();
            async move {
                let (link, session) = (request.parameter("link"), dashboard.secret());
                let mut access = dashboard.access.lock();
                let enters = |link: String| access.enter(&link, session.clone(), Instant::now());
                if !link.is_some_and(enters) {
                    return no_session();
                }
                let cookie = format!(
                    "{COOKIE}={session}; HttpOnly; SameSite=Strict; Path=/; Max-Age={}",
                    SESSION_TIME.as_secs()
                );
                match HeaderValue::try_from(cookie) {
                    // A redirect from another site would come without the strict cookie.
                    Ok(cookie) => layout::entered().with(SET_COOKIE, cookie),
                    Err(_) => no_session(),
                }
            }
        })
    }

    /// The route for requests and replies of the administration, as over the control socket.
    pub(crate) fn requests(self: &Arc<Self>) -> Route {
        self.route(Method::POST, "/api", |dashboard, request| async move {
            let is_json =
                request.headers.get(CONTENT_TYPE).is_some_and(|of| of == "application/json");
            if !is_json {
                let text = "the body must be a request in JSON (Content-Type: application/json)";
                return HttpResponse::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
            }
            let reply = match AdminRequest::from_line(&request.body) {
                Ok(request) => dashboard.ask(request).await,
                Err(error) => Err(error),
            };
            match reply {
                Ok(reply) => HttpResponse::json(StatusCode::OK, &reply.to_line()),
                Err(error) => {
                    HttpResponse::json(StatusCode::BAD_REQUEST, &AdminReply::Error(error).to_line())
                }
            }
        })
    }
}

impl<A: Admin> fmt::Debug for Dashboard<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dashboard").finish_non_exhaustive()
    }
}

/// Whether the answer is a reply alone, and the request gives nothing out that outlasts the session.
fn is_for_browsers(request: &AdminRequest) -> bool {
    !matches!(
        request,
        AdminRequest::Watch(_)
            | AdminRequest::HandOver {}
            | AdminRequest::Dashboard {}
            | AdminRequest::Origin {}
            | AdminRequest::CacheDump {}
            | AdminRequest::CacheLoad {}
    )
}

/// The page for browsers without a session.
fn no_session() -> HttpResponse {
    let way = html! {
        p { "Type this in a terminal of this machine:" }
        pre { code { "zoners dashboard" } }
        p class="soft" { "The command opens a link that works once, for a minute." }
    };
    layout::bare(StatusCode::FORBIDDEN, "The dashboard is for the owner of the server", &way)
}

#[cfg(test)]
mod tests;
