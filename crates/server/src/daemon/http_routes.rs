//! The routes of the HTTP service.

use std::sync::Arc;

use parking_lot::Mutex;
use zoners_api::{Admin, DaemonHealth, to_line};
use zoners_dns::Network;
use zoners_http::{HttpRequest, HttpResponse, Method, Route, StatusCode};

use super::overseer::Overseer;

/// A status is made at most once in this time, since it takes locks that workers need.
const HEALTH_PERIOD_MS: u64 = 1000;

/// Everything that the daemon offers over HTTP.
pub(super) fn routes<N: Network>(overseer: &Arc<Overseer<N>>) -> Vec<Route> {
    let overseer = overseer.clone();
    let last = Mutex::<Option<(u64, DaemonHealth)>>::default();
    let health = move |request: HttpRequest| {
        let now = overseer.service().worker().shared().now().as_millis();
        let mut last = last.lock();
        let recent = last.take().filter(|(at, _)| now.saturating_sub(*at) < HEALTH_PERIOD_MS);
        let (_, health) =
            last.insert(recent.unwrap_or_else(|| (now, DaemonHealth::of(&overseer.status()))));
        let response = show(health, request.accepts_json());
        async move { response }
    };
    vec![Route::new(Method::GET, "/health", health)]
}

/// `ok`, or the problems for which names are not resolved, each in a line; or both as JSON.
fn show(health: &DaemonHealth, json: bool) -> HttpResponse {
    let code = match health.healthy {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    if json {
        return HttpResponse::json(code, &to_line(health));
    }
    let problems: Vec<&str> = health.problems.iter().map(|problem| &*problem.text).collect();
    match health.healthy {
        true => HttpResponse::text(code, "ok"),
        false => HttpResponse::text(code, &problems.join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_api::{DaemonStatus, NetworkReport, ValidationReport};

    #[test]
    fn health_is_what_status_says_for_people_and_for_programs() {
        let network = |down| NetworkReport { down, ..NetworkReport::default() };
        let status = |down| {
            let listen = vec!["127.0.0.1:53".to_owned()];
            let validation = ValidationReport { on: true, ..ValidationReport::default() };
            let network = network(down);
            DaemonStatus { listen, validation, network, ..DaemonStatus::default() }.with_problems()
        };
        let show =
            |down, json| format!("{:?}", super::show(&DaemonHealth::of(&status(down)), json));
        let well = show(false, false);
        assert!(well.contains("status: 200") && well.contains("b\"ok\\n\""), "{well}");
        let well = show(false, true);
        assert!(well.contains("\\\"healthy\\\":true,\\\"problems\\\":[]"), "{well}");
        let ill = show(true, false);
        let reason = "No server on the Internet responds";
        assert!(ill.contains("status: 503") && ill.contains(reason), "{ill}");
        let ill = show(true, true);
        assert!(ill.contains("\\\"healthy\\\":false") && ill.contains(reason), "{ill}");
    }
}
