//! A group of clients over time: its settings, and schedules that add to the settings.

use crate::groups::{GroupSettings, ListSet};
use crate::schedule::WeekSchedule;
use crate::services::ServiceSet;

/// A group with its schedules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPlan {
    /// The settings at all times.
    pub settings: GroupSettings,
    /// The schedules.
    pub schedules: Vec<GroupSchedule>,
}

/// Further blocking at times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSchedule {
    /// The name in reports.
    pub name: String,
    /// The times.
    pub times: WeekSchedule,
    /// Lists in force at these times.
    pub lists: ListSet,
    /// Services blocked at these times.
    pub services: ServiceSet,
    /// Whether every name is blocked at these times, except allowed names.
    pub blocks_everything: bool,
}

impl GroupPlan {
    /// The settings at a moment in Unix time.
    #[must_use]
    pub fn at(&self, unix_seconds: u64) -> GroupSettings {
        let mut settings = self.settings.clone();
        for schedule in self.schedules.iter().filter(|own| own.times.is_on(unix_seconds)) {
            settings.lists.extend(&schedule.lists);
            settings.services.extend(&schedule.services);
            settings.schedules.push(schedule.name.clone());
            if schedule.blocks_everything && settings.blocked_by_schedule.is_none() {
                settings.blocked_by_schedule = Some(schedule.name.clone());
            }
        }
        settings
    }

    /// The next moment in Unix time at which a schedule begins or ends.
    #[must_use]
    pub fn next_change(&self, unix_seconds: u64) -> Option<u64> {
        self.schedules.iter().filter_map(|own| own.times.next_change(unix_seconds)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::groups::BlockStyle;
    use crate::schedule::{WeekDays, ZoneRules};

    const HOUR: u64 = 3600;

    fn schedule(name: &str, hours: &str, list: usize, blocks_everything: bool) -> GroupSchedule {
        let mut lists = ListSet::default();
        lists.insert(list);
        let times = WeekSchedule::new(WeekDays::ALL, &[hours.parse().unwrap()], ZoneRules::utc());
        let services = ServiceSet::default();
        GroupSchedule { name: name.into(), times, lists, services, blocks_everything }
    }

    #[test]
    fn schedules_add_to_the_settings_while_they_are_on() {
        let schedules = vec![
            schedule("homework", "14:00-18:00", 3, false),
            schedule("bedtime", "17:00-07:00", 4, true),
        ];
        let settings = GroupSettings::new("kids", ListSet::default(), BlockStyle::Nxdomain);
        let plan = GroupPlan { settings, schedules };
        let at = |hour: u64| {
            let now = plan.at(hour * HOUR);
            let lists: Vec<usize> = (0..9).filter(|list| now.lists.contains(*list)).collect();
            (now.schedules, lists, now.blocked_by_schedule)
        };
        assert_eq!(at(12), (vec![], vec![], None));
        assert_eq!(at(14), (vec!["homework".into()], vec![3], None));
        let both = vec!["homework".into(), "bedtime".into()];
        assert_eq!(at(17), (both, vec![3, 4], Some("bedtime".into())));
        assert_eq!(at(18), (vec!["bedtime".into()], vec![4], Some("bedtime".into())));
        let changes = [(0, 7), (7, 14), (14, 17), (17, 18), (18, 24 + 7)];
        for (from, to) in changes {
            assert_eq!(plan.next_change(from * HOUR), Some(to * HOUR), "after {from}:00");
        }
        let plain = GroupPlan { schedules: vec![], ..plan };
        assert_eq!(plain.next_change(0), None);
    }
}
