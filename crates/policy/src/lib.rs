//! Lists of rules in; a decision on a question or an answer, and the reason, out.
//!
//! Lists in several forms ([`ListForm`]) are compiled into one file ([`PolicyCompiler`]), of which a fingerprint of each
//! name stays in memory ([`CompiledPolicy`]). [`PolicyRules`] adds the groups of clients and gives verdicts on questions
//! and answers, each with the list, the line and the rule behind.
//!
//! The crate opens no file, reads no clock and starts no thread: texts come as [`std::io::Read`], compiled files as
//! [`Storage`].
//!
//! # Examples
//!
//! ```
//! use std::sync::Arc;
//!
//! use zoners_dns::{Rtype, name};
//! use zoners_policy::*;
//!
//! let (scratch, file) = (MemoryStorage::default(), Arc::new(MemoryStorage::default()));
//! let mut compiler = PolicyCompiler::new([1, 2], &scratch);
//! let list = ListSource { name: "ads".into(), form: None, allows: false };
//! compiler.add_list(&list, &mut &b"! ads\n||ads.example^\n@@||good.ads.example^\n"[..]).unwrap();
//! compiler.finish(&*file, [0; 32]).unwrap();
//!
//! let compiled = Arc::new(CompiledPolicy::open(file, Some([0; 32])).unwrap());
//! let group = GroupSettings::new("default", ListSet::all(), BlockStyle::Nxdomain);
//! let rules = PolicyRules::new(compiled, vec![group]).unwrap();
//! let region = rules.region("192.0.2.1".parse().unwrap());
//! let asked = name::parse("www.ads.example").unwrap();
//! let verdict = rules.judge_question(region, asked.for_slice(), Rtype::A).unwrap();
//! let PolicyVerdict::Act(PolicyAction::Nxdomain, reason) = verdict else { panic!("{verdict:?}") };
//! assert_eq!(reason.to_string(), "list ads, line 2: ||ads.example^");
//! ```

mod catalogue;
mod compile;
mod compiled;
mod form;
mod glob;
mod group_plan;
mod groups;
mod guard;
mod operator_rules;
mod options;
mod parsers;
mod policy_rules;
mod precedence;
mod rebinding;
mod regions;
mod rule;
mod safe_search;
mod schedule;
mod services;
mod storage;
mod suffixes;
mod targets;
mod verdict;

pub use catalogue::{CatalogueEntry, catalogue, catalogue_entry};
pub use compile::{CompileError, ListSource, PolicyCompiler};
pub use compiled::header::DIGEST_OCTETS;
pub use compiled::manifest::MAX_LISTS;
pub use compiled::{CompiledPolicy, ListEntry, OpenError};
pub use form::{ListForm, NoListForm};
pub use group_plan::{GroupPlan, GroupSchedule};
pub use groups::{BlockStyle, GroupSettings, ListSet};
pub use guard::{GuardDecision, HOLD_SECONDS, HeldVersion, ListGuard, ListSurprise, ListVersion};
pub use operator_rules::{MAX_OPERATOR_RULES, NoOperatorRule, OperatorRule, OperatorRules};
pub use options::{Negatable, RewriteAnswer, RuleOptions};
pub use parsers::{ListText, MAX_LINE_OCTETS, SkipCounts, SkipReason, read_list};
pub use policy_rules::PolicyRules;
pub use policy_rules::review::{IdleRule, IdleRules, ListReview};
pub use rebinding::RebindingProtection;
pub use regions::{ClientRegions, MAX_REGIONS, TooManyRegions};
pub use rule::{ListRule, RuleAction, RulePattern, RuleScope};
pub use safe_search::SafeSearch;
pub use schedule::{DayHours, MAX_HOURS, WeekDays, WeekSchedule, ZoneRules};
pub use services::{BlockableService, ServiceSet, services};
pub use storage::{MemoryStorage, Storage};
pub use verdict::{MatchingRule, PolicyAction, PolicyVerdict, RuleReason, RuleSource};
