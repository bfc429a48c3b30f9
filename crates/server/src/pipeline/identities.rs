//! Identities of clients within TLS and QUIC: the first label of the server's name by which a client asks, before a name of
//! the certificate, such as `phone` in `phone.dns.example`; over HTTPS, the segment behind the path of DNS, such as
//! `/dns-query/phone`.
//!
//! An identity is a convenience and proves nothing: any client can ask by any name, which also goes over the network in
//! clear (SNI, RFC 6066 section 3).

use std::collections::HashMap;

use crate::client::ClientIdentity;
use crate::config::PolicyConfig;

/// The name that a client shows before its queries.
#[derive(Clone, Debug)]
pub(crate) enum ShownName {
    /// No name, or none that matters.
    None,
    /// The name of the server by which the client asks; proves nothing.
    OfServer(Box<str>),
    /// The names in the certificate of the client, signed by the authority of the listener.
    Certified(Vec<String>),
}

/// The identities that the configuration names.
#[derive(Debug)]
pub(crate) struct ClientIdentities {
    by_name: HashMap<String, ClientIdentity>,
    /// The names in the certificate, without the labels of wildcards.
    server_names: Vec<String>,
}

impl ClientIdentities {
    /// The identities of groups, below the names in the certificate; `None` if there is none. `*.dns.example` in the
    /// certificate stands for `dns.example`: the wildcard makes `phone.dns.example` valid for clients.
    pub(crate) fn of(policy: &PolicyConfig, names: &[String]) -> Option<Self> {
        let named = policy.client_identities();
        let by_name: HashMap<_, _> = named.map(|(_, name, own)| (name.to_owned(), own)).collect();
        let above = |name: &String| name.strip_prefix("*.").unwrap_or(name).to_ascii_lowercase();
        let server_names = names.iter().map(above).collect();
        (!by_name.is_empty()).then_some(ClientIdentities { by_name, server_names })
    }

    /// The identity of a client that asks by this name of the server; TLS gives the name in lower case.
    pub(crate) fn of_server_name(&self, name: &str) -> Option<ClientIdentity> {
        let (label, above) = name.split_once('.')?;
        let identity = self.by_name.get(label).copied()?;
        self.server_names.iter().any(|own| own == above).then_some(identity)
    }

    /// The identity in the certificate of a client: the first name that is an identity, alone or before a name of the
    /// server.
    pub(crate) fn of_certificate(&self, names: &[String]) -> Option<ClientIdentity> {
        let of_one = |name: &String| {
            let name = name.to_ascii_lowercase();
            self.of_name(&name).or_else(|| self.of_server_name(&name))
        };
        names.iter().find_map(of_one)
    }

    /// The identity of a client that gives this name alone, in letters of either case.
    pub(crate) fn of_name(&self, name: &str) -> Option<ClientIdentity> {
        self.by_name.get(&name.to_ascii_lowercase()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn an_identity_is_a_label_below_a_name_of_the_certificate() {
        let text = "[[policy.group]]\nname = \"kids\"\nidentities = [\"desk\", \"phone\"]\n";
        let policy = Config::parse(text, "zoners.toml").unwrap().policy;
        let names = ["DNS.example", "*.home.example"].map(str::to_owned);
        let identities = ClientIdentities::of(&policy, &names).unwrap();
        assert!(ClientIdentities::of(&PolicyConfig::default(), &names).is_none());
        let phone = policy.client_identity("phone");
        assert!(phone.is_some() && phone != policy.client_identity("desk"));
        for (name, identity) in [
            ("phone.dns.example", phone),
            ("phone.home.example", phone),
            ("desk.home.example", policy.client_identity("desk")),
            ("dns.example", None),
            ("home.example", None),
            ("phone", None),
            ("other.dns.example", None),
            ("phone.phone.dns.example", None),
            ("phone.other.example", None),
        ] {
            assert_eq!(identities.of_server_name(name), identity, "{name}");
        }
        assert_eq!(identities.of_name("phone"), phone);
        assert_eq!(identities.of_name("Phone"), phone);
        assert_eq!(identities.of_name("other"), None);
        let certified = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            identities.of_certificate(&names)
        };
        for names in
            [["other", "Phone"], ["phone.dns.example", "laptop"], ["*", "PHONE.dns.example"]]
        {
            assert_eq!(certified(&names), phone, "{names:?}");
        }
        assert_eq!(certified(&["phone.other.example", "dns.example", "*.dns.example"]), None);
        assert_eq!(certified(&[]), None);
    }
}
