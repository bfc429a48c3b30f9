//! Faults of the policy: names given twice, unknown names, and groups without clients.

use std::iter;

use zoners_policy::ListForm;

use super::super::schema::{DEFAULT_GROUP, PolicyScheduleConfig};
use super::super::{Config, PolicyConfig, PolicyGroupConfig, PolicyListConfig, ZoneConfig};
use super::check_origin;

/// The most groups beside the default group: a region of clients is an octet.
const MAX_GROUPS: usize = zoners_policy::MAX_REGIONS - 1;
/// The most upstreams of groups: each has a resolver with a cache.
const MAX_UPSTREAMS: usize = 8;
/// The most identities of clients, each with a number of two octets.
const MAX_IDENTITIES: usize = 1024;
/// Octets of a label (RFC 1035 section 2.3.4).
const MAX_LABEL: usize = 63;
/// The most schedules of a group.
const MAX_SCHEDULES: usize = 32;
/// The least likeness of a suggested name.
const ALIKE: f64 = 0.8;

impl Config {
    /// Lists and groups have names of their own; a group has clients, known lists and known services.
    pub(super) fn check_policy(&self, wrong: &mut impl FnMut(&str, &str)) {
        let PolicyConfig { list: lists, group: groups, .. } = &self.policy;
        if lists.len() > zoners_policy::MAX_LISTS {
            wrong("policy.list", &format!("has more than {} lists", zoners_policy::MAX_LISTS));
        }
        if groups.len() > MAX_GROUPS {
            wrong("policy.group", &format!("has more than {MAX_GROUPS} groups"));
        }
        if groups.iter().map(|group| group.identities.len()).sum::<usize>() > MAX_IDENTITIES {
            let what = format!("has more than {MAX_IDENTITIES} identities in all groups");
            wrong("policy.group", &what);
        }
        for (at, list) in lists.iter().enumerate() {
            if lists.iter().take(at).any(|earlier| earlier.name == list.name) {
                let what = format!("a list before has the name {:?} already", list.name);
                wrong(&format!("policy.list[{at}].name"), &what);
            }
            check_origin(&format!("policy.list[{at}]"), list, wrong);
            self.check_list_zone(&format!("policy.list[{at}]"), list, wrong);
        }
        for (at, group) in groups.iter().enumerate() {
            if groups.iter().take(at).any(|earlier| earlier.name == group.name) {
                let what = format!("a group before has the name {:?} already", group.name);
                wrong(&format!("policy.group[{at}].name"), &what);
            }
            self.check_group(&format!("policy.group[{at}]"), group, wrong);
        }
        if self.policy.upstreams().len() > MAX_UPSTREAMS {
            let what = format!("has more than {MAX_UPSTREAMS} different values of `forward`");
            wrong("policy.group", &what);
        }
    }

    /// The zone of a list is transferred, as a zone file is a list by itself, and has rules in the form of policy zones.
    fn check_list_zone(
        &self,
        path: &str,
        list: &PolicyListConfig,
        wrong: &mut impl FnMut(&str, &str),
    ) {
        let Some(apex) = &list.zone else { return };
        let is_transferred = |zone: &ZoneConfig| zone.zone == *apex && !zone.primaries.is_empty();
        if !self.zone.iter().any(is_transferred) {
            let apex = apex.fmt_with_dot();
            let what = format!("there is no [[zone]] {apex} with primaries; for a file, give path");
            wrong(&format!("{path}.zone"), &what);
        }
        if list.form.is_some_and(|form| form != ListForm::Rpz) {
            wrong(&format!("{path}.form"), "must be \"rpz\" or absent beside zone");
        }
    }

    /// The fault of an identity, which is a label of a name and belongs to one group.
    fn identity_fault(&self, identity: &str) -> Option<String> {
        let all = || self.policy.group.iter().flat_map(|group| &group.identities);
        let is_of_label =
            |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
        let is_label =
            (1..=MAX_LABEL).contains(&identity.len()) && identity.bytes().all(is_of_label);
        if !is_label {
            return Some("must be a label in lower case, such as \"phone\"".to_owned());
        }
        (all().filter(|other| *other == identity).count() > 1)
            .then(|| format!("{identity:?} stands there twice: delete one of the two"))
    }

