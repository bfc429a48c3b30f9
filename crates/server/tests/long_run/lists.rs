//! Policy lists that change while clients ask: each version blocks other domains.

use std::sync::Arc;

use zoners_policy::{CompiledPolicy, ListSource, MemoryStorage, PolicyCompiler};
use zoners_server::Config;
use zoners_server::policy::groups::PolicyGroups;
use zoners_server::policy::{ListPolicy, PolicySurroundings};

use crate::laptop::DOMAINS;

/// One domain in so many is blocked.
const ONE_IN: usize = 15;
/// Names in a list beside, of which nobody asks for one.
const MORE: usize = 5_000;
/// 2026-11-30 12:00 UTC.
const MONDAY_NOON: u64 = 1_796_040_000;

/// The configuration of the list.
pub(crate) const TEXT: &str = "[[policy.list]]\nname = \"ads\"\npath = \"/nowhere\"\n";

/// Whether a version of the list blocks a domain.
pub(crate) fn blocks(version: u32, domain: usize) -> bool {
    domain % ONE_IN == version as usize % ONE_IN
}

/// The policy of a version of the list, compiled anew.
pub(crate) fn policy(version: u32) -> Arc<ListPolicy> {
    let config = Config::parse(TEXT, "zoners.toml").unwrap();
    let (scratch, file) = (MemoryStorage::default(), Arc::new(MemoryStorage::default()));
    let mut compiler = PolicyCompiler::new([5, 6], &scratch);
    let source = ListSource { name: "ads".into(), form: None, allows: false };
    compiler.add_list(&source, &mut text(version).as_bytes()).unwrap();
    compiler.finish(&*file, [0; 32]).unwrap();
    let compiled = Arc::new(CompiledPolicy::open(file, None).unwrap());
    let groups = PolicyGroups::read(&config).unwrap();
    let now = PolicySurroundings::at(MONDAY_NOON);
    Arc::new(ListPolicy::new(&config.policy, &groups, compiled, &now).unwrap())
}

fn text(version: u32) -> String {
    let blocked = (0..DOMAINS).filter(|domain| blocks(version, *domain));
    let blocked = blocked.map(|domain| format!("||d{domain}.t{}^\n", domain % 4));
    let more =
        (0..MORE).map(|number| format!("||n{number}.version{:04}.test^\n", version % 10_000));
    blocked.chain(more).collect()
}
