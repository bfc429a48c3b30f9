//! Features switched off for a fair comparison are off.

use crate::common::many::many;
use crate::common::{Lab, settings};
use zoners_dns::{Rtype, name};
use zoners_resolver::Settings;
use zoners_sim::{Link, Manner, world};

/// Settings that differ from the defaults.
fn changed(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = settings();
    settings.limits.probe_budget = 0;
    change(&mut settings);
    settings
}

#[tokio::test(start_paused = true)]
async fn without_probes_of_the_uplink_only_the_silent_servers_are_asked() {
    for probes in [true, false] {
        let net = many(2, |_| Link::of(20).with(Manner::Dead));
        let lab = Lab::with(net, changed(|settings| settings.probe_uplink = probes));
        lab.resolve("www.example.com", Rtype::A).await.unwrap();
        lab.net.forget_sent();
        for number in 0..4 {
            assert!(lab.resolve(&format!("n{number}.many.com"), Rtype::A).await.is_err());
        }
        let own = name::parse("many.com").unwrap();
        let others = lab.net.sent().iter().any(|sent| !name::is_within(&sent.question.name, &own));
        assert_eq!(others, probes);
    }
}

#[tokio::test(start_paused = true)]
async fn without_shared_referrals_top_level_domains_see_the_type_of_the_client() {
    for rtype in [Rtype::AAAA, Rtype::HTTPS] {
        for shares in [true, false] {
            let lab = Lab::with(world::small(1), changed(|s| s.share_referrals = shares));
            lab.resolve("example.com", rtype).await.unwrap();
            let com = ["192.5.6.1", "192.5.6.2", "2001:503::1"];
            let sent = lab.net.sent();
            let to_com =
                sent.iter().find(|sent| com.contains(&sent.to.address.ip().to_string().as_str()));
            let expected = if shares { Rtype::A } else { rtype };
            assert_eq!(to_com.unwrap().question.rtype, expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn servers_are_told_the_udp_size_that_is_set() {
    for size in [512, 1232, 4096] {
        let lab = Lab::with(world::small(1), changed(|s| s.udp_payload_size = size));
        lab.resolve("www.example.com", Rtype::A).await.unwrap();
        let sent = lab.net.sent();
        assert!(sent.len() > 1 && sent.iter().all(|sent| sent.udp_payload_size == size));
    }
}
