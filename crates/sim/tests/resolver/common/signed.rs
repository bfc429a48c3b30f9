//! A resolver on a signed Internet.

use std::sync::Arc;

use zoners_dns::{RRset, Rtype, Security, name};
use zoners_dnssec::chain::Ds;
use zoners_resolver::Anchor;
use zoners_resolver::{Answer, Settings, Unresolved};
use zoners_sim::sign::Signing;
use zoners_sim::{SimNetwork, world};

use super::{Lab, question, settings};

/// Where the chain begins.
pub(crate) fn anchored(ds: &RRset) -> Settings {
    let ds = ds.records.iter().filter_map(|rdata| Ds::read(&rdata)).collect();
    let mut settings = settings();
    settings.anchors = vec![Anchor { zone: name::root(), ds, keys: vec![] }];
    settings
}

/// A resolver on a [`signed_net`].
pub(crate) fn signed(signing: &Signing) -> Lab {
    let (net, settings) = signed_net(signing);
    Lab::with(net, settings)
}

/// The small Internet, signed from the root to `example.com.`; `plain.com.` is not.
pub(crate) fn signed_net(signing: &Signing) -> (SimNetwork, Settings) {
    let net = world::small(1);
    net.change("com", |com| {
        let text = "plain 3600 NS ns1.plain\nns1.plain A 203.0.114.9\n";
        for set in zoners_dns::zonefile::parse(text, &com.origin).unwrap() {
            com.add(set);
        }
    });
    net.zone(
        "plain.com",
        &["203.0.114.9"],
        "@ NS ns1\nns1 A 203.0.114.9\nwww A 203.0.115.9\nalias CNAME www\n",
    );
    let anchor = net.sign(&["example.com", "com", "."], signing);
    (net, anchored(&anchor))
}

pub(crate) async fn ask(lab: &Lab, text: &str, rtype: Rtype) -> Result<Arc<Answer>, Unresolved> {
    lab.worker.resolve(&question(text, rtype), None).await
}

pub(crate) async fn status(lab: &Lab, text: &str, rtype: Rtype) -> Security {
    match ask(lab, text, rtype).await {
        Ok(answer) => answer.security,
        Err(unresolved) => panic!("{text} {rtype}: {unresolved}"),
    }
}

/// The code with which a question fails.
pub(crate) async fn code(lab: &Lab, text: &str, rtype: Rtype) -> u16 {
    ask(lab, text, rtype).await.unwrap_err().ede.code.0
}

/// The small Internet after `break_it` changed it.
pub(crate) fn broken(break_it: impl FnOnce(&SimNetwork)) -> Lab {
    let lab = signed(&Signing::default());
    break_it(&lab.net);
    lab
}
