//! Services started and stopped by a plan, and servers set for network services.

use std::io;

use super::StepEnd;
use crate::plan::executor::PlanExecutor;
use crate::plan::journal::UndoJournal;
use crate::plan::journal_lines::FormerState;
use crate::plan::service_dns;
use crate::plan::step::{PlanStep, SystemService};

impl PlanExecutor<'_> {
    /// A running service is restarted if an earlier step has changed something.
    pub(super) fn start(
        &mut self,
        step: &PlanStep,
        service: &SystemService,
        journal: &mut UndoJournal,
        changed: bool,
    ) -> Result<StepEnd, String> {
        let running = self.is_running(service);
        if running && !changed {
            return Ok(StepEnd::AlreadySo);
        }
        self.begin_service(step, running, journal)?;
        self.run(if running { &service.restart } else { &service.start })?;
        journal.done(&mut self.disk).map_err(|error| error.to_string())?;
        Ok(StepEnd::Done)
    }

    pub(super) fn stop(
        &mut self,
        step: &PlanStep,
        service: &SystemService,
        journal: &mut UndoJournal,
    ) -> Result<StepEnd, String> {
        if !self.is_running(service) {
            return Ok(StepEnd::AlreadySo);
        }
        self.begin_service(step, true, journal)?;
        self.run(&service.stop)?;
        journal.done(&mut self.disk).map_err(|error| error.to_string())?;
        Ok(StepEnd::Done)
    }

    /// A service that is gone meanwhile needs no servers. Our own servers are never a former setting: a VPN may have
    /// saved and restored our servers.
    pub(super) fn set_dns_servers(
        &mut self,
        step: &PlanStep,
        service: &str,
        servers: &[String],
        journal: &mut UndoJournal,
    ) -> Result<StepEnd, String> {
        let explain = |error: io::Error| error.to_string();
        let Some(now) = service_dns::read(self.commands, service).map_err(explain)? else {
            return Ok(StepEnd::AlreadySo);
        };
        let is_set = now == servers;
        let is_known = journal.steps().iter().any(|begun| begun.step.key() == step.key());
        if is_set && is_known {
            return Ok(StepEnd::AlreadySo);
        }
        let former = FormerState::DnsServers { servers: if is_set { Vec::new() } else { now } };
        journal.begin(&mut self.disk, step, former).map_err(explain)?;
        if !is_set {
            self.run(&service_dns::set(service, servers))?;
        }
        journal.done(&mut self.disk).map_err(explain)?;
        Ok(StepEnd::Done)
    }

    fn begin_service(
        &mut self,
        step: &PlanStep,
        running: bool,
        journal: &mut UndoJournal,
    ) -> Result<(), String> {
        let begun = journal.begin(&mut self.disk, step, FormerState::Service { running });
        begun.map_err(|error| error.to_string())
    }
}
