//! The way in over a network: the password, over TLS alone.

use std::sync::Arc;

use maud::html;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use zoners_api::Admin;
use zoners_http::header::{HeaderValue, ORIGIN, SET_COOKIE};
use zoners_http::{HttpRequest, HttpResponse, Method, Route, StatusCode};

use crate::access::SESSION_TIME;
use crate::dashboard::{Dashboard, LOGIN, SECURE_COOKIE};
use crate::layout;
use crate::login_limits::LoginOutcome;

/// The form, and the route that looks at the password.
pub(crate) fn routes<A: Admin>(dashboard: &Arc<Dashboard<A>>) -> [Route; 2] {
    let form = Route::new(Method::GET, LOGIN, |_| async { form(StatusCode::OK, None) });
    let dashboard = dashboard.clone();
    let log_in = Route::new(Method::POST, LOGIN, move |request| {
        let dashboard = dashboard.clone();
        async move { log_in(&dashboard, &request).await }
    });
    [form, log_in]
}

async fn log_in<A: Admin>(dashboard: &Dashboard<A>, request: &HttpRequest) -> HttpResponse {
    let client = request.client.ip();
    // The HTTP service has compared Origin with Host.
    if !request.headers.contains_key(ORIGIN) {
        return form(StatusCode::FORBIDDEN, Some("The form must come from this page."));
    }
    if !dashboard.logins.lock().take(client, Instant::now()) {
        dashboard.observe_login(client, LoginOutcome::Limited);
        let text = "Too many attempts. Wait a minute, or type `zoners dashboard` on the machine of the server.";
        return form(StatusCode::TOO_MANY_REQUESTS, Some(text));
    }
    let password = request.field("password").unwrap_or_default();
    if !is_right(dashboard, password).await {
        dashboard.observe_login(client, LoginOutcome::Wrong);
        return form(StatusCode::FORBIDDEN, Some("That is not the password."));
    }
    dashboard.observe_login(client, LoginOutcome::Admitted);
    dashboard.logins.lock().forgive(client);
    let session = dashboard.begin_session();
    let seconds = SESSION_TIME.as_secs();
    let cookie = format!(
        "{SECURE_COOKIE}={session}; HttpOnly; Secure; SameSite=Strict; Path=/; Max-Age={seconds}"
    );
    match HeaderValue::try_from(cookie) {
        Ok(cookie) => layout::redirect("/").with(SET_COOKIE, cookie),
        Err(_) => form(StatusCode::INTERNAL_SERVER_ERROR, None),
    }
}

/// Whether this is the password. A guess takes 19 MiB: one at a time, on a thread beside the server's.
async fn is_right<A: Admin>(dashboard: &Dashboard<A>, password: String) -> bool {
    let Some(hash) = dashboard.keys.password() else { return false };
    let Ok(_turn) = dashboard.guessing.acquire().await else { return false };
    spawn_blocking(move || hash.is(&password)).await.unwrap_or(false)
}

fn form(status: StatusCode, told: Option<&str>) -> HttpResponse {
    let content = html! {
        @if let Some(told) = told { p class="bad" role="alert" { (told) } }
        form class="row" method="post" action=(LOGIN) {
            label { "Password" input type="password" name="password" required autofocus autocomplete="current-password"; }
            button class="main" { "Log in" }
        }
        p class="soft" { code { "zoners dashboard password" } " on the machine of the server sets the password." }
    };
    layout::bare(status, "Zoners", &content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::Entrance;
    use crate::keys::AccessKeys;
    use crate::password::PasswordHash;
    use crate::tests::{TestAdmin, browser};
    use crate::tokens::TokenBook;

    fn dashboard() -> Arc<Dashboard<TestAdmin>> {
        let hash = PasswordHash::new("correct horse", [7; 16]).unwrap();
        let keys = Arc::new(AccessKeys::new(TokenBook::default(), Some(hash)));
        let random = Box::new(|| [0xab; 32]);
        Dashboard::with_entrance(Entrance::Password, Arc::default(), random, keys, None)
    }

    #[tokio::test]
    async fn the_password_opens_a_session_for_this_host_over_tls() {
        let dashboard = dashboard();
        let away = browser::get(&dashboard, "/", None).await;
        assert_eq!(away.status, StatusCode::SEE_OTHER, "to the form");
        assert!(browser::get(&dashboard, LOGIN, None).await.body.contains("type=\"password\""));
        let send =
            |form: &'static str, origin| browser::post(&dashboard, LOGIN, form, None, origin);
        let foreign = send("password=correct+horse", false).await;
        assert_eq!((foreign.status, foreign.cookie), (StatusCode::FORBIDDEN, None));
        let wrong = send("password=correct+house", true).await;
        assert_eq!((wrong.status, wrong.cookie), (StatusCode::FORBIDDEN, None));
        let entered = send("password=correct+horse", true).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER);
        let cookie = entered.cookie.unwrap();
        assert!(cookie.starts_with("__Host-zoners-session="), "{cookie}");
        assert!(cookie.contains("; HttpOnly; Secure; SameSite=Strict; Path=/;"), "{cookie}");
        let session = cookie.split(';').next().unwrap().to_owned();
        assert_eq!(browser::get(&dashboard, "/", Some(&session)).await.status, StatusCode::OK);
        dashboard.end_sessions();
        assert_ne!(browser::get(&dashboard, "/", Some(&session)).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_client_that_guesses_is_stopped_before_the_password_is_looked_at() {
        let dashboard = dashboard();
        let send = |form: &'static str| browser::post(&dashboard, LOGIN, form, None, true);
        for _ in 0..5 {
            assert_eq!(send("password=x").await.status, StatusCode::FORBIDDEN);
        }
        let limited = send("password=correct+horse").await;
        assert_eq!((limited.status, limited.cookie), (StatusCode::TOO_MANY_REQUESTS, None));
        assert!(limited.body.contains("zoners dashboard"), "{}", limited.body);
    }

    #[test]
    fn a_link_is_no_way_in_over_a_network() {
        let dashboard = dashboard();
        assert!(dashboard.routes().iter().all(|route| route.path() != "/enter"));
    }
}
