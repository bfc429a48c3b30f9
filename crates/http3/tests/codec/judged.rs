use zoners_http3::{Field, Http3Fault, JudgedRequest, Request};

const PSEUDO: [(&str, &str); 4] = [
    (":method", "POST"),
    (":scheme", "https"),
    (":authority", "dns.example"),
    (":path", "/dns-query"),
];

fn field((name, value): &(&str, &str)) -> Field {
    Field { name: name.as_bytes().to_vec(), value: value.as_bytes().to_vec() }
}

fn judge(fields: &[(&str, &str)], body: &[u8]) -> Result<JudgedRequest, Http3Fault> {
    Request { fields: fields.iter().map(field).collect(), body: body.to_vec() }.judge()
}

/// Judges the pseudo-fields with more fields after them, and a body of three octets.
fn judge_with(fields: &[(&str, &str)]) -> Result<JudgedRequest, Http3Fault> {
    judge(&[&PSEUDO[..], fields].concat(), b"dns")
}

#[test]
fn request_of_a_client_is_split() {
    let rest = [("content-type", "application/dns-message"), ("content-length", "3")];
    let expected = JudgedRequest {
        method: b"POST".to_vec(),
        authority: b"dns.example".to_vec(),
        path: b"/dns-query".to_vec(),
        fields: rest.iter().map(field).collect(),
        body: b"dns".to_vec(),
    };
    assert_eq!(judge_with(&rest), Ok(expected));
}

#[test]
fn every_pseudo_field_is_there_once_and_not_empty() {
    for index in 0..PSEUDO.len() {
        let mut fields = PSEUDO.to_vec();
        let (name, _) = fields.remove(index);
        assert_eq!(judge(&fields, b""), Err(Http3Fault::Message), "without {name}");
        fields.push((name, ""));
        assert_eq!(judge(&fields, b""), Err(Http3Fault::Message), "empty {name}");
        assert_eq!(judge_with(&PSEUDO[index..=index]), Err(Http3Fault::Message), "twice {name}");
    }
}

#[test]
fn other_pseudo_fields_are_refused() {
    for name in [":status", ":protocol", ":"] {
        assert_eq!(judge_with(&[(name, "200")]), Err(Http3Fault::Message));
    }
}

#[test]
fn pseudo_fields_come_first() {
    let [method, scheme, authority, path] = PSEUDO;
    let late = [method, scheme, authority, ("accept", "*/*"), path];
    assert_eq!(judge(&late, b""), Err(Http3Fault::Message));
}

#[test]
fn tunnels_and_plain_http_are_refused() {
    let [method, scheme, authority, path] = PSEUDO;
    let connect = [(":method", "CONNECT"), scheme, authority, path];
    assert_eq!(judge(&connect, b""), Err(Http3Fault::Message));
    let plain = [method, (":scheme", "http"), authority, path];
    assert_eq!(judge(&plain, b""), Err(Http3Fault::Message));
}

#[test]
fn host_stands_for_the_authority_and_says_the_same() {
    let [method, scheme, _, path] = PSEUDO;
    let judged = judge(&[method, scheme, path, ("host", "dns.example")], b"").unwrap();
    assert_eq!(judged.authority, b"dns.example");
    assert!(judge_with(&[("host", "dns.example")]).is_ok());
    assert_eq!(judge_with(&[("host", "other.example")]), Err(Http3Fault::Message));
    let twice = [("host", "dns.example"), ("host", "dns.example")];
    assert_eq!(judge_with(&twice), Err(Http3Fault::Message));
}

#[test]
fn length_of_the_body_is_as_told() {
    assert!(judge_with(&[("content-length", "3")]).is_ok());
    for length in ["2", "4", "+3", "", "three", "99999999999999999999999"] {
        assert_eq!(judge_with(&[("content-length", length)]), Err(Http3Fault::Message));
    }
}

#[test]
fn fields_of_connections_are_refused() {
    for name in ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"] {
        assert_eq!(judge_with(&[(name, "x")]), Err(Http3Fault::Message));
    }
    assert!(judge_with(&[("te", "trailers")]).is_ok());
    assert_eq!(judge_with(&[("te", "gzip")]), Err(Http3Fault::Message));
}

#[test]
fn names_and_values_smuggle_nothing() {
    assert!(judge_with(&[("x-a_1~", "a b\tc")]).is_ok());
    for name in ["", "Accept", "a b", "a:b", "a\r", "\u{e4}"] {
        assert_eq!(judge_with(&[(name, "x")]), Err(Http3Fault::Message));
    }
    for value in ["a\rb", "a\nb", "a\0b", " a", "a\t"] {
        assert_eq!(judge_with(&[("accept", value)]), Err(Http3Fault::Message));
    }
}
