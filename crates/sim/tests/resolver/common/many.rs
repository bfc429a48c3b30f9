//! Zones on many servers, with the latency, quality and reachability that a test wants.

use std::time::Duration;

use tokio::time::Instant;
use zoners_cache::ServerInfo;
use zoners_dns::{Endpoint, Rtype, Transport};
use zoners_sim::world::COM_SERVERS;
use zoners_sim::{Link, SimNetwork, world};

use super::Lab;

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The small Internet, with further delegations in `com.`.
pub(crate) fn with_delegations(text: &str) -> SimNetwork {
    let net = world::small(1);
    let own = "@ NS a.nic\n@ NS b.nic\na.nic A 192.5.6.1\nb.nic A 192.5.6.2\na.nic AAAA 2001:503::1\n\
               example NS ns1.example\nexample NS ns2.example\nns1.example A 203.0.114.1\n\
               ns2.example A 203.0.114.2\n";
    net.zone("com", &COM_SERVERS, &format!("{own}{text}"));
    net
}

/// `many.com.` on servers 203.0.114.101 and on, each of which is `link`ed as told.
pub(crate) fn many(servers: usize, link: impl Fn(usize) -> Link) -> SimNetwork {
    let mut text = String::new();
    let addresses: Vec<String> =
        (0..servers).map(|number| format!("203.0.114.{}", 101 + number)).collect();
    for (number, address) in addresses.iter().enumerate() {
        text += &format!("many NS ns{number}.many\nns{number}.many A {address}\n");
    }
    let net = with_delegations(&text);
    let served: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let names: String = (0..300).map(|number| format!("n{number} A 203.0.113.1\n")).collect();
    net.zone("many.com", &served, &names);
    for (number, address) in served.iter().enumerate() {
        net.link(address, link(number));
    }
    net
}

/// The time of a question that has an answer.
pub(crate) async fn time(lab: &Lab, name: &str) -> Duration {
    let started = Instant::now();
    let answer = lab.resolve(name, Rtype::A).await;
    assert!(answer.is_ok(), "{name}: {answer:?}");
    started.elapsed()
}

pub(crate) fn known(lab: &Lab, address: &str, transport: Transport) -> ServerInfo {
    let endpoint = Endpoint::udp(address.parse().unwrap()).over(transport);
    lab.worker.shared().cache.server(endpoint, lab.worker.shared().now())
}