    fn check_group(
        &self,
        path: &str,
        group: &PolicyGroupConfig,
        wrong: &mut impl FnMut(&str, &str),
    ) {
        let is_default = group.name == DEFAULT_GROUP;
        if is_default != (group.clients.is_empty() && group.identities.is_empty()) {
            let what = match is_default {
                true => "must be absent: the default group has the clients of no other group",
                false => "must name clients, such as \"192.168.1.0/24\"",
            };
            wrong(&format!("{path}.clients"), what);
        }
        for (at, identity) in group.identities.iter().enumerate() {
            if let Some(what) = self.identity_fault(identity) {
                wrong(&format!("{path}.identities[{at}]"), &what);
            }
        }
        if !group.forward.is_empty() {
            self.check_servers(
                &format!("{path}.forward"),
                group.forward.iter().map(|it| Some(it.ip())),
                wrong,
            );
        }
        self.check_lists(path, group.lists.iter().flatten(), wrong);
        check_services(path, &group.blocked_services, wrong);
        if group.schedule.len() > MAX_SCHEDULES {
            let what = format!("has more than {MAX_SCHEDULES} schedules");
            wrong(&format!("{path}.schedule"), &what);
        }
        for (at, schedule) in group.schedule.iter().enumerate() {
            self.check_schedule(&format!("{path}.schedule[{at}]"), schedule, wrong);
        }
    }

    fn check_schedule(
        &self,
        path: &str,
        schedule: &PolicyScheduleConfig,
        wrong: &mut impl FnMut(&str, &str),
    ) {
        self.check_lists(path, schedule.lists.iter(), wrong);
        check_services(path, &schedule.blocked_services, wrong);
        let PolicyScheduleConfig { lists, blocked_services, block_everything, hours, .. } =
            schedule;
        if lists.is_empty() && blocked_services.is_empty() && !block_everything {
            let what = "blocks nothing: give lists, blocked-services or block-everything = true";
            wrong(path, what);
        }
        if hours.len() > zoners_policy::MAX_HOURS {
            let what = format!("has more than {} ranges", zoners_policy::MAX_HOURS);
            wrong(&format!("{path}.hours"), &what);
        }
    }

    fn check_lists<'a>(
        &self,
        path: &str,
        names: impl Iterator<Item = &'a String>,
        wrong: &mut impl FnMut(&str, &str),
    ) {
        let lists = &self.policy.list;
        for (place, name) in names.enumerate() {
            if !lists.iter().any(|list| list.name == *name) {
                let known: Vec<&str> = lists.iter().map(|list| &*list.name).collect();
                let what = format!("there is no list {name:?}; there are {}", known.join(", "));
                wrong(&format!("{path}.lists[{place}]"), &what);
            }
        }
    }
}

fn check_services(path: &str, names: &[String], wrong: &mut impl FnMut(&str, &str)) {
    for (place, name) in names.iter().enumerate() {
        let mut services = zoners_policy::services().map(|service| service.name);
        if services.any(|known| known == name) {
            continue;
        }
        let known = zoners_policy::services().map(|service| service.name);
        let hint = match nearest(name, known) {
            Some(known) => format!("did you mean {known:?}?"),
            None => "`zoners policy services` shows all".to_owned(),
        };
        let what = format!("there is no service {name:?}: {hint}");
        wrong(&format!("{path}.blocked-services[{place}]"), &what);
    }
}

/// The known name that is most like a name.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let alike = known.map(|known| (strsim::jaro_winkler(&name, &known.to_lowercase()), known));
    let none = iter::once((ALIKE, "")).chain(alike);
    let best = none.max_by(|one, other| one.0.total_cmp(&other.0))?.1;
    (!best.is_empty()).then_some(best)
}
