//! Random trees, random plans, random deaths.

use proptest::collection::vec;
use proptest::prelude::*;

use super::faults::FaultKind;
use super::world::World;
use crate::plan::{LinePosition, PlanStep, SystemPlan};

/// Paths that trees and plans have in common, so that they meet.
const PATHS: [&str; 5] = ["/etc/a", "/etc/b", "/etc/sub/c", "/etc/sub/d", "/etc/deep/er/e"];

#[derive(Clone, Debug)]
enum Before {
    Nothing,
    File(Vec<u8>, u32),
    Link(String),
}

fn before() -> impl Strategy<Value = Before> {
    prop_oneof![
        Just(Before::Nothing),
        (vec(any::<u8>(), 0..40), 0..0o777u32)
            .prop_map(|(content, mode)| Before::File(content, mode)),
        "[a-z./]{1,12}".prop_map(Before::Link),
    ]
}

fn step() -> impl Strategy<Value = PlanStep> {
    let path = || prop::sample::select(PATHS.to_vec());
    prop_oneof![
        (path(), "[a-z\n]{0,40}").prop_map(|(path, text)| PlanStep::write(path, text)),
        (path(), "[a-z./]{1,12}").prop_map(|(path, target)| PlanStep::link(path, &target)),
        path().prop_map(|path| PlanStep::RemoveFile { path: path.into() }),
        (path(), "[a-z]{1,8}\n", any::<bool>()).prop_map(|(path, lines, start)| {
            let position = if start { LinePosition::Start } else { LinePosition::End };
            PlanStep::AddLines { path: path.into(), lines, position }
        }),
    ]
}

fn build(tree: &[Before]) -> World {
    let world = World::new();
    for (path, before) in PATHS.iter().zip(tree) {
        let place = world.at(path);
        match before {
            Before::Nothing => {}
            Before::File(content, mode) => {
                world.write(path, "");
                std::fs::write(&place, content).unwrap();
                let mode = std::os::unix::fs::PermissionsExt::from_mode(*mode | 0o400);
                std::fs::set_permissions(&place, mode).unwrap();
            }
            Before::Link(target) => {
                std::fs::create_dir_all(place.parent().unwrap()).unwrap();
                world.link(path, target);
            }
        }
    }
    world
}

/// Each path once, as a plan made for a system has them, after the folders.
fn plan(steps: Vec<PlanStep>) -> SystemPlan {
    let folders = ["/etc/sub", "/etc/deep", "/etc/deep/er"].map(PlanStep::folder);
    let mut plan = SystemPlan { steps: folders.into() };
    for step in steps {
        if plan.steps.iter().all(|known| known.key() != step.key()) {
            plan.steps.push(step);
        }
    }
    plan
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_tree_returns_after_every_plan_and_death(
        tree in vec(before(), PATHS.len()),
        first in vec(step(), 0..6),
        second in vec(step(), 0..6),
        deaths in (0..200usize, 0..200usize, 0..200usize),
    ) {
        let world = build(&tree);
        let before = world.tree();
        // A plan may fail, as a link that leads nowhere cannot be edited; then it is undone.
        let _ = world.install(&plan(first), FaultKind::Death(deaths.0));
        let _ = world.install(&plan(second), FaultKind::Death(deaths.1));
        let _ = world.uninstall(true, FaultKind::Death(deaths.2));
        prop_assert_eq!(world.uninstall(true, FaultKind::None).0, Ok(()));
        prop_assert_eq!(world.tree(), before);
    }
}
