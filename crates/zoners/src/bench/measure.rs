//! Carrying a run out.

use std::sync::Arc;

use zoners_bench::figures::describe;
use zoners_bench::run::run;
use zoners_bench::{
    Environment, NameList, Plan, Ramp, Sample, SavedRun, Stop, Target, Watcher, nameservers,
    providers,
};

use super::in_process::InProcessTarget;
use super::plan::{How, Plans};
use super::progress::Progress;
use super::server::ServerTarget;
use super::serving;
use crate::Failure;

/// The targets of a run.
pub(super) struct BenchTargets {
    pub(super) servers: Vec<ServerTarget>,
    pub(super) own: Option<InProcessTarget>,
}

/// The results of a run.
pub(super) struct MeasuredRun {
    pub(super) record: SavedRun,
    /// Whether the run was interrupted.
    pub(super) interrupted: bool,
}

impl BenchTargets {
    pub(super) fn count(&self) -> usize {
        self.servers.len() + usize::from(self.own.is_some())
    }
}

/// Measures `targets` as `plans` says.
pub(super) fn measure(
    names: &NameList,
    plans: Plans,
    how: &How,
    targets: BenchTargets,
    environment: Environment,
    comparable: impl FnOnce(&SavedRun) -> Result<(), Failure>,
) -> Result<MeasuredRun, Failure> {
    let server = targets.servers.first().cloned();
    let is_seen = targets.own.is_some();
    let servers = targets.servers.into_iter().map(|server| Arc::new(server) as Arc<dyn Target>);
    let own = targets.own.map(|own| Arc::new(own) as Arc<dyn Target>);
    let targets: Vec<Arc<dyn Target>> = servers.chain(own).collect();
    let mut record = SavedRun {
        names: names.list.iter().map(ToString::to_string).collect(),
        source: names.source.clone(),
        fingerprint: names.fingerprint(),
        types: plans.closed.types.iter().map(|rtype| rtype.to_int()).collect(),
        targets: targets.iter().map(|target| target.label().to_owned()).collect(),
        forgetful: targets.iter().map(|target| target.forget()).collect(),
        load: plans.load.clone(),
        timeout_ms: how.timeout,
        ..SavedRun::new(environment, Vec::new())
    };
    comparable(&record)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let asking = QuestionsUnderWay { plans, targets };
    let interrupted =
        runtime.block_on(asking.carry_out(&mut record, server.filter(|_| !is_seen)))?;
    Ok(MeasuredRun { record, interrupted })
}

struct QuestionsUnderWay {
    plans: Plans,
    targets: Vec<Arc<dyn Target>>,
}

impl QuestionsUnderWay {
    /// Fills in the results, and returns whether the run was interrupted. If no target shows its
    /// upstream queries, `server` is asked for the nameservers of the names.
    async fn carry_out(
        self,
        record: &mut SavedRun,
        server: Option<ServerTarget>,
    ) -> Result<bool, Failure> {
        // A missing target ends the measurement; a person ends the command.
        let (enough, interrupt) = (Stop::default(), Stop::default());
        let stopped = [enough.clone(), interrupt.clone()];
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stopped.iter().for_each(Stop::stop);
            }
        });
        let Plans { closed, open, pace, .. } = &self.plans;
        record.samples = self.asked(closed, &enough).await?;
        record.cut_short = record.samples.len() < closed.questions(self.targets.len());
        self.note_nameservers(record);
        if let Some(open) = open.as_ref().filter(|_| !enough.is_stopped()) {
            self.ask_at_rate(open, record, &enough).await?;
        }
        if let Some(server) = server.filter(|_| !interrupt.is_stopped()) {
            record.providers = serving::providers(&server, &closed.names, *pace, &interrupt).await;
        }
        Ok(interrupt.is_stopped())
    }

    async fn ask_at_rate(
        &self,
        open: &Plan,
        record: &mut SavedRun,
        stop: &Stop,
    ) -> Result<(), Failure> {
        let samples = self.asked(open, stop).await?;
        // The number of due questions at the end is exact to one.
        let due = open.questions(self.targets.len()) as f64;
        record.cut_short |= (samples.len() as f64) < due * 0.99;
        if open.load.is_ramp() {
            let ramp = |target: usize| {
                let own = |sample: &&Sample| usize::from(sample.target) == target;
                let own: Vec<&Sample> = samples.iter().filter(own).collect();
                Ramp::of(&own, open.time, open.timeout)
            };
            record.ramps = (0..self.targets.len()).map(ramp).collect();
        }
        record.samples.extend(samples);
        Ok(())
    }

    /// Adds the nameservers asked by the targets, and the providers of the names, where known.
    fn note_nameservers(&self, record: &mut SavedRun) {
        for (at, target) in self.targets.iter().enumerate() {
            let met = nameservers::met(&target.exchanges(), record.first_asks(at as u16));
            if !met.is_empty() {
                let first_asks = record.first_asks(at as u16);
                record.providers = providers::of_names(record.names.len(), first_asks, &met);
            }
            record.nameservers.push(met);
        }
    }

    /// The samples of one part of the run.
    async fn asked(&self, plan: &Plan, stop: &Stop) -> Result<Vec<Sample>, Failure> {
        let targets = self.targets.len();
        let progress = Arc::new(Progress::new(plan.questions(targets), targets, stop.clone()));
        let watcher: Arc<dyn Watcher> = progress.clone();
        let samples = run(plan.clone(), self.targets.clone(), watcher, stop.clone()).await;
        progress.finish();
        if samples.is_empty() {
            return Err(Failure::Usage("nothing was asked".into()));
        }
        let unheard = progress.unheard();
        for (at, target) in self.targets.iter().enumerate() {
            let own = || samples.iter().filter(|sample| usize::from(sample.target) == at);
            // A target before its turn may be fine.
            let Some(first) = own().next() else { continue };
            if own().any(|sample| sample.ending.is_good()) {
                continue;
            }
            let (label, how) = (target.label(), describe(&first.ending));
            return Err(Failure::Usage(match unheard.contains(&at) {
                true => format!(
                    "{label}: no question was answered ({how}); check the address of the server, and the network"
                ),
                false => format!(
                    "{label}: no question got an answer ({how}); check whether the server serves this machine"
                ),
            }));
        }
        Ok(samples)
    }
}
