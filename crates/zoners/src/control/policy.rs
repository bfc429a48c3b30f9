//! `zoners policy`

mod catalogue;
mod dry_run;
mod lists;
mod operator_rules;
mod sources;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use operator_rules::RuleArguments;
use zoners_api::{
    AdminReply, AdminRequest, MatchingRuleReport, OperatorRuleEffect, PolicyExplanation,
    PolicyListReport, PolicyPauseReport, RebindingReport,
};
use zoners_policy::SafeSearch;
use zoners_server::config::values::parse_duration;

use super::Socket;
use super::status::span;
use crate::Failure;
use crate::output::println;
use crate::print::{BOLD, DIM, clean};

/// Arguments of `zoners policy`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The lists stand in the configuration, in [[policy.list]]. A file that changes comes into force by
itself within half a minute.

Examples:
  zoners policy explain ads.example                      the rule that decides, and the next ones
  zoners policy explain ads.example --client 192.168.1.7 for a client and its group
  zoners policy lists                                    lists, hits, lines not understood, useless rules
  zoners policy services                                 services that a group can block by name
  zoners policy block ads.example --dry-run              what a rule would change
  zoners policy allow news.example                       whatever lists say; at once, kept across restarts
  zoners policy pause 5m                                 no blocking for five minutes
  zoners policy pause 0 --group kids                     end the pause of a group
  zoners policy update                                   download lists now
  zoners policy accept ads                               use a list that shrank or grew much
  zoners policy catalogue                                well-known lists by name
  zoners policy try list.txt --names names.txt           which of these names a list would block"
)]
pub(crate) struct PolicyArguments {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PolicyCommand {
    /// Show the rules that match a name, the deciding rule first.
    Explain {
        /// The name.
        name: String,
        /// The record type.
        #[arg(long = "type", value_name = "TYPE", default_value = "A")]
        rtype: String,
        /// The address of a client; without it, this machine.
        #[arg(long)]
        client: Option<IpAddr>,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        socket: Socket,
    },
    /// Show lists and groups: rules in force, hits, lines that are not understood, and rules that change nothing.
    Lists {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        socket: Socket,
    },
    /// Block a name and every name below from now on, before every list.
    Block(RuleArguments),
    /// Allow a name and every name below from now on, whatever lists say.
    Allow(RuleArguments),
    /// Take back a rule of `block` or `allow`.
    Unblock(RuleArguments),
    /// Show the services that a group can block by name, with their domains, and the engines of safe search.
    Services,
    /// Block nothing for a time, up to a week.
    Pause {
        /// The time: seconds, or 90s, 5m, 2h, 1d; 0 ends a pause.
        #[arg(value_parser = parse_duration)]
        time: Duration,
        /// The group of clients; without it, every group.
        #[arg(long)]
        group: Option<String>,
        #[command(flatten)]
        socket: Socket,
    },
    /// Fetch lists now, and show how that went.
    Update {
        /// The list; without it, every list.
        list: Option<String>,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        socket: Socket,
    },
    /// Put the version of a list into force that waits, since it grew or shrank much.
    Accept {
        /// The list.
        list: String,
        #[command(flatten)]
        socket: Socket,
    },
    /// Show well-known lists by name, for `list = "NAME"` in `[[policy.list]]`.
    Catalogue,
    /// Show which names of a file a list would block, without a daemon.
    Try {
        /// The list.
        list: PathBuf,
        /// A file of names, one a line.
        #[arg(long, value_name = "FILE")]
        names: PathBuf,
    },
}

pub(crate) fn run(arguments: &PolicyArguments) -> Result<(), Failure> {
    match &arguments.command {
        PolicyCommand::Explain { name, rtype, client, json, socket } => {
            let client = client.map(|client| client.to_string());
            let (name, r#type) = (name.clone(), rtype.clone());
            let request = AdminRequest::PolicyExplain { name, r#type, client };
            let explained: PolicyExplanation = socket.request(&request)?;
            match *json {
                true => println!("{}", AdminReply::from(explained).to_line()),
                false => explanation(&explained).iter().for_each(|line| println!("{line}")),
            }
        }
        PolicyCommand::Lists { json, socket } => {
            let lists: PolicyListReport =
                socket.request(&AdminRequest::PolicyLists { review: true })?;
            match *json {
                true => println!("{}", AdminReply::from(lists).to_line()),
                false => lists::page(&lists).iter().for_each(|line| println!("{line}")),
            }
        }
        PolicyCommand::Block(rule) => {
            operator_rules::change(rule, Some(OperatorRuleEffect::Block))?;
        }
        PolicyCommand::Allow(rule) => {
            operator_rules::change(rule, Some(OperatorRuleEffect::Allow))?;
        }
        PolicyCommand::Unblock(rule) => operator_rules::change(rule, None)?,
        PolicyCommand::Services => services().iter().for_each(|line| println!("{line}")),
        PolicyCommand::Pause { time, group, socket } => {
            let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
            let request = AdminRequest::PolicyPause { group: group.clone(), seconds };
            let PolicyPauseReport { group, left_s } = socket.request(&request)?;
            let of =
                group.map_or_else(String::new, |group| format!(" for group {}", clean(&group)));
            match left_s {
                0 => println!("the policy is in force{of}"),
                left => println!("the policy is paused{of} for {}", span(left.into())),
            }
        }
        PolicyCommand::Update { list, json, socket } => {
            let request = AdminRequest::PolicyUpdate { list: list.clone() };
            let lists: PolicyListReport = socket.request(&request)?;
            match *json {
                true => println!("{}", AdminReply::from(lists).to_line()),
                false => sources::page(&lists, list.as_deref())
                    .iter()
                    .for_each(|line| println!("{line}")),
            }
        }
        PolicyCommand::Accept { list, socket } => {
            let request = AdminRequest::PolicyAccept { list: list.clone() };
            let lists: PolicyListReport = socket.request(&request)?;
            sources::page(&lists, Some(list)).iter().for_each(|line| println!("{line}"));
        }
        PolicyCommand::Catalogue => catalogue::page().iter().for_each(|line| println!("{line}")),
        PolicyCommand::Try { list, names } => {
            dry_run::try_list(list, names)?.iter().for_each(|line| println!("{line}"));
        }
    }
    Ok(())
}

/// The services with their domains, and the engines of safe search.
fn services() -> Vec<String> {
    let services = zoners_policy::services();
    let services = services
        .map(|service| format!("{}  {DIM}{}{DIM:#}", service.name, service.domains.join(" ")));
    let engines = SafeSearch::ALL.map(SafeSearch::name).join(", ");
    services.chain([format!("safe search: {engines}")]).collect()
}

/// The deciding rule, and the rules that would decide next.
fn explanation(explained: &PolicyExplanation) -> Vec<String> {
    let PolicyExplanation { name, r#type, client, group, paused, schedules, rules, rebinding } =
        explained;
    let schedules = match schedules.is_empty() {
        true => String::new(),
        false => format!(", schedule {}", clean(&schedules.join(", "))),
    };
    let whom = format!("client {}, group {}{schedules}", clean(client), clean(group));
    let shown = |rule: &MatchingRuleReport| {
        let (place, action) = (clean(&rule.place()), clean(&rule.action));
        format!("{place}: {}  {DIM}{action}{DIM:#}", clean(&rule.rule))
    };
    let (name, rtype) = (clean(name), clean(r#type));
    let Some((first, rest)) = rules.split_first() else {
        let why = if *paused { "the policy is paused" } else { "no rule matches" };
        let headline = format!("{BOLD}{name} {rtype}{BOLD:#}: {why} ({whom})");
        return [headline].into_iter().chain(protection(rebinding.as_ref())).collect();
    };
    let verdict = first.verdict();
    let mut lines = vec![
        format!("{BOLD}{name} {rtype}: {verdict}{BOLD:#} ({whom})"),
        format!("  {}", shown(first)),
    ];
    if !rest.is_empty() {
        lines.push("without it:".to_owned());
        lines.extend(rest.iter().map(|rule| format!("  {}", shown(rule))));
    }
    lines.extend(protection(rebinding.as_ref()));
    lines
}

/// What rebinding protection says.
fn protection(report: Option<&RebindingReport>) -> Option<String> {
    let RebindingReport { exemption, denied } = report?;
    let told = match (exemption, denied) {
        (Some(why), _) => format!("exempt: {}", clean(why)),
        (None, Some(record)) => {
            format!("no answer, as the cache has `{}`; see policy.rebinding-allow", clean(record))
        }
        (None, None) => "a private address gets no answer".to_owned(),
    };
    Some(format!("rebinding protection: {told}"))
}
