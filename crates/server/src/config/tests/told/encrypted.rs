//! Faults of listeners, servers and the dashboard within TLS.

use super::*;

#[test]
fn a_dashboard_for_a_network_is_within_tls() {
    let unsound =
        |text: &str| Config::parse(text, "zoners.toml").unwrap().sound().unwrap_err().to_string();
    let open = unsound("[server]\ndashboard-https = \"0.0.0.0\"\n");
    assert!(
        open.contains("needs server.dashboard-certificate") && open.contains("TLS alone"),
        "{open}"
    );
    let unused = unsound("[server]\ndashboard-key = \"/nowhere/key.pem\"\n");
    assert!(unused.contains("is used with server.dashboard-https alone"), "{unused}");
}

#[test]
fn listeners_that_do_not_go_together_are_told() {
    for (text, told) in [
        (
            "[server]\nlisten = [\"tcp://[::1]:853\"]\n[[listen]]\naddress = \"tls://[::1]\"",
            "z:4:11: listen.address: [::1]:853 is listed twice",
        ),
        (
            "[server]\nlisten = [\"udp://192.0.2.1:443\", \"https://192.0.2.1\"]",
            "z:2:34: server.listen: https://192.0.2.1:443/dns-query is served over HTTP/3 too, and udp://192.0.2.1:443 has that port of UDP: take another port, or turn server.http3 off",
        ),
        (
            "[server]\nlisten = [\"quic://0.0.0.0:443\"]\n[[listen]]\naddress = \"https://192.0.2.1\"",
            "z:4:11: listen.address: https://192.0.2.1:443/dns-query is served over HTTP/3 too, and quic://0.0.0.0:443",
        ),
        (
            "[[listen]]\naddress = \"tls://[::1]\"",
            "z:2:11: listen.address: tls://[::1]:853 needs a certificate",
        ),
        (
            "[server]\ncertificate = \"/a\"",
            "z:2:15: server.certificate: server.certificate and server.certificate-key stand together",
        ),
        (
            "[[listen]]\naddress = \"192.0.2.1\"\nproxies = [\"192.0.2.80\"]",
            "z:3:11: listen.proxies: proxies name clients over TCP, TLS and HTTPS alone, and 192.0.2.1:53 is served over others: put tcp://",
        ),
        (
            "[[listen]]\naddress = \"udp://192.0.2.1\"\nproxies = [\"192.0.2.80\"]",
            "z:3:11: listen.proxies: proxies name clients over TCP, TLS and HTTPS alone",
        ),
        (
            "[[listen]]\naddress = \"tcp://192.0.2.1\"\nclient-authority = \"/a\"",
            "z:3:20: listen.client-authority: certificates of clients are asked for over TLS, HTTPS and QUIC alone, not at tcp://192.0.2.1:53: put tls://",
        ),
        (
            "[[listen]]\naddress = \"tls://192.0.2.1\"\nrequire-client-certificate = true",
            "z:3:30: listen.require-client-certificate: needs client-authority",
        ),
        (
            "[[listen]]\naddress = \"tcp://192.0.2.1\"\nproxies = [\"192.0.2.80\", \"::/0\"]",
            "z:3:11: listen.proxies: every client could name a false address",
        ),
    ] {
        let message = prepared(text);
        assert!(message.starts_with(told), "{message}");
    }
}

#[test]
fn a_port_of_udp_is_shared_with_dns_over_quic_or_left() {
    for listen in [
        "listen = [\"quic://192.0.2.1:443\", \"https://192.0.2.1\"]",
        "listen = [\"udp://192.0.2.1:443\", \"https://192.0.2.1\"]\nhttp3 = false",
        "listen = [\"udp://192.0.2.1:443\", \"https://192.0.2.2\"]",
        "listen = [\"udp://192.0.2.1:443\", \"https://192.0.2.1:0\"]",
    ] {
        let text = format!("[server]\ncertificate = \"/a\"\ncertificate-key = \"/b\"\n{listen}\n");
        assert_eq!(
            Config::parse(&text, "z").unwrap().sound().map_err(|error| error.to_string()),
            Ok(())
        );
    }
}

#[test]
fn faults_of_servers_over_tls_are_told() {
    let route = |rest: &str| prepared(&format!("[[forward]]\nzone = \".\"\n{rest}\n"));
    let pin = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";
    let told = route(&format!("servers = [\"192.0.2.1\"]\npins = [\"{pin}\"]"));
    assert!(
        told.contains("forward.pins: pins are for servers over TLS, HTTPS or QUIC, such as"),
        "{told}"
    );
    assert_eq!(route(&format!("servers = [\"tls://192.0.2.1\"]\npins = [\"sha256/{pin}\"]")), "");
    let told = prepared("resolver.ca-file = \"/no/such/file\"\n");
    assert!(told.contains("resolver.ca-file: /no/such/file: No such file"), "{told}");
    for wrong in
        ["servers = [\"https://dns.example/\"]", "servers = [\"tls://192.0.2.1\"]\npins = [\"x\"]"]
    {
        let text = format!("[[forward]]\nzone = \".\"\n{wrong}\n");
        assert!(error(&text).contains("zoners.toml:"), "{text}");
    }
}

#[test]
fn each_table_of_listeners_has_a_number() {
    let tables = |count: usize| {
        let table =
            |at: usize| format!("[[listen]]\naddress = \"udp://127.0.0.1:{}\"\n", 6000 + at);
        (0..count).map(table).collect::<String>()
    };
    assert_eq!(prepared(&tables(255)), "");
    let told = prepared(&tables(256));
    assert!(told.starts_with("z:511:"), "{told}");
    assert!(told.contains("there may be 255 tables [[listen]]"), "{told}");
}
