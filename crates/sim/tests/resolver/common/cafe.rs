//! An Internet with a provider whose nameservers lie in a zone of their own, behind a middlebox.

use zoners_dns::zonefile;
use zoners_resolver::Settings;
use zoners_sim::sign::Signing;
use zoners_sim::{SimNetwork, world};

use super::signed::anchored;

/// The provider's server, named `ns1.prov.net.` and `ns2.prov.net.`.
pub(crate) const PROVIDER: &str = "203.0.114.40";

/// The small Internet, signed, with the unsigned zone `prov.net.` and its customers: `site0.com.`
/// to `site9.com.` are signed, `shop.com.` is not.
pub(crate) fn cafe() -> (SimNetwork, Settings) {
    let net = world::small(1);
    let mut delegations = String::from("shop NS ns1.prov.net.\nshop NS ns2.prov.net.\n");
    let mut signed: Vec<String> = Vec::new();
    for number in 0..10 {
        delegations += &format!("site{number} NS ns1.prov.net.\nsite{number} NS ns2.prov.net.\n");
        signed.push(format!("site{number}.com"));
    }
    add(&net, "com", &delegations);
    add(
        &net,
        "net",
        &format!(
            "prov NS ns1.prov\nprov NS ns2.prov\nns1.prov A {PROVIDER}\nns2.prov A {PROVIDER}\n"
        ),
    );
    let own = format!("@ NS ns1\n@ NS ns2\nns1 A {PROVIDER}\nns2 A {PROVIDER}\n");
    net.zone("prov.net", &[PROVIDER], &own);
    let names = "@ NS ns1.prov.net.\n@ NS ns2.prov.net.\nwww 300 A 203.0.115.20\nmail A 203.0.115.21\n\
                 www AAAA 2001:db8:1::20\nalias CNAME www.shop.com.\n";
    net.zone("shop.com", &[PROVIDER], names);
    for origin in &signed {
        net.zone(origin, &[PROVIDER], names);
    }
    let origins: Vec<&str> =
        signed.iter().map(String::as_str).chain(["example.com", "com", "net", "."]).collect();
    let anchor = net.sign(&origins, &Signing::default());
    (net, anchored(&anchor))
}

fn add(net: &SimNetwork, origin: &str, text: &str) {
    net.change(origin, |zone| {
        for set in zonefile::parse(text, &zone.origin).unwrap_or_default() {
            zone.add(set);
        }
    });
}
