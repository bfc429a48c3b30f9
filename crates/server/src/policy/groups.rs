//! Groups of a configuration, with the time zones of their schedules.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use zoners_dns::Prefix;
use zoners_policy::{
    BlockStyle, CompiledPolicy, GroupPlan, GroupSchedule, GroupSettings, ListSet, ServiceSet,
    WeekDays, WeekSchedule, ZoneRules,
};

use crate::config::{
    ClientNaming, Config, ConfigError, DEFAULT_GROUP, PolicyConfig, PolicyGroupConfig,
    PolicyScheduleConfig, ZoneName, nearest,
};
use crate::pipeline::local::GroupRecords;

/// The folder of the system's time zones.
pub(crate) const ZONES: &str = "/usr/share/zoneinfo";
/// The time zone of this machine.
pub(crate) const OWN_ZONE: &str = "/etc/localtime";
/// The names of the zones, in the third column.
const ZONE_TABLE: &str = "zone.tab";
/// Octets of the largest file of a zone; real files have some thousand.
const MAX_ZONE_OCTETS: u64 = 1 << 20;

/// The groups, ready for a compiled policy.
#[derive(Debug)]
pub struct PolicyGroups {
    /// The zones that the configuration names.
    zones: BTreeMap<ZoneName, ZoneRules>,
    /// The zone of schedules that name none.
    own_zone: ZoneRules,
    /// The records of groups, by name of the group.
    records: BTreeMap<String, Arc<GroupRecords>>,
}

impl PolicyGroups {
    /// Reads the time zones of the schedules.
    ///
    /// # Errors
    /// The system does not have a zone.
    pub fn read(config: &Config) -> Result<Self, ConfigError> {
        let (mut zones, mut error) = (BTreeMap::new(), ConfigError::default());
        let named = config.policy.group.iter().enumerate().flat_map(|(at, group)| {
            let schedules = group.schedule.iter().enumerate();
            schedules.map(move |(number, schedule)| {
                let path = format!("policy.group[{at}].schedule[{number}].time-zone");
                (path, schedule.time_zone.as_ref())
            })
        });
        let whole = ("policy.time-zone".to_owned(), config.policy.time_zone.as_ref());
        for (path, name) in named.chain([whole]) {
            let Some(name) = name.filter(|name| !zones.contains_key(*name)) else { continue };
            match read_zone(name) {
                Ok(zone) => drop(zones.insert(name.clone(), zone)),
                Err(what) => error.add(config.source.fault(&path, &what)),
            }
        }
        let mut records = BTreeMap::new();
        for (at, group) in config.policy.group.iter().enumerate() {
            let path = format!("policy.group[{at}].records");
            let own = error.take(GroupRecords::read(config, &path, &group.records)).flatten();
            records.extend(own.map(|own| (group.name.clone(), Arc::new(own))));
        }
        error.outcome()?;
        let has_schedules = config.policy.group.iter().any(|group| !group.schedule.is_empty());
        let own_zone = if has_schedules { own_zone() } else { ZoneRules::utc() };
        Ok(PolicyGroups { zones, own_zone, records })
    }

    /// The groups for compiled lists, the default first. Lists that the compiled policy lacks come into force once they
    /// are compiled.
    pub(super) fn plans(&self, config: &PolicyConfig, compiled: &CompiledPolicy) -> Vec<GroupPlan> {
        let plans = PlanBuilder { groups: self, config, compiled };
        let (default, named): (Vec<_>, Vec<_>) =
            config.group.iter().partition(|group| group.name == DEFAULT_GROUP);
        let unnamed = PolicyGroupConfig { name: DEFAULT_GROUP.to_owned(), ..Default::default() };
        let default = default.first().copied().unwrap_or(&unnamed);
        [default].into_iter().chain(named).map(|group| plans.plan(group)).collect()
    }

    /// The records of a group.
    pub(super) fn records(&self, group: &str) -> Option<Arc<GroupRecords>> {
        self.records.get(group).cloned()
    }

    fn zone(&self, config: &PolicyConfig, schedule: &PolicyScheduleConfig) -> ZoneRules {
        let name = schedule.time_zone.as_ref().or(config.time_zone.as_ref());
        name.and_then(|name| self.zones.get(name)).unwrap_or(&self.own_zone).clone()
    }
}

/// Makes plans of groups.
struct PlanBuilder<'a> {
    groups: &'a PolicyGroups,
    config: &'a PolicyConfig,
    compiled: &'a CompiledPolicy,
}

