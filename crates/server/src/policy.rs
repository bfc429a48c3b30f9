//! The policy of a configuration: lists compiled beside serving, and verdicts as answers.
//!
//! [`supply`] has the texts of lists, [`build`] compiles the texts, [`shelf`] has the compiled policy in force and the
//! pauses, and [`ListPolicy`] decides in the pipeline.

mod answer;
pub(crate) mod build;
pub mod groups;
pub(crate) mod known_clients;
pub(crate) mod operator_rule_file;
pub(crate) mod pause_file;
pub(crate) mod shelf;
pub(crate) mod supply;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use zoners_dns::{Ede, EdeCode, NameSlice, Question, Rtype};
use zoners_policy::{
    CompiledPolicy, GroupPlan, GroupSettings, OperatorRules, PolicyRules, PolicyVerdict,
    RuleSource, TooManyRegions,
};
use zoners_resolver::{Answer, PathServer};

use crate::client::{Client, ClientIdentity};
use crate::config::{ClientNaming, Config, PolicyConfig};
use crate::pipeline::ClientGroup;
use crate::pipeline::local::GroupRecords;
use crate::pipeline::policy::{Policy, PolicyDecision, PolicyTerm};
use crate::pipeline::policy_reason::PolicyReason;
use groups::PolicyGroups;

/// What a policy depends on beside the configuration and the lists.
pub struct PolicySurroundings<'a> {
    /// The time, in seconds since 1970.
    pub unix_seconds: u64,
    /// Whether a group is paused.
    pub is_paused: &'a dyn Fn(&str) -> bool,
    /// The present addresses of clients that are named by hardware address or name.
    pub addresses_of: &'a dyn Fn(&ClientNaming) -> Vec<IpAddr>,
    /// The count of replies that a list of this name has decided.
    pub hits_of: &'a dyn Fn(&str) -> ListHits,
    /// The rules of the operator.
    pub operator_rules: Arc<OperatorRules>,
}

/// A count of the replies that a list has decided.
pub type ListHits = Arc<AtomicU64>;

impl PolicySurroundings<'_> {
    /// A time without pauses and without named clients.
    #[must_use]
    pub fn at(unix_seconds: u64) -> Self {
        PolicySurroundings {
            unix_seconds,
            is_paused: &|_| false,
            addresses_of: &|_| Vec::new(),
            hits_of: &|_| Arc::default(),
            operator_rules: Arc::default(),
        }
    }
}

/// The present addresses of a group's clients that are named by hardware address, then of clients named by name.
fn addresses(config: &PolicyConfig, group: &str, now: &PolicySurroundings<'_>) -> Vec<IpAddr> {
    let own = config.group.iter().find(|own| own.name == group);
    let clients = || own.iter().flat_map(|own| &own.clients);
    let is_hardware = |client: &&ClientNaming| matches!(client, ClientNaming::Hardware(_));
    let (hardware, rest): (Vec<_>, Vec<_>) = clients().partition(is_hardware);
    hardware.into_iter().chain(rest).flat_map(|client| (now.addresses_of)(client)).collect()
}

/// The region of each identity that the configuration names.
fn identities(config: &PolicyConfig, rules: &PolicyRules) -> HashMap<ClientIdentity, u8> {
    let groups = rules.groups().iter().enumerate();
    let regions = groups
        .filter_map(|(number, own)| Some((own.name.as_str(), rules.region_of_group(number)?)));
    let regions: HashMap<&str, u8> = regions.collect();
    let region_of = |group: &str| regions.get(group).copied();
    let named = config.client_identities();
    named.filter_map(|(group, _, number)| Some((number, region_of(&group.name)?))).collect()
}

/// A policy of lists.
#[derive(Debug)]
pub struct ListPolicy {
    rules: PolicyRules,
    /// The region of each identity of clients.
    identities: HashMap<ClientIdentity, u8>,
    term: PolicyTerm,
    /// The records of each group.
    records: Vec<Option<Arc<GroupRecords>>>,
    /// Seconds for which clients may keep a blocked answer.
    ttl: u32,
    /// The code for rules of each list, in the order of the compiled lists.
    codes: Vec<EdeCode>,
    /// The replies decided by each list.
    hits: Vec<ListHits>,
    /// The upstream of each group.
    upstreams: Vec<Option<usize>>,
    /// Whether a fault of the compiled file is logged already.
    is_fault_logged: AtomicBool,
}

impl ListPolicy {
    /// The policy of a configuration with the lists of `compiled`, as things are now.
    ///
    /// # Errors
    /// Groups and rules have too many prefixes of clients.
    pub fn new(
        config: &PolicyConfig,
        groups: &PolicyGroups,
        compiled: Arc<CompiledPolicy>,
        now: &PolicySurroundings<'_>,
    ) -> Result<Self, TooManyRegions> {
        let unix_seconds = now.unix_seconds;
        let plans = groups.plans(config, &compiled);
        let until = plans.iter().filter_map(|plan| plan.next_change(unix_seconds)).min();
        let at = |plan: &GroupPlan| {
            let settings = plan.at(unix_seconds);
            let is_paused = (now.is_paused)(&settings.name);
            let addresses = addresses(config, &settings.name, now);
            GroupSettings { is_paused, addresses, ..settings }
        };
        let code = |name: &str| {
            let list = config.list.iter().find(|list| list.name == name);
            list.map_or(EdeCode::BLOCKED, |list| list.reason.code())
        };
        let codes = compiled.lists().iter().map(|list| code(&list.name)).collect();
        let hits = compiled.lists().iter().map(|list| (now.hits_of)(&list.name)).collect();
        let records = plans.iter().map(|plan| groups.records(&plan.settings.name)).collect();
        let upstream = |plan: &GroupPlan| config.upstream_of(&plan.settings.name);
        let upstreams = plans.iter().map(upstream).collect();
        let rules = PolicyRules::new(compiled, plans.iter().map(at).collect())?;
        let rules = rules.with_operator_rules(now.operator_rules.clone());
        let term = PolicyTerm { since: unix_seconds, until };
        let identities = identities(config, &rules);
        Ok(ListPolicy {
            rules,
            identities,
            term,
            records,
            ttl: config.ttl,
            codes,
            hits,
            upstreams,
            is_fault_logged: AtomicBool::new(false),
        })
    }

