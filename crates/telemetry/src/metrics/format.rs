//! The formats, and the choice of the format by a client.

/// A format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsFormat {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format of Prometheus, which every collector reads.
    Text,
    /// Messages of Protocol Buffers, each with the length in front: the only format with native histograms.
    Protobuf,
}

impl MetricsFormat {
    /// The format for a client, by the `Accept` field of the request: the known format that the client names with the
    /// largest weight, and among equals the one named first. Without a known format it is the text format.
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        let known = accept.split(',').filter_map(weighed);
        let best = known.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map_or(MetricsFormat::Text, |(format, _)| format)
    }

    /// The content type of a response.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            MetricsFormat::OpenMetrics => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
            MetricsFormat::Text => "text/plain; version=0.0.4; charset=utf-8",
            MetricsFormat::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

/// A media range with a known format, and its weight in thousandths; none if the weight is zero.
fn weighed(range: &str) -> Option<(MetricsFormat, u32)> {
    let mut parts = range.split(';').map(str::trim);
    let media_type = parts.next()?.to_ascii_lowercase();
    let parameters: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
    let parameter = |name: &str| {
        parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, it)| *it)
    };
    let format = match &*media_type {
        "application/openmetrics-text" => MetricsFormat::OpenMetrics,
        "application/vnd.google.protobuf"
            if parameter("proto") == Some("io.prometheus.client.MetricFamily")
                && parameter("encoding") == Some("delimited") =>
        {
            MetricsFormat::Protobuf
        }
        "text/plain" => MetricsFormat::Text,
        _ => return None,
    };
    let weight: f64 = parameter("q").and_then(|weight| weight.parse().ok()).unwrap_or(1.0);
    let weight = (weight.clamp(0.0, 1.0) * 1000.0) as u32;
    (weight > 0).then_some((format, weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_the_format_that_it_prefers() {
        let open = "application/openmetrics-text;version=1.0.0,\
                    application/openmetrics-text;version=0.0.1;q=0.75,\
                    text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(MetricsFormat::accepted(open), MetricsFormat::OpenMetrics);
        let native = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
                      encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,\
                      text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(MetricsFormat::accepted(native), MetricsFormat::Protobuf);
        let browser = "text/html,application/xhtml+xml,*/*;q=0.8";
        for text in [browser, "", "*/*", "application/openmetrics-text;q=0", "application/json"] {
            assert_eq!(MetricsFormat::accepted(text), MetricsFormat::Text, "{text}");
        }
        let other =
            "application/vnd.google.protobuf;proto=other, Application/OpenMetrics-Text; Q=0.2";
        assert_eq!(MetricsFormat::accepted(other), MetricsFormat::OpenMetrics);
        let plain = "text/plain, application/openmetrics-text;q=0.9";
        assert_eq!(MetricsFormat::accepted(plain), MetricsFormat::Text);
    }
}
