//! The table under every order of two threads. The lock itself is crossbeam's; here loom's stands in its place.

use std::sync::Arc;

use loom::thread;
use zoners_dns::name;

use super::*;
use crate::key::EntryKind;

fn key() -> CacheKey {
    CacheKey::of_name(EntryKind::RRset, name::parse("a.test").unwrap().for_slice())
}

/// A table with a value under [`key`].
fn table() -> Arc<Table> {
    let table = Arc::new(Table::new(1 << 20, Duration::ZERO, [1, 2]));
    assert!(table.insert(&key(), &[1; 8], Moment::NEVER, Moment::default()));
    table
}

fn read(table: &Table) -> Option<Vec<u8>> {
    table.get(key().as_slice(), Moment::default(), |value, _| Some(value.to_vec()))
}

#[test]
fn an_entry_is_claimed_by_one_of_two_threads() {
    loom::model(|| {
        let table = table();
        let claim = {
            let table = table.clone();
            thread::spawn(move || table.claim(key().as_slice()))
        };
        // A hit sets the other mark of the entry meanwhile.
        assert_eq!(read(&table), Some(vec![1; 8]));
        let here = table.claim(key().as_slice());
        assert_ne!(here, claim.join().unwrap());
    });
}

#[test]
fn a_reader_sees_the_old_value_or_the_new_one() {
    loom::model(|| {
        let table = table();
        let writer = {
            let table = table.clone();
            thread::spawn(move || table.insert(&key(), &[2; 64], Moment::NEVER, Moment::default()))
        };
        let seen = read(&table);
        assert!(seen == Some(vec![1; 8]) || seen == Some(vec![2; 64]), "{seen:?}");
        assert!(writer.join().unwrap());
        assert_eq!(read(&table), Some(vec![2; 64]));
    });
}

#[test]
fn of_two_updates_none_is_lost() {
    loom::model(|| {
        let table = table();
        let update = |table: &Table| {
            let add = |old: Option<&[u8]>| Some((vec![old.unwrap()[0] + 1; 8], Moment::NEVER));
            assert!(table.update(&key(), Moment::default(), add));
        };
        let other = {
            let table = table.clone();
            thread::spawn(move || update(&table))
        };
        update(&table);
        other.join().unwrap();
        assert_eq!(read(&table), Some(vec![3; 8]));
    });
}
