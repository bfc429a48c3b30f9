//! The rules in force: a compiled policy, the groups of clients, and their verdicts.

mod actions;
mod group_rules;
mod operator;
pub(crate) mod review;
mod rule_text;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use zoners_dns::{Name, NameSlice, Prefix, RRset, Rtype};

use crate::compiled::manifest::AddressSubject;
use crate::compiled::{CompiledPolicy, FoundRule};
use crate::form::ListForm;
use crate::groups::GroupSettings;
use crate::operator_rules::OperatorRules;
use crate::options::RuleOptions;
use crate::precedence;
use crate::regions::{ClientRegions, TooManyRegions};
use crate::rule::show_name;
use crate::targets::{AnswerPart, parts};
use crate::verdict::{PolicyVerdict, RuleReason, RuleSource};
use rule_text::shown;

/// The rank of a rule for clients among rules for names: above the longest name, as in policy zones.
const CLIENT_RULE_LABELS: usize = 128;
/// The rank of a rule for names of nameservers: above one for their addresses, as in policy zones.
const NAMESERVER_RULE_LABELS: usize = 256;

/// A compiled policy with groups of clients.
#[derive(Clone, Debug)]
pub struct PolicyRules {
    compiled: Arc<CompiledPolicy>,
    /// The first group is the default.
    groups: Arc<[GroupSettings]>,
    regions: ClientRegions,
    operator: Arc<OperatorRules>,
}

/// The question for which rules are selected.
#[derive(Clone, Copy)]
struct JudgedQuestion<'a> {
    /// The type of the question, and of the alias on the way to a name.
    rtypes: &'a [Rtype],
    client: Option<&'a Prefix>,
    group: &'a GroupSettings,
}

impl PolicyRules {
    /// Rules for groups; the first is the default group.
    ///
    /// # Errors
    /// Groups and rules have too many prefixes of clients.
    pub fn new(
        compiled: Arc<CompiledPolicy>,
        groups: Vec<GroupSettings>,
    ) -> Result<Self, TooManyRegions> {
        let regions = ClientRegions::new(&groups, &compiled.client_prefixes())?;
        let operator = Arc::default();
        Ok(PolicyRules { compiled, groups: groups.into(), regions, operator })
    }

    /// The region of a client: clients of a region get the same verdicts.
    #[must_use]
    pub fn region(&self, client: IpAddr) -> u8 {
        self.regions.of(client)
    }

    /// The group of a region.
    #[must_use]
    pub fn group(&self, region: u8) -> Option<&GroupSettings> {
        self.groups.get(self.regions.get(region).1)
    }

    /// The number of a region's group.
    #[must_use]
    pub fn group_number(&self, region: u8) -> usize {
        self.regions.get(region).1
    }

    /// The region of a group for clients at any address.
    #[must_use]
    pub fn region_of_group(&self, group: usize) -> Option<u8> {
        self.regions.of_group_alone(group)
    }

    /// The groups, the default first.
    #[must_use]
    pub fn groups(&self) -> &[GroupSettings] {
        &self.groups
    }

    /// The compiled policy.
    #[must_use]
    pub fn compiled(&self) -> &Arc<CompiledPolicy> {
        &self.compiled
    }

    /// The verdict on a question.
    ///
    /// # Errors
    /// The compiled file cannot be read.
    pub fn judge_question(
        &self,
        region: u8,
        asked: &NameSlice,
        rtype: Rtype,
    ) -> io::Result<PolicyVerdict> {
        if let Some(verdict) = self.operator_verdict(region, asked) {
            return Ok(self.with_group_rules(region, asked, rtype, verdict, false));
        }
        let found = self.matching_name(region, asked, &[rtype])?;
        let verdict = self.verdict(region, rtype, &found, None);
        let is_final = found.first().is_some_and(|first| first.rule.important);
        Ok(self.with_group_rules(region, asked, rtype, verdict, is_final))
    }

