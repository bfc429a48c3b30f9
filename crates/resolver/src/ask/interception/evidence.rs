//! Replies and silence of servers as evidence about the network in between.

use std::net::{IpAddr, SocketAddr};

use zoners_dns::{Delegation, Endpoint, Network, QueryMode, name};

use crate::ask::interception::probe::begin_probe;
use crate::env::environment::Env;
use crate::env::interception::evidence::{EvidencePlace, FailureSign, ReplyVoice};
use crate::infra::reachability::network;

/// Takes in with which voice a server of `cut` spoke.
pub(crate) fn observe_reply<N: Network>(
    env: &Env<N>,
    cut: &Delegation,
    server: SocketAddr,
    voice: ReplyVoice,
) {
    let shared = env.shared();
    let (passage, now) = (&shared.interception, shared.now());
    if cut.mode != QueryMode::Iterative {
        return;
    }
    let is_proper = matches!(voice, ReplyVoice::Authority | ReplyVoice::Plain);
    if is_proper && passage.is_beyond_doubt() {
        passage.note_passed(now);
        return;
    }
    let Some(place) = place_of(env, cut, server) else { return };
    let is_probe_due = match voice {
        ReplyVoice::Refusal => shared.note_failure(place, FailureSign::Error, now),
        _ => shared.note_voice(place, voice, env.has_root_anchor(), now),
    };
    if is_probe_due {
        begin_probe(env);
    }
}

/// Records that a server of `cut` does not reply in time, or that the network reported an error.
pub(crate) fn observe_silence<N: Network>(
    env: &Env<N>,
    cut: &Delegation,
    server: SocketAddr,
    sign: FailureSign,
) {
    if let Some(place) = place_of(env, cut, server) {
        let shared = env.shared();
        if shared.note_failure(place, sign, shared.now()) {
            begin_probe(env);
        }
    }
}

/// Records that a reply is bogus.
pub(crate) fn observe_bogus<N: Network>(env: &Env<N>, server: IpAddr) {
    if env.settings().is_foreign(server) {
        let shared = env.shared();
        if shared.note_bogus(network(server), shared.now()) {
            begin_probe(env);
        }
    }
}

/// Records that an authoritative reply is proven by signatures.
pub(crate) fn observe_proof<N: Network>(env: &Env<N>, server: Option<Endpoint>) {
    let passage = &env.shared().interception;
    if passage.is_beyond_doubt() {
        return;
    }
    if server.is_some_and(|server| env.settings().is_foreign(server.address.ip())) {
        env.shared().note_proof_now();
    }
}

/// The place of a server in the evidence; each root server is a place of its own.
fn place_of<N: Network>(
    env: &Env<N>,
    cut: &Delegation,
    server: SocketAddr,
) -> Option<EvidencePlace> {
    let foreign = cut.mode == QueryMode::Iterative && env.settings().is_foreign(server.ip());
    let depth = name::depth(&cut.zone);
    let at = if depth == 0 { server.ip() } else { network(server.ip()) };
    foreign.then_some(EvidencePlace { at, is_top: depth <= 1 })
}