impl PlanBuilder<'_> {
    fn plan(&self, group: &PolicyGroupConfig) -> GroupPlan {
        let scheduled: Vec<&String> =
            group.schedule.iter().flat_map(|schedule| &schedule.lists).collect();
        let every = || {
            let names = self.config.list.iter().map(|list| &list.name);
            names.filter(|name| !scheduled.contains(name)).collect()
        };
        let names: Vec<&String> =
            group.lists.as_ref().map_or_else(every, |names| names.iter().collect());
        let style: &BlockStyle = &group.block_with.as_ref().unwrap_or(&self.config.block_with).0;
        let settings = GroupSettings {
            clients: prefixes(&group.clients),
            services: services(&group.blocked_services),
            safe_search: group.safe_search.clone(),
            block_aaaa: group.block_aaaa,
            block_ptr: group.block_ptr,
            ..GroupSettings::new(&group.name, self.lists(&names), style.clone())
        };
        let schedules = group.schedule.iter().map(|schedule| self.schedule(schedule));
        GroupPlan { settings, schedules: schedules.collect() }
    }

    fn schedule(&self, schedule: &PolicyScheduleConfig) -> GroupSchedule {
        let days = schedule.days.iter().copied().reduce(WeekDays::and).unwrap_or(WeekDays::ALL);
        let zone = self.groups.zone(self.config, schedule);
        GroupSchedule {
            name: schedule.name.clone(),
            times: WeekSchedule::new(days, &schedule.hours, zone),
            lists: self.lists(&schedule.lists.iter().collect::<Vec<_>>()),
            services: services(&schedule.blocked_services),
            blocks_everything: schedule.block_everything,
        }
    }

    /// The numbers of configured lists.
    fn lists(&self, names: &[&String]) -> ListSet {
        let mut set = ListSet::default();
        let is_configured = |name: &str| self.config.list.iter().any(|list| list.name == name);
        let lists = self.compiled.lists();
        let number = |name: &str| lists.iter().position(|list| list.name == name);
        let known = names.iter().filter(|name| is_configured(name));
        known.filter_map(|name| number(name)).for_each(|list| set.insert(list));
        set
    }
}

fn prefixes(clients: &[ClientNaming]) -> Vec<Prefix> {
    let prefixes = clients.iter().filter_map(|client| match client {
        ClientNaming::Prefix(prefix) => Some(*prefix),
        _ => None,
    });
    prefixes.collect()
}

fn services(names: &[String]) -> ServiceSet {
    let mut set = ServiceSet::default();
    names.iter().for_each(|name| {
        set.insert(name);
    });
    set
}

/// The zone of this machine, or UTC.
fn own_zone() -> ZoneRules {
    let path = Path::new(OWN_ZONE);
    let target = fs::read_link(path).ok();
    let name = target.as_ref().and_then(|target| {
        let (_, name) = target.to_str()?.split_once("zoneinfo/")?;
        Some(name)
    });
    let name = name.unwrap_or("the zone of this machine");
    read_small(path).ok().and_then(|octets| ZoneRules::read(name, &octets)).unwrap_or_else(|| {
        tracing::debug!("policy: {OWN_ZONE} has no time zone: schedules go by UTC");
        ZoneRules::utc()
    })
}

/// The zone of a name, or what is wrong.
fn read_zone(ZoneName(name): &ZoneName) -> Result<ZoneRules, String> {
    if name == "UTC" {
        return Ok(ZoneRules::utc());
    }
    let folder = Path::new(ZONES);
    match read_small(&folder.join(name)) {
        Ok(octets) => ZoneRules::read(name, &octets)
            .ok_or_else(|| format!("the file {ZONES}/{name} has no time zone")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(match folder.is_dir() {
            true => format!("there is no time zone {name:?} in {ZONES}{}", hint(name)),
            false => format!("there is no folder {ZONES}: the package tzdata has the time zones"),
        }),
        Err(error) => Err(format!("{ZONES}/{name}: {error}")),
    }
}

/// The zone that may be meant.
fn hint(name: &str) -> String {
    let table = read_small(&Path::new(ZONES).join(ZONE_TABLE)).unwrap_or_default();
    let table = String::from_utf8_lossy(&table);
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    let known = rows.filter_map(|line| line.split('\t').nth(2));
    nearest(name, known).map_or_else(String::new, |known| format!(": did you mean {known:?}?"))
}

fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    let about = fs::metadata(path)?;
    match about.is_file() && about.len() <= MAX_ZONE_OCTETS {
        true => fs::read(path),
        false => Err(io::Error::other("it is no file of a time zone")),
    }
}
