//! Names by which systems find out whether they are online. macOS publishes a route only after its probe has resolved
//! its name; so such a name gets an address even while the uplink is down.

use std::sync::LazyLock;

use zoners_dns::{
    Ede, EdeCode, Name, Network, OptRcode, Question, RRset, Records, Rtype, Security, name,
};
use zoners_resolver::{Answer, NetworkState, Obstacle};

use super::Service;

/// The TTL of such an answer, in seconds.
const TTL: u32 = 5;
/// An address of nobody (RFC 5737): no connection reaches a wrong server.
const NOBODY: [u8; 4] = [198, 51, 100, 1];

const NAMES: [&str; 11] = [
    "captive.apple.com",
    "connectivitycheck.gstatic.com",
    "connectivitycheck.android.com",
    "clients3.google.com",
    "www.msftconnecttest.com",
    "ipv6.msftconnecttest.com",
    "dns.msftncsi.com",
    "detectportal.firefox.com",
    "connectivity-check.ubuntu.com",
    "nmcheck.gnome.org",
    "network-test.debian.org",
];

static PROBE_NAMES: LazyLock<Vec<Name>> =
    LazyLock::new(|| NAMES.iter().filter_map(|text| name::parse(text).ok()).collect());

/// The names of the probes of systems.
#[must_use]
pub fn probe_names() -> &'static [Name] {
    &PROBE_NAMES
}

/// The EDE of such an answer.
pub(super) fn offline_reason() -> Ede {
    Ede::new(EdeCode::FORGED, "a fixed address, since the network is down")
}

impl<N: Network> Service<N> {
    /// The answer to a question for such a name that nothing else could answer, while the uplink is down.
    pub(super) fn offline_answer(&self, question: &Question) -> Option<Answer> {
        let shared = self.worker.shared();
        let is_down = || {
            shared.is_uplink_down()
                || matches!(
                    shared.network_state(),
                    NetworkState::Obstructed(Obstacle::Silent | Obstacle::Rejected)
                )
        };
        if !probe_names().contains(&question.name) || !is_down() {
            return None;
        }
        let set = || RRset::new(question.name.clone(), Rtype::A, TTL, Records::from_iter([NOBODY]));
        Some(Answer {
            rcode: OptRcode::NOERROR,
            answer: (question.rtype == Rtype::A).then(set).into_iter().collect(),
            authority: Vec::new(),
            additional: Vec::new(),
            security: Security::Insecure,
            stale: false,
            hearsay: true,
        })
    }
}
