//! The secrets of a query, which a reply must repeat: a cookie, and the case of the name.
//!
//! A reply without the secrets is kept while TCP verifies it. The result over TCP, or three equal
//! replies over UDP, sets the expectation for the server.

use zoners_cache::{CLIENT_COOKIE, CookieOption, EchoSupport};
use zoners_dns::{Name, Network};

use super::case_randomisation::with_random_case;
use super::{ServerQuery, UpstreamQuery};
use crate::env::environment::Env;

/// The secrets of a query. Most queries lack some, which are boxed, since many queries wait at a
/// time.
#[derive(Clone, Debug, Default)]
pub(super) struct QuerySecrets {
    /// Our cookie.
    pub(super) client: Option<[u8; CLIENT_COOKIE]>,
    /// The last cookie option of the server, with our client cookie of now or before.
    pub(super) known: Option<Box<CookieOption>>,
    /// The name with random case, if it differs from the question.
    pub(super) letters: Option<Box<Name>>,
}

impl QuerySecrets {
    /// The content of the COOKIE option: with the server cookie, if it belongs to our client
    /// cookie of now.
    pub(super) fn option(&self) -> &[u8] {
        let Some(client) = &self.client else { return &[] };
        let known = self.known.as_deref().map_or(&[][..], CookieOption::octets);
        if known.starts_with(client) { known } else { client }
    }

    /// The COOKIE option of a repeated query: empty if the server never sent a cookie, since it may
    /// have failed on the first.
    pub(super) fn option_again(&self) -> &[u8] {
        if self.known.is_none() { &[] } else { self.option() }
    }
}

/// The secrets of a query to a server with this infra cache entry. An encrypted query has none: the encryption keeps
/// forgers out, and a cookie would let an observer link the encrypted query to queries in clear.
pub(super) fn secrets_for<N: Network>(
    env: &Env<N>,
    query: &ServerQuery<'_>,
    proof: &EchoSupport,
) -> QuerySecrets {
    if query.endpoint.transport.is_encrypted() {
        return QuerySecrets::default();
    }
    let (shared, now) = (env.shared(), env.shared().now());
    let randomises = env.settings().randomise_case && !proof.changes_case(now);
    let name = &query.asking.question.name;
    let known = proof.cookie();
    QuerySecrets {
        client: shows_cookie(env, query, proof)
            .then(|| shared.cookies.of(query.endpoint.address.ip(), now)),
        known: (!known.is_empty()).then(|| Box::new(known)),
        letters: randomises.then(|| Box::new(with_random_case(name, &shared.random))),
    }
}

/// Whether a query has a cookie. Queries to forwarders have none, since many forwarders stand for
/// several servers with different cookies, or none.
pub(super) fn shows_cookie<N: Network>(
    env: &Env<N>,
    query: &ServerQuery<'_>,
    proof: &EchoSupport,
) -> bool {
    let ServerQuery { asking: UpstreamQuery { recursion_desired, .. }, edns, cookie, .. } = query;
    env.settings().cookies
        && *edns
        && *cookie
        && !recursion_desired
        && !proof.mishandles_cookies(env.shared().now())
}
