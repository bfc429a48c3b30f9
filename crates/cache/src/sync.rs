//! The locks and atomics of the table. With the feature `loom` they are those of loom, whose tests run through
//! the orders in which threads can meet (`scripts/loom`).

#[cfg(not(feature = "loom"))]
pub(crate) use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
#[cfg(feature = "loom")]
pub(crate) use loom::sync::{
    RwLock as ShardedLock, RwLockReadGuard as ShardedLockReadGuard,
    RwLockWriteGuard as ShardedLockWriteGuard, atomic::AtomicU64,
};
#[cfg(not(feature = "loom"))]
pub(crate) use std::sync::atomic::AtomicU64;
