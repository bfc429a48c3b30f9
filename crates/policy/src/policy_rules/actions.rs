//! From the rules that match to the action: the reply in the style of the group, and rewrites, which are joined.

use std::net::IpAddr;

use zoners_dns::Rtype;

use super::PolicyRules;
use crate::compiled::FoundRule;
use crate::groups::BlockStyle;
use crate::options::{RewriteAnswer, RuleOptions};
use crate::precedence;
use crate::rule::RuleAction;
use crate::verdict::PolicyAction;

impl PolicyRules {
    /// The action of the first rule; rewrites of the same list for the same name are joined.
    pub(super) fn action(
        &self,
        region: u8,
        rtype: Rtype,
        found: &[FoundRule],
    ) -> Option<PolicyAction> {
        let first = found.first()?;
        Some(match first.rule.action {
            RuleAction::Allow => return None,
            RuleAction::Nxdomain => PolicyAction::Nxdomain,
            RuleAction::Nodata => PolicyAction::Nodata,
            RuleAction::Refused => PolicyAction::Refused,
            RuleAction::Drop => PolicyAction::Drop,
            RuleAction::TcpOnly => PolicyAction::TcpOnly,
            RuleAction::NullAddress => null_addresses(),
            RuleAction::Rewrite => rewrite(rtype, found),
            RuleAction::Block => self.block_action(region),
        })
    }

    /// The reply to a blocked question in the style of the group.
    pub(super) fn block_action(&self, region: u8) -> PolicyAction {
        match self.group(region).map(|group| &group.style) {
            None | Some(BlockStyle::NullAddress) => null_addresses(),
            Some(BlockStyle::Nxdomain) => PolicyAction::Nxdomain,
            Some(BlockStyle::Nodata) => PolicyAction::Nodata,
            Some(BlockStyle::Refused) => PolicyAction::Refused,
            Some(BlockStyle::Drop) => PolicyAction::Drop,
            Some(BlockStyle::Addresses(addresses)) => PolicyAction::Addresses(addresses.clone()),
        }
    }
}

fn null_addresses() -> PolicyAction {
    PolicyAction::Addresses(vec![IpAddr::from([0; 4]), IpAddr::from([0; 16])])
}

/// The answer of the first rule, a rewrite, and of further rewrites of the same list and name.
fn rewrite(rtype: Rtype, found: &[FoundRule]) -> PolicyAction {
    let Some(first) = found.first() else { return PolicyAction::Nodata };
    let is_kin = |rule: &&FoundRule| {
        rule.rule.list == first.rule.list
            && rule.rule.action == RuleAction::Rewrite
            && precedence::row(rule) == precedence::row(first)
            && rule.labels == first.labels
    };
    let kin = found.iter().take_while(is_kin);
    let answers = kin.filter_map(|rule| rule.rule.options.parse::<RuleOptions>().ok()?.rewrite);
    let (mut addresses, mut records) = (Vec::new(), Vec::new());
    for answer in answers {
        match answer {
            RewriteAnswer::Alias(target) => return PolicyAction::Alias(target),
            RewriteAnswer::Address(address) => addresses.push(address),
            RewriteAnswer::Record(rtype, rdata) => records.push((rtype, rdata)),
        }
    }
    let wants_addresses = rtype == Rtype::A || rtype == Rtype::AAAA;
    match records.is_empty() || wants_addresses && !addresses.is_empty() {
        true => PolicyAction::Addresses(addresses),
        false => PolicyAction::Records(records),
    }
}
