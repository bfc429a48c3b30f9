//! The Internet of `zoners demo`: a dozen names, each with a different behaviour.

use zoners_dns::{Question, RRset, Records, Rtype, name};

use crate::internet::SimNetwork;
use crate::link::{Bad, Beset, Link, Manner};
use crate::sign::Signing;

/// A name to try.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// The name.
    pub name: &'static str,
    /// The type to ask for.
    pub rtype: &'static str,
    /// What the name demonstrates.
    pub what: &'static str,
}

const fn sight(name: &'static str, rtype: &'static str, what: &'static str) -> Sight {
    Sight { name, rtype, what }
}

/// The names to try.
pub const SIGHTS: &[Sight] = &[
    sight("www.fast.demo", "A", "nearby and signed (AD); the second time it comes from the cache"),
    sight("www.fast.demo", "HTTPS", "a service binding, as browsers ask for"),
    sight("www.slow.demo", "A", "servers 400 ms away, unsigned"),
    sight("www.lossy.demo", "A", "three of ten packets get lost"),
    sight("www.halfdead.demo", "A", "two of three servers are dead"),
    sight("www.dead.demo", "A", "all servers are dead: it fails in time and says why"),
    sight("www.lame.demo", "A", "one server refuses, one refers upwards, one answers"),
    sight("www.shop.demo", "A", "an alias that leads to another zone"),
    sight("x.old.moved.demo", "A", "a DNAME that renames a whole tree"),
    sight("big.fast.demo", "TXT", "too large for a datagram: fetched and given over TCP"),
    sight("www.antique.demo", "A", "servers that know nothing of EDNS"),
    sight("www.forged.demo", "A", "someone answers first with a wrong ID"),
    sight("anything.wild.fast.demo", "A", "a wildcard"),
    sight("gone.fast.demo", "A", "a name that is proven not to exist"),
    sight("www.expired.demo", "A", "signatures that have expired: it fails and says so"),
    sight("www.tampered.demo", "A", "an address that was changed after it was signed"),
    sight("www.orphaned.demo", "A", "a zone whose parent vouches for other keys"),
];

/// Root hints of the demonstration.
pub const HINTS: &str = ". 3600000 NS a.root.demo.\na.root.demo. 3600000 A 198.51.100.1\n";

/// The Internet of the demonstration, and the DS record of its root key.
#[must_use]
pub fn internet(seed: u64) -> (SimNetwork, RRset) {
    let net = SimNetwork::new(seed);
    net.stop_recording();
    net.zone(
        ".",
        &["198.51.100.1"],
        &format!("{HINTS}demo. NS ns.nic.demo.\nns.nic.demo. A 192.5.6.1\n"),
    );
    net.link("198.51.100.1", Link::of(12)).link("192.5.6.1", Link::of(20));
    let mut tld = String::from("@ NS ns.nic\nns.nic A 192.5.6.1\n");
    let long: String = (0..40).map(|line| format!("big TXT \"line {line:040}\"\n")).collect();
    let middling: String =
        (0..12).map(|line| format!("middling TXT \"line {line:040}\"\n")).collect();
    let fast = format!(
        "www 60 A 203.0.113.10\nwww 60 AAAA 2001:db8::10\nwww 60 HTTPS 1 . alpn=h2,h3\n\
         *.wild A 203.0.113.11\nrouter A 192.168.1.1\nhome CNAME router\ngate HTTPS 1 . ipv4hint=10.0.0.1\n\
         2.0.0.127.list A 127.0.0.2\n{long}{middling}"
    );
    let slow = Link::of(400);
    let near = || Link::of(15);
    let domains: &[(&str, &str, [Link; 3])] = &[
        ("fast", &fast, [near(), near(), near()]),
        ("slow", "www A 203.0.113.20\n", [slow.clone(), slow.clone(), slow]),
        (
            "lossy",
            "www A 203.0.113.30\n",
            [near().losing(0.3), near().losing(0.3), near().losing(0.3)],
        ),
        (
            "halfdead",
            "www A 203.0.113.40\n",
            [near().with(Manner::Dead), near().with(Manner::Dead), near()],
        ),
        ("dead", "www A 203.0.113.50\n", [(); 3].map(|()| near().with(Manner::Dead))),
        (
            "lame",
            "www A 203.0.113.60\n",
            [near().with(Manner::Refuses), near().with(Manner::RefersUpward), near()],
        ),
        ("shop", "www CNAME www.fast.demo.\n", [near(), near(), near()]),
        ("moved", "old DNAME new\nx.new A 203.0.113.70\n", [near(), near(), near()]),
        ("antique", "www A 203.0.113.80\n", [(); 3].map(|()| near().with(Manner::FormErrOnEdns))),
        (
            "forged",
            "www A 203.0.113.90\n",
            [(); 3].map(|()| near().with(Manner::Beset(Beset::once(Bad::Id)))),
        ),
        ("expired", "www A 203.0.113.100\n", [near(), near(), near()]),
        ("tampered", "www A 203.0.113.110\n", [near(), near(), near()]),
        ("orphaned", "www A 203.0.113.120\n", [near(), near(), near()]),
    ];
    for (number, (domain, text, links)) in domains.iter().enumerate() {
        let mut own = String::new();
        let addresses: Vec<String> =
            (1..=3).map(|server| format!("203.0.{number}.{server}")).collect();
        for (server, (address, link)) in addresses.iter().zip(links).enumerate() {
            tld += &format!("{domain} NS n{server}.{domain}\nn{server}.{domain} A {address}\n");
            own += &format!("@ NS n{server}\nn{server} A {address}\n");
            net.link(address, link.clone());
        }
        let served: Vec<&str> = addresses.iter().map(String::as_str).collect();
        net.zone(&format!("{domain}.demo"), &served, &format!("{own}{text}"));
    }
    net.zone("demo", &["192.5.6.1"], &tld);
    let anchor = sign(&net);
    (net, anchor)
}

/// Signs some zones: one with signatures of the future, one before a change of its records, one
/// with a key unknown to its parent.
fn sign(net: &SimNetwork) -> RRset {
    let signing = |algorithm| Signing { algorithm, ..Signing::default() };
    net.sign(&["fast.demo"], &signing(13));
    net.sign(&["shop.demo", "moved.demo", "tampered.demo"], &signing(15));
    net.sign(&["expired.demo"], &Signing { expiration: 1_609_459_200, ..Signing::default() });
    let ds = net.sign(&["orphaned.demo"], &signing(15));
    net.change("demo", |demo| {
        let other = ds.records.iter().map(|ds| {
            let mut other = ds.to_vec();
            other.iter_mut().skip(4).for_each(|octet| *octet ^= 1);
            other
        });
        demo.add(RRset { records: other.collect(), ..ds.clone() });
    });
    net.change("tampered.demo", |zone| {
        let www = name::parse("www.tampered.demo").unwrap_or_else(|_| name::root());
        for set in zone.answer(&Question::new(www, Rtype::A)).answer {
            zone.add(RRset { records: Records::from_iter([[203, 0, 113, 66]]), ..set });
        }
    });
    net.sign(&["demo", "."], &signing(15))
}
