use super::*;

fn head() -> EntryHeader {
    EntryHeader::new(7, Moment::from_millis(9), true, 0, NONE)
}

#[test]
fn entries_are_read_back() {
    let mut arena = Arena::default();
    let block = arena.allocate().unwrap();
    let places: Vec<u32> =
        (0..100u8).map(|n| arena.append(block, head(), &[n; 5], &vec![n; n.into()])).collect();
    for (n, at) in places.iter().enumerate() {
        assert_eq!(arena.key(*at), [n as u8; 5]);
        assert_eq!(arena.value(*at), Some((&vec![n as u8; n][..], Moment::from_millis(9))));
        let head = arena.head(*at).unwrap();
        assert!((head.hash, head.keeps_stale, head.newer, head.older) == (7, true, NONE, NONE));
    }
    assert_eq!(arena.entries().collect::<Vec<_>>(), places);
    assert_eq!(
        arena.entries_of(block, Arena::behind(places[98])).collect::<Vec<_>>(),
        [places[99]]
    );
    assert!(arena.head(NONE).is_none() && arena.key(NONE).is_empty());
}

#[test]
fn a_block_is_filled_to_its_end_and_no_further() {
    let mut arena = Arena::default();
    let block = arena.allocate().unwrap();
    let value = vec![1; BLOCK_OCTETS / 2 - HEADER_OCTETS - 1];
    assert_eq!(size(&[1], &value), BLOCK_OCTETS / 2);
    arena.append(block, head(), &[1], &value);
    assert_eq!(arena.room_in(block), BLOCK_OCTETS / 2);
    let last = arena.append(block, head(), &[2], &value);
    assert_eq!((arena.room_in(block), arena.key(last)), (0, &[2][..]));
    assert_eq!(arena.append(block, head(), &[3], &[]), NONE);
    assert_eq!(arena.live(), BLOCK_OCTETS);
}

#[test]
fn compaction_closes_gaps_and_keeps_marks() {
    let mut arena = Arena::default();
    let block = arena.allocate().unwrap();
    let mut places: Vec<u32> =
        (0..50u8).map(|n| arena.append(block, head(), &[n], &[n; 40])).collect();
    arena.mark(places[7], Mark::Visited);
    arena.mark(places[9], Mark::Claimed);
    places.iter().step_by(2).for_each(|at| arena.remove(*at));
    let room = arena.room_in(block);
    let before = arena.compactions(block);
    arena.compact(block, |_, from, to| {
        let at = places.iter().position(|at| *at == from).unwrap();
        places[at] = to;
    });
    assert_eq!(arena.room_in(block), room + 25 * size(&[1], &[1; 40]));
    assert_ne!(arena.compactions(block), before, "a visit notices");
    for (n, at) in places.iter().enumerate().filter(|(n, _)| n % 2 == 1) {
        assert_eq!(arena.key(*at), [n as u8]);
        assert_eq!(arena.is_marked(*at, Mark::Visited), n == 7);
        assert_eq!(arena.is_marked(*at, Mark::Claimed), n == 9);
    }
    assert!(!arena.mark(places[7], Mark::Visited) && arena.mark(places[7], Mark::Claimed));
}

#[test]
fn a_value_with_as_many_units_is_overwritten_in_place() {
    let mut arena = Arena::default();
    let block = arena.allocate().unwrap();
    let at = arena.append(block, head(), b"k", &[1; 40]);
    let behind = arena.append(block, head(), b"l", &[2; 40]);
    for (length, fits) in [(32, true), (47, true), (31, false), (48, false)] {
        let value = vec![3; length];
        assert_eq!(arena.overwrite(at, &value, Moment::NEVER, 0), fits, "{length}");
        if fits {
            assert_eq!(arena.value(at), Some((&value[..], Moment::NEVER)));
        }
        assert_eq!((arena.key(at), arena.key(behind)), (&b"k"[..], &b"l"[..]));
    }
}

#[test]
fn empty_blocks_are_released_and_reused() {
    let mut arena = Arena::default();
    let blocks = [arena.allocate().unwrap(), arena.allocate().unwrap(), arena.allocate().unwrap()];
    let at = arena.append(blocks[1], head(), &[1], &[1]);
    arena.release_empty();
    assert_eq!(arena.allocated(), 1);
    assert_eq!(arena.emptiest(None), Some((blocks[1], size(&[1], &[1]))));
    assert_eq!(arena.emptiest(Some(blocks[1])), None);
    let again = arena.allocate().unwrap();
    let copied = arena.copy(at, again);
    assert_eq!((again, arena.key(copied)), (blocks[0], &[1][..]));
    arena.remove(at);
    arena.release_empty();
    assert_eq!((arena.allocated(), arena.live()), (1, size(&[1], &[1])));
}
