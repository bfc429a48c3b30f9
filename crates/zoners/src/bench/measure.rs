//! Carrying a run out.

use std::sync::Arc;

use zoners_bench::figures::describe;
use zoners_bench::run::run;
use zoners_bench::{
    Environment, Names, Phase, Ramp, Record, Sample, Stop, Target, Watcher, nameservers, providers,
};
use zoners_dns::Name;

use super::in_process::InProcess;
use super::plan::{How, Plans};
use super::progress::Progress;
use super::server::Server;
use super::serving;
use crate::Failure;

/// Who is asked.
pub(super) struct Targets {
    pub(super) servers: Vec<Server>,
    pub(super) own: Option<InProcess>,
}

/// What came of a run.
pub(super) struct Outcome {
    pub(super) record: Record,
    /// It was stopped by hand.
    pub(super) interrupted: bool,
}

impl Targets {
    pub(super) fn count(&self) -> usize {
        self.servers.len() + usize::from(self.own.is_some())
    }
}

/// Measures `targets` as `plans` says.
pub(super) fn measure(
    names: &Names,
    plans: Plans,
    how: &How,
    targets: Targets,
    environment: Environment,
    comparable: impl FnOnce(&Record) -> Result<(), Failure>,
) -> Result<Outcome, Failure> {
    let server = targets.servers.first().cloned();
    let is_seen = targets.own.is_some();
    let servers = targets.servers.into_iter().map(|server| Arc::new(server) as Arc<dyn Target>);
    let own = targets.own.map(|own| Arc::new(own) as Arc<dyn Target>);
    let targets: Vec<Arc<dyn Target>> = servers.chain(own).collect();
    let mut record = Record {
        names: names.list.iter().map(ToString::to_string).collect(),
        source: names.source.clone(),
        fingerprint: names.fingerprint(),
        types: plans.closed.types.iter().map(|rtype| rtype.to_int()).collect(),
        targets: targets.iter().map(|target| target.label().to_owned()).collect(),
        forgetful: targets.iter().map(|target| target.forget()).collect(),
        load: plans.load.clone(),
        timeout_ms: how.timeout,
        ..Record::new(environment, Vec::new())
    };
    comparable(&record)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let asking =
        Asking { names: plans.closed.names.clone(), is_ramp: how.is_ramp(), plans, targets };
    let interrupted =
        runtime.block_on(asking.carry_out(&mut record, server.filter(|_| !is_seen)))?;
    Ok(Outcome { record, interrupted })
}

struct Asking {
    names: Arc<[Name]>,
    is_ramp: bool,
    plans: Plans,
    targets: Vec<Arc<dyn Target>>,
}

impl Asking {
    /// Fills in what came of it, and says whether it was interrupted. Where no target shows whom it
    /// asks, `server` is asked who serves the names.
    async fn carry_out(self, record: &mut Record, server: Option<Server>) -> Result<bool, Failure> {
        let (interrupt, told) = (Stop::default(), Stop::default());
        let stopped = (interrupt.clone(), told.clone());
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stopped.0.stop();
                stopped.1.stop();
            }
        });
        let closed = &self.plans.closed;
        let each = closed.names.len() * closed.types.len() * self.targets.len();
        let total = each * closed.rounds * (closed.repeats + 1);
        record.samples = self.asked(closed.clone(), total, &told).await?;
        record.cut_short = record.samples.len() < total;
        let seen = |target: &Arc<dyn Target>| target.exchanges();
        let exchanges: Vec<_> = self.targets.iter().map(seen).collect();
        if let Some(open) = self.plans.open.clone().filter(|_| !told.is_stopped()) {
            let (from, to) = match open.load {
                zoners_bench::Load::Open { from, to } => (from, to),
                zoners_bench::Load::Closed { .. } => (0.0, 0.0),
            };
            let total = open.time.as_secs_f64() * f64::midpoint(from, to);
            let samples = self.asked(open.clone(), total as usize, &told).await?;
            // What was due at the end may be a question more or less.
            record.cut_short |= (samples.len() as f64) < total * 0.99;
            if self.is_ramp {
                record.ramps = (0..self.targets.len())
                    .map(|target| {
                        let own = |sample: &&Sample| usize::from(sample.target) == target;
                        let own: Vec<&Sample> = samples.iter().filter(own).collect();
                        Ramp::of(&own, open.time, open.timeout)
                    })
                    .collect();
            }
            record.samples.extend(samples);
        }
        for (at, exchanges) in exchanges.iter().enumerate() {
            let own =
                |sample: &&Sample| usize::from(sample.target) == at && sample.phase == Phase::Cold;
            let own: Vec<&Sample> = record.samples.iter().filter(own).collect();
            let met = nameservers::met(exchanges, own.iter().copied());
            if !met.is_empty() {
                record.providers = providers::of_names(record.names.len(), own.into_iter(), &met);
            }
            record.nameservers.push(met);
        }
        if let Some(server) = server.filter(|_| !interrupt.is_stopped()) {
            let rate = self.plans.pace;
            record.providers = serving::providers(&server, &self.names, rate, &interrupt).await;
        }
        Ok(interrupt.is_stopped())
    }

    /// The samples of one part of the run.
    async fn asked(
        &self,
        plan: zoners_bench::Plan,
        total: usize,
        stop: &Stop,
    ) -> Result<Vec<Sample>, Failure> {
        let progress = Arc::new(Progress::new(total, self.targets.len(), stop.clone()));
        let watcher: Arc<dyn Watcher> = progress.clone();
        let samples = run(plan, self.targets.clone(), watcher, stop.clone()).await;
        progress.finish();
        if samples.is_empty() {
            return Err(Failure::Usage("nothing was asked".into()));
        }
        let unheard = progress.unheard();
        for (at, target) in self.targets.iter().enumerate() {
            let own = || samples.iter().filter(|sample| usize::from(sample.target) == at);
            // One whose turn has not come may be as good as any.
            let Some(first) = own().next() else { continue };
            if own().any(|sample| sample.ending.is_good()) {
                continue;
            }
            let (label, how) = (target.label(), describe(&first.ending));
            return Err(Failure::Usage(match unheard.contains(&at) {
                true => format!(
                    "{label}: not one question was answered ({how}); is it there, and is the network?"
                ),
                false => format!(
                    "{label}: not one question was answered but with {how}; does it serve this machine?"
                ),
            }));
        }
        Ok(samples)
    }
}
