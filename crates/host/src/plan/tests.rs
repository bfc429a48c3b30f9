//! Plans in a folder that stands for a machine: every moment of death, every full disk, random trees.

pub(crate) mod faults;
mod kill_points;
mod meanwhile;
mod random_trees;
pub(crate) mod world;
