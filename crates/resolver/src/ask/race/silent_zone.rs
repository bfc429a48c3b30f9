//! Questions to a zone that may be dead: one question tries a few addresses, further questions wait
//! for the result.

use zoners_dns::{Counter, Delegation, Network, Question};

use super::Race;
use crate::ask::interception::may_pass;
use crate::env::environment::Env;
use crate::env::single_flight::FlightEnd;
use crate::infra::unproven_addresses::is_watched;
use crate::infra::zone_silence::{PROBE_PACKETS, ZoneDeath};
use crate::model::answer::{Cause, Unresolved};
use crate::model::shared_work::Leader;
use crate::model::step::Step;
use crate::model::trace::Hop;
use crate::model::verdict::Verdict;
use crate::selection::candidates::Candidates;

/// Asks the servers of `cut` until one gives a useful reply.
///
/// # Errors
/// No server gave one within the time and packets available; or too many questions are under way.
pub(crate) async fn race<N: Network>(
    env: &Env<N>,
    cut: &Delegation,
    asked: &Question,
    step: &Step,
) -> Result<Box<Verdict>, Unresolved> {
    may_pass(env, cut).await?;
    let under_way = env.enter_zone(cut)?;
    let result = match is_unresponsive(env, cut, step) {
        // Boxed, since it is rare.
        true => Box::pin(race_unresponsive(env, cut, asked, step)).await,
        false => race_all(env, cut, asked, step).await,
    };
    match &result {
        Ok(_) => under_way.answered(),
        Err(unresolved) if unresolved.cause == Cause::Silent && !env.is_uplink_silent(cut) => {
            under_way.unanswered();
        }
        Err(_) => {}
    }
    result
}

async fn race_all<N: Network>(
    env: &Env<N>,
    cut: &Delegation,
    asked: &Question,
    step: &Step,
) -> Result<Box<Verdict>, Unresolved> {
    Race::new(env, cut, asked, step, Candidates::new(env, cut, step)).run().await
}

async fn race_unresponsive<N: Network>(
    env: &Env<N>,
    cut: &Delegation,
    asked: &Question,
    step: &Step,
) -> Result<Box<Verdict>, Unresolved> {
    let (zone, probes) = (&cut.zone, &env.shared().probes);
    let work = |leader: Leader<_, _>| async move {
        match probe_zone(env, cut, asked, leader.step()).await {
            Err(silent) if silent.cause == Cause::Silent && is_unresponsive(env, cut, step) => {
                leader.land(&Err(silent.clone()));
                Err(silent)
            }
            // A server answered a different question meanwhile, or the silence was forgiven.
            Err(silent) if silent.cause == Cause::Silent => {
                leader.land(&Ok(()));
                race_all(env, cut, asked, step).await
            }
            // The failure says nothing of other questions.
            result => {
                leader.land(&Ok(()));
                result
            }
        }
    };
    let on_cycle = || probe_zone(env, cut, asked, step);
    match env.lead_or_join(probes, zone, (zone, asked), step, work, on_cycle).await {
        FlightEnd::Own(result) => result,
        FlightEnd::Joined(Ok(())) => probe_zone(env, cut, asked, step).await,
        FlightEnd::Joined(Err(unresolved)) => {
            env.count(Counter::InfraUnresponsiveShared);
            Err(unresolved)
        }
    }
}

/// Tries a few addresses if the zone is still dead, or every candidate.
async fn probe_zone<N: Network>(
    env: &Env<N>,
    cut: &Delegation,
    asked: &Question,
    step: &Step,
) -> Result<Box<Verdict>, Unresolved> {
    let shared = env.shared();
    let uplink = shared.uplink_state(shared.uplinks.of(cut));
    let death = shared.zone_silences.death(&cut.zone, uplink, shared.now());
    let Some(ZoneDeath { since, .. }) = death else { return race_all(env, cut, asked, step).await };
    let few = PROBE_PACKETS as usize;
    let candidates = Candidates::of_dead(env, cut, step, since, few);
    let mut race = Race::new(env, cut, asked, step, candidates);
    race.probe = Some(uplink.allows(PROBE_PACKETS));
    race.run().await
}

/// Whether the zone has been silent for too long for more than a few packets.
fn is_unresponsive<N: Network>(env: &Env<N>, cut: &Delegation, step: &Step) -> bool {
    if !is_watched(cut) {
        return false;
    }
    let shared = env.shared();
    let (uplink, now) = (shared.uplink_state(shared.uplinks.of(cut)), shared.now());
    let Some(ZoneDeath { since, is_new }) = shared.zone_silences.death(&cut.zone, uplink, now)
    else {
        return false;
    };
    if is_new {
        env.count(Counter::InfraUnresponsiveZones);
    }
    step.trace(|| {
        let (zone, seconds) = (cut.zone.fmt_with_dot(), now.since(since).as_secs());
        Hop::Note(format!("{zone} has been silent for {seconds} s: few addresses are tried"))
    });
    true
}
