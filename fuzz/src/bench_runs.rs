//! A kept run of the performance test: whatever the file says, a report can be made of it, alone and
//! beside itself.

use zoners_bench::{BenchReport, SavedRun, report};

/// Reads `octets` as a run.
pub fn run(octets: &[u8]) {
    let Ok(record) = serde_json::from_slice::<SavedRun>(octets) else { return };
    for before in [None, Some(&record)] {
        let report = BenchReport::of(&record, before);
        assert_eq!(report.targets.len(), record.targets.len());
        let mut lines = Vec::new();
        report::csv::write(&report, &mut lines).expect("memory");
        let page = report::html::page(&report);
        assert!(!page.contains("<script"), "nothing of a run is markup");
        serde_json::to_string(&report).expect("it can be told");
    }
    assert!(record.comparable(&record).is_ok());
    let again = serde_json::to_vec(&record).expect("it can be kept");
    let again: SavedRun = serde_json::from_slice(&again).expect("it was kept");
    assert_eq!(format!("{again:?}"), format!("{record:?}"));
}
