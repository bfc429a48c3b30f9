//! Kinds of files: said by the user, or known by their name and their text.

use crate::{adguard_home, dnscrypt_proxy, dnsmasq, pihole, tree, unbound};

/// A server whose files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// unbound.conf.
    Unbound,
    /// pihole.toml, setupVars.conf, custom.list, adlists.list and the files of a Teleporter archive of version 5.
    PiHole,
    /// AdGuardHome.yaml.
    AdguardHome,
    /// dnsmasq.conf.
    Dnsmasq,
    /// dnscrypt-proxy.toml.
    DnscryptProxy,
}

impl Kind {
    /// Every kind with its word.
    pub const ALL: [(&'static str, Kind); 5] = [
        ("unbound", Kind::Unbound),
        ("pi-hole", Kind::PiHole),
        ("adguard-home", Kind::AdguardHome),
        ("dnsmasq", Kind::Dnsmasq),
        ("dnscrypt-proxy", Kind::DnscryptProxy),
    ];

    /// The kind of a file with this name and text.
    pub(crate) fn of(name: &str, text: &str) -> Option<Kind> {
        match name {
            "AdGuardHome.yaml" => return Some(Kind::AdguardHome),
            "pihole.toml" => return Some(Kind::PiHole),
            "dnscrypt-proxy.toml" => return Some(Kind::DnscryptProxy),
            "dnsmasq.conf" => return Some(Kind::Dnsmasq),
            _ => {}
        }
        if pihole::recognised(name, text) {
            return Some(Kind::PiHole);
        }
        if adguard_home::recognised(text) {
            return Some(Kind::AdguardHome);
        }
        if let Ok(tree) = tree::toml(text) {
            let kinds = [
                (pihole::recognised_tree(&tree), Kind::PiHole),
                (dnscrypt_proxy::recognised(&tree), Kind::DnscryptProxy),
            ];
            return kinds.into_iter().find(|(is, _)| *is).map(|(_, kind)| kind);
        }
        if dnsmasq::recognised(text) {
            return Some(Kind::Dnsmasq);
        }
        unbound::recognised(text).then_some(Kind::Unbound)
    }
}
