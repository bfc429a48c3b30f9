use std::os::unix::fs::PermissionsExt;

use zoners_api::QueryOutcome;
use zoners_dns::Transport;

use super::*;
use crate::filter::LogFilter;
use crate::search::search;

const FOREVER: Retention = Retention { age_s: u64::MAX, octets: u64::MAX };

fn row(received_s: u64, name: &[u8]) -> LogRow<'_> {
    LogRow {
        received_s,
        client: "192.0.2.7".parse().ok(),
        transport: Transport::Udp,
        question: Some((name, 1)),
        outcome: QueryOutcome::Cached,
        rcode: Some(0),
        ede: None,
        took_ms: 0,
    }
}

/// The seconds of all rows in a folder.
fn logged(folder: &Path) -> Vec<u64> {
    let mut seconds = Vec::new();
    search(folder, &LogFilter::default(), |row| {
        seconds.push(row.received_s);
        true
    })
    .unwrap();
    seconds
}

#[test]
fn rows_of_each_hour_lie_in_a_segment_for_this_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("queries");
    let mut writer = LogWriter::open(&folder, FOREVER).unwrap();
    for received_s in [10_000, 10_001, 13_599, 13_600, 20_000] {
        writer.add(&row(received_s, b"\x01a\0")).unwrap();
    }
    writer.write().unwrap();
    let begins: Vec<u64> = segments(&folder).unwrap().iter().map(|it| it.begin_s).collect();
    assert_eq!(begins, [10_000, 13_600, 20_000]);
    assert_eq!(logged(&folder), [10_000, 10_001, 13_599, 13_600, 20_000]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert!(segments(&folder).unwrap().iter().all(|it| mode(&it.path) == 0o600));
}

#[test]
fn a_crash_in_the_middle_of_a_row_loses_that_row_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = LogWriter::open(folder.path(), FOREVER).unwrap();
    (100..103).for_each(|second| writer.add(&row(second, b"\x01a\0")).unwrap());
    writer.write().unwrap();
    let segment = segments(folder.path()).unwrap().remove(0);
    let file = OpenOptions::new().write(true).open(&segment.path).unwrap();
    file.set_len(segment.octets - 1).unwrap();
    let mut next = LogWriter::open(folder.path(), FOREVER).unwrap();
    next.add(&row(102, b"\x01b\0")).unwrap();
    next.write().unwrap();
    assert_eq!(logged(folder.path()), [100, 101, 102]);
}

#[test]
fn two_segments_of_one_second_have_names_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let mut writer = LogWriter::open(folder.path(), FOREVER).unwrap();
        writer.add(&row(5000, b"\x01a\0")).unwrap();
        writer.write().unwrap();
    }
    assert_eq!(segments(folder.path()).unwrap().len(), 2);
    assert_eq!(logged(folder.path()), [5000, 5000]);
}

#[test]
fn a_clock_that_is_set_back_begins_another_segment() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = LogWriter::open(folder.path(), FOREVER).unwrap();
    for received_s in [9000, 4000, 4001] {
        writer.add(&row(received_s, b"\x01a\0")).unwrap();
    }
    writer.write().unwrap();
    assert_eq!(logged(folder.path()), [4000, 4001, 9000]);
}

#[test]
fn segments_that_have_expired_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let retention = Retention { age_s: 10_000, octets: u64::MAX };
    let mut writer = LogWriter::open(folder.path(), retention).unwrap();
    for received_s in [10_000, 20_000, 30_000] {
        writer.add(&row(received_s, b"\x01a\0")).unwrap();
    }
    writer.write().unwrap();
    assert_eq!(writer.expire(31_000).unwrap(), 1);
    assert_eq!(writer.expire(31_000).unwrap(), 0);
    assert_eq!(logged(folder.path()), [20_000, 30_000]);
}

#[test]
fn rows_that_a_full_disk_refuses_are_lost_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = LogWriter::open(folder.path(), FOREVER).unwrap();
    writer.add(&row(100, b"\x01a\0")).unwrap();
    writer.write().unwrap();
    // A device on which every write finds no space.
    let full = OpenOptions::new().append(true).open("/dev/full").unwrap();
    let before = std::mem::replace(&mut writer.current.as_mut().unwrap().file, full);
    writer.add(&row(101, b"\x01a\0")).unwrap();
    assert_eq!(writer.write().unwrap_err().kind(), io::ErrorKind::StorageFull);
    drop(before);
    writer.add(&row(102, b"\x01a\0")).unwrap();
    writer.write().unwrap();
    assert_eq!(logged(folder.path()), [100, 102]);
}

#[test]
fn a_part_of_a_row_is_cut_off_and_the_segment_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = LogWriter::open(folder.path(), FOREVER).unwrap();
    writer.add(&row(100, b"\x01a\0")).unwrap();
    writer.write().unwrap();
    // As a disk that takes a part: the octets stand in the file, and are not counted as written.
    let current = writer.current.as_mut().unwrap();
    current.file.write_all(&[9; 30]).unwrap();
    writer.cut_off();
    writer.add(&row(102, b"\x01a\0")).unwrap();
    writer.write().unwrap();
    assert_eq!(logged(folder.path()), [100, 102]);
    assert_eq!(segments(folder.path()).unwrap().len(), 1);
}
