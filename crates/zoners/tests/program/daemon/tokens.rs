//! Programs that ask over HTTP with a token, also after a restart of the daemon.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use crate::common::networks::in_a_network;
use crate::common::waiting::until;
use crate::common::{Daemon, zoners};

fn control(state: &Path, arguments: &[&str]) -> String {
    let socket = state.join("socket").display().to_string();
    let output = zoners(&[arguments, &["--control", &socket]].concat());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The reply to a request of a program; empty while nobody listens.
fn ask(token: &str, line: &str, body: &str) -> String {
    let Ok(mut stream) = TcpStream::connect("127.0.0.1:5380") else { return String::new() };
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: 127.0.0.1:5380\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn a_token_is_good_for_its_scope_until_it_is_revoked() {
    in_a_network(|| {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().display();
        let configuration = format!("state = \"{folder}\"\ncontrol = \"{folder}/socket\"\n");
        let mut first = Daemon::start(&configuration);
        assert_eq!(ask("", "GET /api/v1/status", ""), "", "no token, no listener");
        let told = control(state.path(), &["token", "create", "grafana", "--scope", "policy"]);
        let token = told.lines().next().unwrap().to_owned();
        assert!(
            token.starts_with("zoners_") && told.contains("http://127.0.0.1:5380/api/v1/"),
            "{told}"
        );
        let status = ask(&token, "GET /api/v1/status", "");
        assert!(
            status.starts_with("HTTP/1.1 200") && status.contains("\"reply\":\"status\""),
            "{status}"
        );
        let rule = ask(
            &token,
            "POST /api/v1/policy-rule",
            "{\"name\":\"a.example\",\"effect\":\"block\"}",
        );
        assert!(
            rule.contains("rule of the operator") || rule.contains("\"source\":\"operator\""),
            "{rule}"
        );
        assert!(ask(&token, "POST /api/v1/reload", "").starts_with("HTTP/1.1 403"));
        assert!(ask("zoners_0", "GET /api/v1/status", "").starts_with("HTTP/1.1 401"));
        first.signal("-TERM");
        assert!(first.child.wait().unwrap().success());
        drop(first);
        let _second = Daemon::start(&configuration);
        until("programs are served from the start on", || {
            ask(&token, "GET /api/v1/day", "").starts_with("HTTP/1.1 200")
        });
        assert!(control(state.path(), &["token", "list"]).contains("grafana  policy"));
        control(state.path(), &["token", "revoke", "grafana"]);
        assert!(ask(&token, "GET /api/v1/day", "").starts_with("HTTP/1.1 401"));
    });
}
