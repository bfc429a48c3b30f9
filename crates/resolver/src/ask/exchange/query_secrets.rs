//! What a query shows to its server alone, and a reply must repeat: a cookie, and the letters of the name.
//!
//! A reply without it is kept while TCP is asked whether the server means it. What the server says there,
//! or does three times, is what is expected of it from then on.

use zoners_cache::{CLIENT_COOKIE, CookieOption, EchoEvidence, EchoSupport, Evidence};
use zoners_dns::{Endpoint, Name, Network, Transport};

use super::case_randomisation::shuffled;
use super::{Asking, Query};
use crate::env::environment::Env;

/// What a query shows. Boxed, what most queries lack: many wait at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    /// Our cookie.
    pub(super) client: Option<[u8; CLIENT_COOKIE]>,
    /// The option that the server sent last, with our cookie of now or of before.
    pub(super) known: Option<Box<CookieOption>>,
    /// The name as it is written, if that is not as it was asked for.
    pub(super) letters: Option<Box<Name>>,
}

impl Shown {
    /// The value of the COOKIE option: the server's cookie too, where it came with this one of ours.
    pub(super) fn option(&self) -> &[u8] {
        let Some(client) = &self.client else { return &[] };
        let known = self.known.as_deref().map_or(&[][..], CookieOption::octets);
        if known.starts_with(client) { known } else { client }
    }

    /// The same for a query that is sent again: it may have been the cookie that the server did not stand.
    pub(super) fn option_again(&self) -> &[u8] {
        if self.known.is_none() { &[] } else { self.option() }
    }
}

/// What a query is to show to a server of which this is known.
pub(super) fn secrets_for<N: Network>(
    env: &Env<N>,
    query: &Query<'_>,
    proof: &EchoSupport,
) -> Shown {
    let (shared, now) = (env.shared(), env.shared().now());
    let randomises = env.settings().randomise_case && !proof.changes_case(now);
    let name = &query.asking.question.name;
    let known = proof.cookie();
    Shown {
        client: shows_cookie(env, query, proof)
            .then(|| shared.cookies.of(query.endpoint.address.ip(), now)),
        known: (!known.is_empty()).then(|| Box::new(known)),
        letters: randomises.then(|| Box::new(shuffled(name, &shared.random))),
    }
}

/// Whether a query has a cookie. None has that goes to a forwarder: many stand in front of several
/// others, and give now the cookie of one, now that of another, now none.
pub(super) fn shows_cookie<N: Network>(
    env: &Env<N>,
    query: &Query<'_>,
    proof: &EchoSupport,
) -> bool {
    let Query { asking: Asking { recursion_desired, .. }, edns, cookie, .. } = query;
    env.settings().cookies
        && *edns
        && *cookie
        && !recursion_desired
        && !proof.mishandles_cookies(env.shared().now())
}

/// Notes what a server repeats; over UDP and TCP it is one server.
pub(super) fn observe_secret<N: Network>(env: &Env<N>, server: Endpoint, repeated: EchoEvidence) {
    env.shared().teach(server.over(Transport::Udp), Evidence::Repeated(repeated));
}