    /// The verdict on an answer: on the targets of aliases and services, on addresses, and on names of addresses where the
    /// group wants that. An answer to an allowed name passes. If no rule acts, a rule that allows a target or an address
    /// allows the answer.
    ///
    /// # Errors
    /// The compiled file cannot be read.
    pub fn judge_answer(
        &self,
        region: u8,
        asked: &NameSlice,
        rtype: Rtype,
        answer: &[RRset],
    ) -> io::Result<PolicyVerdict> {
        let mut allowed = PolicyVerdict::Pass;
        let has_ptr = self.group(region).is_some_and(|group| group.block_ptr);
        let judged = answer.iter().filter(|set| has_ptr || set.rtype != Rtype::PTR);
        let all = judged.flat_map(|set| parts(set).into_iter().map(|part| (set.rtype, part)));
        for (of, part) in all {
            let verdict = match &part {
                AnswerPart::Name(target) => {
                    self.judge_target(region, target.for_slice(), &[rtype, of])?
                }
                AnswerPart::Address(address) => {
                    let found = self.matching_address(region, asked, rtype, *address);
                    self.verdict(region, rtype, &found, Some(address.to_string()))
                }
            };
            match verdict {
                PolicyVerdict::Act(..) => {
                    return self.unless_allowed(region, asked, rtype, verdict);
                }
                PolicyVerdict::Allowed(_) => allowed = verdict,
                PolicyVerdict::Pass => {}
            }
        }
        Ok(allowed)
    }

    /// The verdict on the target of an alias or of a service, with the type of the question first.
    fn judge_target(
        &self,
        region: u8,
        target: &NameSlice,
        rtypes: &[Rtype; 2],
    ) -> io::Result<PolicyVerdict> {
        let concerns = Some(show_name(target.as_slice()));
        if let Some(verdict) = self.operator_verdict(region, target) {
            return Ok(verdict.concerning(concerns));
        }
        let found = self.matching_name(region, target, rtypes)?;
        Ok(match self.verdict(region, rtypes[0], &found, concerns) {
            PolicyVerdict::Pass => self.verdict_on_target(region, target),
            verdict => verdict,
        })
    }

    /// The verdict that a rule acts, unless a rule allows the name in question. Few answers get here, so the name is
    /// looked up again.
    fn unless_allowed(
        &self,
        region: u8,
        asked: &NameSlice,
        rtype: Rtype,
        verdict: PolicyVerdict,
    ) -> io::Result<PolicyVerdict> {
        match self.judge_question(region, asked, rtype)? {
            allowed @ PolicyVerdict::Allowed(_) => Ok(allowed),
            _ => Ok(verdict),
        }
    }

    /// Whether a rule concerns nameservers.
    #[must_use]
    pub fn concerns_nameservers(&self) -> bool {
        self.compiled.concerns_nameservers()
    }

