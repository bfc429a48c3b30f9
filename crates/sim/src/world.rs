//! Ready-made Internets.

use std::fmt::Write;

use zoners_dns::Random;

use crate::internet::SimNetwork;
use crate::link::{Link, Manner};

/// The root hints of every Internet made here.
pub const HINTS: &str = ". 3600000 NS a.root.\n. 3600000 NS b.root.\na.root. 3600000 A 198.51.100.1\n\
                         a.root. 3600000 AAAA 2001:db8:ffff::1\nb.root. 3600000 A 198.51.100.2\n";

/// Top-level domains of a [`populous`] Internet.
const TLDS: usize = 4;
/// The servers of the root, in each of these Internets.
pub const ROOT_SERVERS: [&str; 3] = ["198.51.100.1", "198.51.100.2", "2001:db8:ffff::1"];
/// The servers of `com.` in the small Internet.
pub const COM_SERVERS: [&str; 3] = ["192.5.6.1", "192.5.6.2", "2001:503::1"];
/// The server of `net.` in the small Internet.
pub const NET_SERVERS: [&str; 1] = ["192.5.7.1"];
/// The servers of `example.com.` in the small Internet.
pub const EXAMPLE_SERVERS: [&str; 2] = ["203.0.114.1", "203.0.114.2"];

/// Servers of each domain.
const SERVERS: usize = 3;

/// A small, healthy Internet: the root, `com.`, `net.` and `example.com.` on two servers each,
/// over IPv4 and IPv6.
#[must_use]
pub fn small(seed: u64) -> SimNetwork {
    let net = SimNetwork::new(seed);
    let root = format!(
        "{HINTS}com. 172800 NS a.nic.com.\ncom. 172800 NS b.nic.com.\na.nic.com. A 192.5.6.1\n\
         b.nic.com. A 192.5.6.2\na.nic.com. AAAA 2001:503::1\nnet. 172800 NS a.nic.net.\na.nic.net. A 192.5.7.1\n"
    );
    net.zone(".", &ROOT_SERVERS, &root);
    net.zone(
        "com",
        &COM_SERVERS,
        "@ NS a.nic\n@ NS b.nic\na.nic A 192.5.6.1\nb.nic A 192.5.6.2\na.nic AAAA 2001:503::1\n\
         example 3600 NS ns1.example\nexample 3600 NS ns2.example\nns1.example A 203.0.114.1\n\
         ns2.example A 203.0.114.2\n",
    );
    net.zone("net", &NET_SERVERS, "@ NS a.nic\na.nic A 192.5.7.1\n");
    net.zone(
        "example.com",
        &EXAMPLE_SERVERS,
        "@ 300 NS ns1\n@ 300 NS ns2\nns1 A 203.0.114.1\nns2 A 203.0.114.2\n@ A 203.0.115.1\n\
         www 300 A 203.0.115.2\nwww 300 A 203.0.115.3\nwww AAAA 2001:db8:1::1\nwww HTTPS 1 . alpn=h2\n\
         alias CNAME www\n@ MX 10 mail\nmail A 203.0.115.4\n@ CAA 0 issue \"ca.example\"\n\
         a.b.ent A 203.0.115.5\n_443._tcp TLSA 3 1 1 00\nodd TYPE65280 \\# 3 010203\n\
         *.wild A 203.0.115.6\nold DNAME new\nx.new A 203.0.115.7\n",
    );
    net
}

/// An Internet of `domains` domains, `d0.t0.` and so on, with three servers each. A share of about
/// `dead` servers is dead, but never every server of one domain; `loss` of the datagrams is lost.
#[must_use]
pub fn populous(seed: u64, domains: usize, dead: f64, loss: f64) -> SimNetwork {
    let net = SimNetwork::new(seed);
    let random = Random::seeded(seed ^ 0xD00D);
    let link = || {
        let latency = 8 + random.below(120);
        Link {
            jitter: std::time::Duration::from_millis(latency / 4),
            ..Link::of(latency).losing(loss)
        }
    };
    let mut root = HINTS.to_owned();
    for address in ROOT_SERVERS {
        net.link(address, link());
    }
    for tld in 0..TLDS {
        let mut text = String::new();
        let addresses: Vec<String> =
            (0..2).map(|server| format!("192.5.{tld}.{}", server + 1)).collect();
        for (server, address) in addresses.iter().enumerate() {
            let _ = writeln!(
                root,
                "t{tld}. 172800 NS n{server}.t{tld}.\nn{server}.t{tld}. A {address}"
            );
            let _ = writeln!(text, "@ NS n{server}\nn{server} A {address}");
            net.link(address, link());
        }
        for domain in (tld..domains).step_by(TLDS) {
            for server in 0..SERVERS {
                let address = server_address(domain, server);
                let _ = writeln!(
                    text,
                    "d{domain} 3600 NS n{server}.d{domain}\nn{server}.d{domain} A {address}"
                );
            }
        }
        let served: Vec<&str> = addresses.iter().map(String::as_str).collect();
        net.zone(&format!("t{tld}"), &served, &text);
    }
    net.zone(".", &ROOT_SERVERS, &root);
    for domain in 0..domains {
        let addresses: Vec<String> =
            (0..SERVERS).map(|server| server_address(domain, server)).collect();
        let served: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let mut text = String::from("www A 203.0.113.1\n@ A 203.0.113.2\nalias CNAME www\n");
        for (server, address) in addresses.iter().enumerate() {
            let _ = writeln!(text, "@ NS n{server}\nn{server} A {address}");
        }
        net.zone(&format!("d{domain}.t{}", domain % TLDS), &served, &text);
        let living = random.below(SERVERS as u64) as usize;
        for (server, address) in addresses.iter().enumerate() {
            // One server of three is never dead, so the remaining servers are dead more often.
            let dies = server != living && random.chance(dead * 1.5);
            net.link(address, link().with(if dies { Manner::Dead } else { Manner::Good }));
        }
    }
    net
}

fn server_address(domain: usize, server: usize) -> String {
    format!("45.{}.{}.{}", domain >> 8, domain & 255, server + 1)
}
