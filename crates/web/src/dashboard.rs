//! The dashboard: links, sessions, and the routes behind a session.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use maud::html;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use zoners_api::{Admin, AdminAnswer, AdminError, AdminReply, AdminRequest, DashboardLink, answer};
use zoners_http::header::{CONTENT_TYPE, HeaderValue, ORIGIN, SET_COOKIE};
use zoners_http::{HttpRequest, HttpResponse, Method, Route, StatusCode};

use crate::access::{DashboardAccess, LINK_TIME, SESSION_TIME};
use crate::feed::Feed;
use crate::keys::AccessKeys;
use crate::layout;
use crate::login_limits::{LoginLimits, LoginOutcome};
use crate::secrets::{SessionSecret, secret};

/// 32 octets that no program can guess.
pub type Randomness = Box<dyn Fn() -> [u8; 32] + Send + Sync>;

/// Takes note of attempts to log in.
pub type LoginObserver = Box<dyn Fn(IpAddr, LoginOutcome) + Send + Sync>;

/// The cookie of a session that a link has begun.
const COOKIE: &str = "zoners-session";
/// The cookie of a session that the password has begun: the browser holds it to this host, this path and TLS (RFC 6265bis
/// section 4.1.3.2).
pub(crate) const SECURE_COOKIE: &str = "__Host-zoners-session";
/// The path of the form for the password.
pub(crate) const LOGIN: &str = "/login";
/// The path of a link.
const ENTER: &str = "/enter";

/// The way into a dashboard. Each way has sessions of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// Links of the owner, for browsers of this machine.
    Link,
    /// The password, over a network and TLS.
    Password,
}

/// The dashboard of a daemon.
pub struct Dashboard<A: Admin> {
    pub(crate) admin: Arc<A>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) keys: Arc<AccessKeys>,
    pub(crate) logins: Mutex<LoginLimits>,
    /// The turn of a guess at the password.
    pub(crate) guessing: Semaphore,
    entrance: Entrance,
    access: Mutex<DashboardAccess>,
    random: Randomness,
    observer: Option<LoginObserver>,
    host: String,
}

impl<A: Admin> Dashboard<A> {
    /// A dashboard with links; nobody is let in yet.
    #[must_use]
    pub fn new(admin: Arc<A>, random: Randomness, keys: Arc<AccessKeys>) -> Arc<Self> {
        Dashboard::with_entrance(Entrance::Link, admin, random, keys, None)
    }

    /// A dashboard with this way in; attempts to log in are told to `observer`.
    #[must_use]
    pub fn with_entrance(
        entrance: Entrance,
        admin: Arc<A>,
        random: Randomness,
        keys: Arc<AccessKeys>,
        observer: Option<LoginObserver>,
    ) -> Arc<Self> {
        let digits = secret(random());
        let host = format!("zoners-{}.localhost", digits.get(..16).unwrap_or(&digits));
        Arc::new(Dashboard {
            admin,
            feed: Arc::default(),
            keys,
            logins: Mutex::default(),
            guessing: Semaphore::new(1),
            entrance,
            access: Mutex::default(),
            random,
            observer,
            host,
        })
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

    /// Ends every session, as after a change of the password.
    pub fn end_sessions(&self) {
        self.access.lock().end_sessions();
    }

    /// The way in.
    pub(crate) fn entrance(&self) -> Entrance {
        self.entrance
    }

    /// Begins a session, and returns the secret.
    pub(crate) fn begin_session(&self) -> SessionSecret {
        let session = self.secret();
        self.access.lock().add_session(session.clone(), Instant::now());
        session
    }

    pub(crate) fn observe_login(&self, client: IpAddr, outcome: LoginOutcome) {
        self.observer.iter().for_each(|observer| observer(client, outcome));
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
                    _ => dashboard.no_session(is_form),
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
        if request.scope().is_none() {
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
        if let Some(session) = request.cookie(self.cookie()) {
            self.access.lock().leave(session);
        }
    }

    fn admits(&self, request: &HttpRequest) -> bool {
        let session = request.cookie(self.cookie());
        session.is_some_and(|session| self.access.lock().admits(session, Instant::now()))
    }

    /// The name of the cookie of a session.
    fn cookie(&self) -> &'static str {
        match self.entrance {
            Entrance::Link => COOKIE,
            Entrance::Password => SECURE_COOKIE,
        }
    }

    /// The answer to a browser without a session: over a network, the way to the password.
    fn no_session(&self, is_form: bool) -> HttpResponse {
        match self.entrance {
            Entrance::Password if !is_form => layout::redirect(LOGIN),
            _ => no_session(),
        }
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