    /// The verdict on an answer by the nameservers of its zones, by name and addresses (RPZ NSDNAME and NSIP). An answer to
    /// an allowed name passes.
    ///
    /// # Errors
    /// The compiled file cannot be read.
    pub fn judge_nameservers<'a>(
        &self,
        region: u8,
        asked: &NameSlice,
        rtype: Rtype,
        servers: impl IntoIterator<Item = (&'a Name, &'a [IpAddr])>,
    ) -> io::Result<PolicyVerdict> {
        let mut of_servers: Vec<(&Name, Vec<FoundRule>)> = Vec::new();
        for (server, addresses) in servers {
            let mut found = Vec::new();
            self.compiled.rules_of_nameserver(server.for_slice(), &mut found)?;
            found.iter_mut().for_each(|rule| rule.labels += NAMESERVER_RULE_LABELS);
            for address in addresses {
                self.compiled.rules_of_address(AddressSubject::Nameserver, *address, &mut found);
            }
            of_servers.push((server, found));
        }
        let mut found: Vec<FoundRule> =
            of_servers.iter().flat_map(|(_, found)| found).cloned().collect();
        self.select(region, asked, &[rtype], &mut found);
        let Some(first) = found.first() else { return Ok(PolicyVerdict::Pass) };
        let server = of_servers.iter().find(|(_, found)| found.contains(first));
        let concerns = server.map(|(server, _)| show_name(server.as_slice()));
        let verdict = self.verdict(region, rtype, &found, concerns);
        self.unless_allowed(region, asked, rtype, verdict)
    }

    /// The matching rules for a name, in the order of precedence.
    fn matching_name(
        &self,
        region: u8,
        asked: &NameSlice,
        rtypes: &[Rtype],
    ) -> io::Result<Vec<FoundRule>> {
        let mut found = Vec::new();
        self.compiled.rules_of_name(asked, &mut found)?;
        if let (Some(prefix), _) = self.regions.get(region) {
            let from = found.len();
            self.compiled.rules_of_address(AddressSubject::Client, prefix.first(), &mut found);
            // A longer prefix is a different region.
            let mut at = 0;
            found.retain(|rule| {
                at += 1;
                at <= from || rule.labels <= usize::from(prefix.bits())
            });
            found.iter_mut().skip(from).for_each(|rule| rule.labels = CLIENT_RULE_LABELS);
        }
        self.select(region, asked, rtypes, &mut found);
        Ok(found)
    }

    fn matching_address(
        &self,
        region: u8,
        asked: &NameSlice,
        rtype: Rtype,
        address: IpAddr,
    ) -> Vec<FoundRule> {
        let mut found = Vec::new();
        self.compiled.rules_of_address(AddressSubject::Answer, address, &mut found);
        self.select(region, asked, &[rtype], &mut found);
        found
    }

    /// Keeps rules for the question, and sorts by precedence.
    fn select(&self, region: u8, asked: &NameSlice, rtypes: &[Rtype], found: &mut Vec<FoundRule>) {
        if found.is_empty() {
            return;
        }
        let (client, group) = self.regions.get(region);
        let Some(group) = self.groups.get(group).filter(|group| !group.is_paused) else {
            return found.clear();
        };
        let question = JudgedQuestion { rtypes, client, group };
        found.retain(|rule| concerns(rule, asked, &question));
        let lists = self.compiled.lists();
        let is_zone =
            |list: u16| lists.get(usize::from(list)).is_some_and(|list| list.form == ListForm::Rpz);
        precedence::order(found, is_zone);
    }

    fn verdict(
        &self,
        region: u8,
        rtype: Rtype,
        found: &[FoundRule],
        concerns: Option<String>,
    ) -> PolicyVerdict {
        let Some(first) = found.first() else { return PolicyVerdict::Pass };
        let reason = self.reason(region, first, concerns);
        match self.action(region, rtype, found) {
            Some(action) => PolicyVerdict::Act(action, reason),
            None => PolicyVerdict::Allowed(reason),
        }
    }

    fn reason(&self, region: u8, found: &FoundRule, concerns: Option<String>) -> RuleReason {
        let list = self.compiled.lists().get(usize::from(found.rule.list));
        let name = list.map(|list| list.name.clone()).unwrap_or_default();
        RuleReason {
            source: RuleSource::List { name, line: found.rule.line },
            rule: shown(found, list.map(|list| list.form)),
            group: self.group(region).map(|group| group.name.clone()).unwrap_or_default(),
            concerns,
        }
    }
}

/// Whether a rule is of the group's lists, and the options match the question.
fn concerns(found: &FoundRule, asked: &NameSlice, question: &JudgedQuestion<'_>) -> bool {
    if !question.group.lists.contains(found.rule.list.into()) {
        return false;
    }
    if found.rule.options.is_empty() || found.rule.disables {
        return true;
    }
    let options: Result<RuleOptions, ()> = found.rule.options.parse();
    options.is_ok_and(|options| options.match_question(asked, question.rtypes, question.client))
}

#[cfg(test)]
mod tests;
