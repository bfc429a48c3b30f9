//! Replies and silence of servers as evidence about the network in between.

use std::net::{IpAddr, SocketAddr};

use zoners_dns::{Delegation, Network, QueryMode, name};

use crate::ask::interception::probe::begin_probe;
use crate::env::environment::Env;
use crate::env::interception::evidence::{EvidencePlace, ReplyVoice};
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
    let wants = match voice {
        ReplyVoice::Refusal => shared.note_failure(place, true, now),
        _ => shared.note_voice(place, voice, env.has_root_anchor(), now),
    };
    probe_if(env, wants);
}

/// Records that a server of `cut` does not reply in time, or that the network reported an error.
pub(crate) fn observe_silence<N: Network>(
    env: &Env<N>,
    cut: &Delegation,
    server: SocketAddr,
    told: bool,
) {
    if let Some(place) = place_of(env, cut, server) {
        let shared = env.shared();
        probe_if(env, shared.note_failure(place, told, shared.now()));
    }
}

/// Records that a reply is bogus.
pub(crate) fn observe_bogus<N: Network>(env: &Env<N>, server: IpAddr) {
    if env.settings().is_foreign(server) {
        let shared = env.shared();
        probe_if(env, shared.note_bogus(network(server), shared.now()));
    }
}

/// Records that an authoritative reply is proven by signatures.
pub(crate) fn observe_proof<N: Network>(env: &Env<N>, server: Option<SocketAddr>) {
    let passage = &env.shared().interception;
    if passage.is_beyond_doubt() {
        return;
    }
    if server.is_some_and(|server| env.settings().is_foreign(server.ip())) {
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

fn probe_if<N: Network>(env: &Env<N>, wanted: bool) {
    if wanted {
        begin_probe(env);
    }
}
