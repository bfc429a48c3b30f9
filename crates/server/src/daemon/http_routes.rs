//! The routes of the HTTP service: health, readiness and metrics. None of them asks a server.

use std::sync::Arc;

use parking_lot::Mutex;
use zoners_api::{Admin, DaemonHealth, DaemonStatus, to_line};
use zoners_dns::{Moment, Network};
use zoners_http::header::ACCEPT;
use zoners_http::{HttpRequest, HttpResponse, Method, Route, StatusCode};
use zoners_telemetry::metrics::MetricsFormat;

use super::overseer::Overseer;

/// A status is made at most once in this time, since it takes locks that workers need.
const STATUS_PERIOD_MS: u64 = 1000;

/// Everything that the daemon offers over HTTP.
pub(super) fn routes<N: Network>(overseer: &Arc<Overseer<N>>) -> Vec<Route> {
    let recent = Arc::new(RecentStatus { overseer: overseer.clone(), last: Mutex::default() });
    let of_health = recent.clone();
    let health = move |request: HttpRequest| {
        let health = DaemonHealth::of(&of_health.status());
        let response = health_response(&health, request.accepts_json());
        async move { response }
    };
    let of_readiness = recent.clone();
    let readiness = move |_: HttpRequest| {
        let response = readiness_response(&of_readiness.status());
        async move { response }
    };
    let metrics = move |request: HttpRequest| {
        let response = recent.metrics_response(&request);
        async move { response }
    };
    vec![
        Route::new(Method::GET, "/health", health),
        Route::new(Method::GET, "/ready", readiness),
        Route::new(Method::GET, "/metrics", metrics),
    ]
}

/// The status, which may be a second old.
struct RecentStatus<N: Network> {
    overseer: Arc<Overseer<N>>,
    last: Mutex<Option<(Moment, Arc<DaemonStatus>)>>,
}

impl<N: Network> RecentStatus<N> {
    fn status(&self) -> Arc<DaemonStatus> {
        let now = self.overseer.service().worker().shared().now();
        let mut last = self.last.lock();
        let is_recent =
            |(at, _): &(Moment, _)| now.since(*at).as_millis() < STATUS_PERIOD_MS.into();
        let recent = last.take().filter(is_recent);
        let (_, status) =
            last.insert(recent.unwrap_or_else(|| (now, Arc::new(self.overseer.status()))));
        status.clone()
    }

    /// The metrics in the format that the client prefers, if the configuration has them.
    fn metrics_response(&self, request: &HttpRequest) -> HttpResponse {
        if !self.overseer.offers_metrics() {
            let text =
                "Metrics are off. The key server.http-metrics in the configuration turns them on.";
            return HttpResponse::text(StatusCode::NOT_FOUND, text);
        }
        let accepted = request.headers.get_all(ACCEPT).iter();
        let accepted: Vec<&str> = accepted.filter_map(|value| value.to_str().ok()).collect();
        let format = MetricsFormat::accepted(&accepted.join(","));
        let octets = self.overseer.metrics_in(format, &self.status());
        HttpResponse::new(StatusCode::OK, format.content_type(), octets)
    }
}

/// `ok`, or the problems for which names are not resolved, each in a line; or both as JSON.
fn health_response(health: &DaemonHealth, json: bool) -> HttpResponse {
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

/// `ok` once clients are served, whatever the network does.
fn readiness_response(status: &DaemonStatus) -> HttpResponse {
    match status.serves_clients() {
        true => HttpResponse::text(StatusCode::OK, "ok"),
        false => HttpResponse::text(StatusCode::SERVICE_UNAVAILABLE, "No address is served."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_api::{NetworkReport, ValidationReport};

    fn status(down: bool) -> DaemonStatus {
        let listen = vec!["127.0.0.1:53".to_owned()];
        let validation = ValidationReport { on: true, ..ValidationReport::default() };
        let network = NetworkReport { down, ..NetworkReport::default() };
        DaemonStatus { listen, validation, network, ..DaemonStatus::default() }.with_problems()
    }

    #[test]
    fn health_is_what_status_says_for_people_and_for_programs() {
        let show =
            |down, json| format!("{:?}", health_response(&DaemonHealth::of(&status(down)), json));
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

    #[test]
    fn a_daemon_that_serves_is_ready_even_without_a_network() {
        let show = |status: &DaemonStatus| format!("{:?}", readiness_response(status));
        assert!(show(&status(true)).contains("status: 200"));
        assert!(show(&DaemonStatus::default()).contains("status: 503"));
        let encrypted = vec!["tls://127.0.0.1:853".to_owned()];
        let encrypted = DaemonStatus { encrypted, ..DaemonStatus::default() };
        assert!(show(&encrypted).contains("status: 200"));
        let single_transport = vec!["udp://127.0.0.1:53".to_owned()];
        let single = DaemonStatus { single_transport, ..DaemonStatus::default() };
        assert!(show(&single).contains("status: 200"));
    }
}