    /// The decision of a verdict. A policy that cannot be read lets everything pass.
    fn decide(
        &self,
        question: &Question,
        verdict: std::io::Result<PolicyVerdict>,
    ) -> PolicyDecision {
        let (action, reason) = match verdict {
            Ok(PolicyVerdict::Pass | PolicyVerdict::Allowed(_)) => return PolicyDecision::Pass,
            Ok(PolicyVerdict::Act(action, reason)) => (action, reason),
            Err(error) => {
                if !self.is_fault_logged.swap(true, Ordering::Relaxed) {
                    tracing::error!("policy: the compiled lists cannot be read: {error}");
                }
                return PolicyDecision::Pass;
            }
        };
        let list = self.list_number(&reason.source);
        list.into_iter().for_each(|list| self.count_reply(list));
        let ede = Ede::new(self.code(&reason.source, list), reason.to_string());
        answer::decision(question, &action, self.ttl, PolicyReason { ede, list })
    }

    /// The number of the list with a rule.
    fn list_number(&self, source: &RuleSource) -> Option<u16> {
        let name = source.list()?;
        let place = self.rules.compiled().lists().iter().position(|list| list.name == name)?;
        u16::try_from(place).ok()
    }

    /// The code of the reason (RFC 8914 section 4).
    fn code(&self, source: &RuleSource, list: Option<u16>) -> EdeCode {
        match source {
            RuleSource::List { .. } => {
                let code = list.and_then(|list| self.codes.get(usize::from(list)));
                code.copied().unwrap_or(EdeCode::BLOCKED)
            }
            RuleSource::Schedule(_) | RuleSource::Service(_) | RuleSource::Operator => {
                EdeCode::BLOCKED
            }
            RuleSource::SafeSearch(_) | RuleSource::BlockAaaa => EdeCode::FORGED,
        }
    }
}

/// Lists of a configuration that cannot be used, each with key and line: such a list is left out, or an earlier version
/// of the lists stays in force.
#[must_use]
pub fn list_faults(config: &Config) -> Vec<String> {
    build::list_faults(config)
}

/// Logs which schedules have begun or ended.
pub(crate) fn log_schedules(before: Option<&dyn Policy>, now: Option<&dyn Policy>) {
    let in_force = |policy: Option<&dyn Policy>| -> Vec<(String, String)> {
        let groups = policy.and_then(|policy| policy.lists()).map_or(&[][..], PolicyRules::groups);
        let schedules = groups.iter().flat_map(|group| {
            group.schedules.iter().map(|schedule| (group.name.clone(), schedule.clone()))
        });
        schedules.collect()
    };
    let (before, now) = (in_force(before), in_force(now));
    for (group, schedule) in now.iter().filter(|own| !before.contains(own)) {
        tracing::info!("policy: schedule {schedule} of group {group} begins");
    }
    for (group, schedule) in before.iter().filter(|own| !now.contains(own)) {
        tracing::info!("policy: schedule {schedule} of group {group} ends");
    }
}

impl Policy for ListPolicy {
    fn group(&self, client: &Client) -> ClientGroup {
        let of_identity = client.identity.and_then(|identity| self.identities.get(&identity));
        ClientGroup(of_identity.copied().unwrap_or_else(|| self.rules.region(client.address)))
    }

    fn records(&self, group: ClientGroup, name: &NameSlice, rtype: Rtype) -> Option<Answer> {
        let records = self.records.get(self.rules.group_number(group.0))?.as_ref()?;
        records.answer(name, rtype)
    }

    fn upstream(&self, group: ClientGroup) -> Option<usize> {
        self.upstreams.get(self.rules.group_number(group.0)).copied().flatten()
    }

    fn before_resolution(&self, group: ClientGroup, question: &Question) -> PolicyDecision {
        let asked = question.name.for_slice();
        self.decide(question, self.rules.judge_question(group.0, asked, question.rtype))
    }

    fn after_resolution(
        &self,
        group: ClientGroup,
        question: &Question,
        answer: &Answer,
        servers: &dyn Fn() -> Vec<PathServer>,
    ) -> PolicyDecision {
        let (asked, rtype) = (question.name.for_slice(), question.rtype);
        let mut verdict = self.rules.judge_answer(group.0, asked, rtype, &answer.answer);
        if matches!(verdict, Ok(PolicyVerdict::Pass)) && self.rules.concerns_nameservers() {
            let servers = servers();
            let servers = servers.iter().map(|server| (&server.name, &server.addresses[..]));
            verdict = self.rules.judge_nameservers(group.0, asked, rtype, servers);
        }
        self.decide(question, verdict)
    }

    fn count_reply(&self, list: u16) {
        if let Some(hits) = self.hits.get(usize::from(list)) {
            hits.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn lists(&self) -> Option<&PolicyRules> {
        Some(&self.rules)
    }

    fn term(&self) -> Option<PolicyTerm> {
        Some(self.term)
    }
}
