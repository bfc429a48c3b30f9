//! The format of Protocol Buffers (`io.prometheus.client.MetricFamily`), for native histograms. The field numbers are
//! those of `metrics.proto` of github.com/prometheus/client_model.

use super::family::{MetricFamily, MetricKind, MetricSample, MetricValue};
use super::histogram::{BucketCounts, SCHEMA};
use crate::protobuf::{ProtobufMessage, put_varint};

/// The families, each with the length in front.
pub(super) fn delimited(families: &[MetricFamily]) -> Vec<u8> {
    let mut out = Vec::new();
    for family in families {
        let message = family_message(family);
        put_varint(&mut out, message.octets().len() as u64);
        out.extend_from_slice(message.octets());
    }
    out
}

fn family_message(family: &MetricFamily) -> ProtobufMessage {
    let MetricFamily { name, help, kind, samples } = family;
    let (number, ending) = match kind {
        MetricKind::Counter => (0, "_total"),
        MetricKind::Gauge => (1, ""),
        MetricKind::Histogram => (4, ""),
    };
    let mut message = ProtobufMessage::default();
    message.put_octets(1, format!("{name}{ending}").as_bytes());
    message.put_octets(2, help.as_bytes());
    message.put_unsigned(3, number);
    samples.iter().for_each(|sample| message.put_message(4, &sample_message(sample)));
    message
}

fn sample_message(sample: &MetricSample) -> ProtobufMessage {
    let mut message = ProtobufMessage::default();
    for (name, value) in &sample.labels {
        let mut pair = ProtobufMessage::default();
        pair.put_octets(1, name.as_bytes());
        pair.put_octets(2, value.as_bytes());
        message.put_message(1, &pair);
    }
    let number = |number: f64| {
        let mut value = ProtobufMessage::default();
        value.put_double(1, number);
        value
    };
    match &sample.value {
        MetricValue::Count(count) => message.put_message(3, &number(*count as f64)),
        MetricValue::Number(value) => message.put_message(2, &number(*value)),
        MetricValue::Buckets(buckets) => message.put_message(7, &histogram_message(buckets)),
    }
    message
}

/// Both forms of a histogram: a Prometheus without native histograms reads the buckets with bounds.
fn histogram_message(counts: &BucketCounts) -> ProtobufMessage {
    let mut message = ProtobufMessage::default();
    message.put_unsigned(1, counts.count());
    message.put_double(2, counts.sum());
    for (bound, count) in counts.cumulative() {
        let mut bucket = ProtobufMessage::default();
        bucket.put_unsigned(1, count);
        bucket.put_double(2, bound);
        message.put_message(3, &bucket);
    }
    let (zero_count, zero_threshold) = counts.zero();
    message.put_signed(5, SCHEMA.into());
    message.put_double(6, zero_threshold);
    message.put_unsigned(7, zero_count);
    let spans = spans(counts.native().map(|(bucket, _)| bucket));
    for (offset, length) in &spans {
        let mut span = ProtobufMessage::default();
        span.put_signed(1, (*offset).into());
        span.put_unsigned(2, *length);
        message.put_message(12, &span);
    }
    if spans.is_empty() {
        // A span tells a native histogram from one with bounds alone.
        message.put_message(12, &ProtobufMessage::default());
    }
    let mut before = 0;
    let differences = counts.native().map(|(_, count)| {
        let count = count as i64;
        count - std::mem::replace(&mut before, count)
    });
    message.put_packed_signed(13, differences);
    message
}

/// Runs of neighbouring buckets: the distance to the end of the run before, the first to bucket 0, and the length.
fn spans(buckets: impl Iterator<Item = i32>) -> Vec<(i32, u64)> {
    let (mut spans, mut end) = (Vec::<(i32, u64)>::new(), 0);
    for bucket in buckets {
        match spans.last_mut() {
            Some((_, length)) if bucket == end => *length += 1,
            _ => spans.push((bucket - end, 1)),
        }
        end = bucket + 1;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_buckets_share_a_span() {
        assert_eq!(spans([-3, -2, 0, 5, 6].into_iter()), [(-3, 2), (1, 1), (4, 2)]);
        assert_eq!(spans([].into_iter()), []);
        assert_eq!(spans([0, 1].into_iter()), [(0, 2)]);
    }

    #[test]
    fn a_counter_is_written_with_name_kind_labels_and_value() {
        let family = MetricFamily::counter("z", "Z.").with_count(&[("a", "b")], 1);
        let pair = b"\x0A\x01a\x12\x01b";
        let value = b"\x09\0\0\0\0\0\0\xF0\x3F";
        let sample = [b"\x0A\x06", &pair[..], b"\x1A\x09", &value[..]].concat();
        let head = b"\x0A\x07z_total\x12\x02Z.\x18\x00\x22";
        let expected =
            [&[(head.len() + 1 + sample.len()) as u8], &head[..], &[19], &sample].concat();
        assert_eq!(delimited(&[family]), expected);
    }
}
