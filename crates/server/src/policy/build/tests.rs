//! Compilations with copies and guards, in virtual time.

use std::path::PathBuf;

use zoners_dns::name;
use zoners_http::Validators;
use zoners_policy::ListSurprise;
use zoners_zones::ZoneCopy;
use zoners_zones::stored::StoredZone;

use super::*;
use crate::policy::supply::SuppliedList;
use crate::policy::supply::book::{ListRecord, id_of};

const NOW: u64 = 1_800_000_000;
const DAY: u64 = 24 * 3600;

/// A state folder with the lists `a`, a file, and `b`, an address.
struct BuildLab {
    folder: tempfile::TempDir,
    config: PolicyConfig,
    store: TextStore,
    book: ListBook,
    zones: TransferredZones,
}

impl BuildLab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[[policy.list]]\nname = \"a\"\npath = {:?}\n\
             [[policy.list]]\nname = \"b\"\nurl = \"https://lists.example/b\"\n\
             [[policy.list]]\nname = \"c\"\nzone = \"rpz.example\"\n",
            folder.path().join("a.txt").display().to_string()
        );
        let config = Config::parse(&text, "zoners.toml").unwrap().policy;
        let store = TextStore::new(Some(folder.path()));
        let (book, zones) = (ListBook::default(), TransferredZones::default());
        BuildLab { folder, config, store, book, zones }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("a.txt")
    }

    fn write(&self, text: &str) {
        // A new inode: a file that is written in place within the resolution of its time may look the same.
        let beside = self.folder.path().join("a.new");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, self.file()).unwrap();
    }

    /// As after a download of `b`.
    fn download(&mut self, text: &str) {
        let list = &self.config.list[1];
        let mut copy = self.store.begin(None).unwrap();
        io::Write::write_all(&mut copy, text.as_bytes()).unwrap();
        let digest = copy.finish(&id_of(list)).unwrap();
        self.book.configure(&self.config.list);
        self.book.record(&id_of(list)).unwrap().note_copy(digest, Validators::default());
    }

    /// The rules of each compiled list.
    fn build(&mut self, now_s: u64) -> Vec<(String, u32)> {
        let folder = Some(self.folder.path());
        let (config, store, zones) = (&self.config, &self.store, &self.zones);
        let build = PolicyBuild { config, folder, store, zones, key: [1, 2], now_s };
        let BuiltPolicy { compiled, sources, book, .. } = build.run(self.book.clone()).unwrap();
        self.book = book;
        assert_eq!(digest(&self.config, &self.book), sources);
        assert!(!self.has_news(now_s), "the work is done");
        let opened = open(self.folder.path(), sources).unwrap();
        assert_eq!(opened.names(), compiled.names());
        compiled.lists().iter().map(|list| (list.name.clone(), list.rules)).collect()
    }

    fn has_news(&self, now_s: u64) -> bool {
        has_news(&self.config, &self.book, &self.zones, now_s)
    }

    /// As after a transfer of `c`.
    fn transfer(&self, serial: u32, records: &str) {
        let apex = name::parse("rpz.example").unwrap();
        let text = format!("@ 3600 SOA ns host {serial} 3600 600 86400 60\n{records}");
        let zone = zoners_zones::file::load(&apex, &text, 1 << 20).unwrap();
        let mut octets = Vec::new();
        zoners_zones::saved::write(&zone, &mut octets).unwrap();
        let stored = StoredZone::open(&apex, Arc::new(octets)).unwrap();
        self.zones.put(apex, ZoneCopy::Stored(stored.into()));
    }

    fn expire(&self) {
        let copy = ZoneCopy::Unavailable("the copy has expired".into());
        self.zones.put(name::parse("rpz.example").unwrap(), copy);
    }

    fn record(&mut self, list: usize) -> &mut ListRecord {
        let id = id_of(&self.config.list[list]);
        self.book.record(&id).unwrap()
    }
}

fn rules(list: &str, count: u32) -> (String, u32) {
    (list.to_owned(), count)
}

fn names(count: usize) -> String {
    (0..count).map(|number| format!("0.0.0.0 n{number}.example\n")).collect()
}

#[test]
fn a_list_without_a_text_is_left_out_until_there_is_one() {
    let mut lab = BuildLab::new();
    assert_eq!(lab.build(NOW), []);
    assert!(lab.record(0).error.as_ref().unwrap().contains("No such file"));
    lab.write(&names(3));
    assert!(lab.has_news(NOW));
    assert_eq!(lab.build(NOW), [rules("a", 3)]);
    assert_eq!(lab.record(0).error, None);
    lab.download(&names(5));
    assert_eq!(lab.build(NOW), [rules("a", 3), rules("b", 5)]);
}

#[test]
fn a_file_that_is_gone_or_no_list_leaves_its_copy_in_force_and_other_lists_go_on() {
    let mut lab = BuildLab::new();
    lab.write(&names(3));
    lab.build(NOW);
    fs::remove_file(lab.file()).unwrap();
    lab.download(&names(5));
    assert_eq!(lab.build(NOW), [rules("a", 3), rules("b", 5)]);
    lab.write("<html>busy</html>\n");
    lab.download(&names(6));
    assert_eq!(lab.build(NOW), [rules("a", 3), rules("b", 6)]);
    assert!(lab.record(0).error.as_ref().unwrap().contains("web page"));
    lab.write(&names(4));
    assert_eq!(lab.build(NOW), [rules("a", 4), rules("b", 6)]);
}

#[test]
fn a_list_that_shrinks_much_waits_a_day_and_other_lists_do_not_wait() {
    let mut lab = BuildLab::new();
    lab.write(&names(1000));
    lab.build(NOW);
    lab.write(&names(400));
    lab.download(&names(5));
    assert_eq!(lab.build(NOW), [rules("a", 1000), rules("b", 5)]);
    assert_eq!(lab.record(0).guard.held().unwrap().surprise, ListSurprise::Shrank);
    assert!(!lab.has_news(NOW + DAY - 1));
    assert!(lab.has_news(NOW + DAY));
    assert_eq!(lab.build(NOW + DAY), [rules("a", 400), rules("b", 5)]);
    assert_eq!(lab.record(0).guard.former_rules(), Some(1000));
}

#[test]
fn a_list_that_is_nearly_empty_waits_for_a_person() {
    let mut lab = BuildLab::new();
    lab.download(&names(1000));
    lab.build(NOW);
    lab.download(&names(50));
    assert_eq!(lab.build(NOW), [rules("b", 1000)]);
    assert!(!lab.has_news(NOW + 100 * DAY));
    assert!(lab.record(1).guard.accept());
    assert_eq!(lab.build(NOW), [rules("b", 50)]);
}

#[test]
fn a_download_without_a_rule_is_no_list() {
    let mut lab = BuildLab::new();
    lab.download(&names(3));
    lab.build(NOW);
    // Each line looks like a rule, and none is one.
    lab.download("0.0.0.0 localhost\n127.0.0.1 localhost\n");
    assert_eq!(lab.build(NOW), [rules("b", 3)]);
    assert!(lab.record(1).fault.as_ref().unwrap().contains("no line"));
    lab.download(&names(4));
    assert_eq!(lab.build(NOW), [rules("b", 4)]);
    assert_eq!(lab.record(1).fault, None);
}

#[test]
fn a_list_may_change_its_form() {
    let mut lab = BuildLab::new();
    lab.download(&names(3));
    lab.build(NOW);
    lab.download("||a.example^\n||b.example^\n");
    assert_eq!(lab.build(NOW), [rules("b", 2)]);
}

#[test]
fn the_compiled_file_is_used_after_a_restart_with_the_same_book_alone() {
    let mut lab = BuildLab::new();
    lab.write(&names(3));
    lab.build(NOW);
    lab.book.write(Some(lab.folder.path()));
    let read = ListBook::read(Some(lab.folder.path()));
    assert!(open(lab.folder.path(), digest(&lab.config, &read)).is_ok());
    let without = digest(&lab.config, &ListBook::default());
    assert!(matches!(open(lab.folder.path(), without), Err(OpenError::OtherSources)));
}

#[test]
fn a_copy_that_is_lost_is_made_anew() {
    let mut lab = BuildLab::new();
    lab.write(&names(3));
    lab.download(&names(5));
    lab.build(NOW);
    for entry in fs::read_dir(lab.folder.path()).unwrap().map(Result::unwrap) {
        if texts::is_text_file(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    assert_eq!(lab.build(NOW), [rules("a", 3)], "the address is asked again");
    assert_eq!(lab.record(1).validators(), Validators::default());
    assert_eq!(lab.record(1).terms(DAY).fetched_s, None);
}

#[test]
fn the_files_of_the_folder_are_for_the_user_of_the_daemon_alone() {
    use std::os::unix::fs::MetadataExt;
    let mut lab = BuildLab::new();
    lab.download(&names(3));
    lab.build(NOW);
    let mut count = 0;
    for entry in fs::read_dir(lab.folder.path()).unwrap().map(Result::unwrap) {
        assert!(is_own_file(&entry.file_name().to_string_lossy()), "{entry:?}");
        assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{entry:?}");
        count += 1;
    }
    assert_eq!(count, 2, "the copy and the compiled file");
}

#[test]
fn a_transferred_zone_is_a_list_which_outlasts_the_zone() {
    let mut lab = BuildLab::new();
    lab.zones.put(name::parse("rpz.example").unwrap(), ZoneCopy::Unavailable("absent".into()));
    assert!(!lab.has_news(NOW) || lab.build(NOW).is_empty());
    lab.transfer(1, "bad.test CNAME .\n*.bad.test CNAME .\n");
    assert!(lab.has_news(NOW));
    assert_eq!(lab.build(NOW), [rules("c", 2)]);
    lab.expire();
    assert!(!lab.has_news(NOW));
    assert_eq!(lab.build(NOW), [rules("c", 2)]);
    let supplied = SuppliedList::all(&lab.config, &lab.book, &lab.zones);
    assert_eq!(supplied[2].record.error.as_deref(), Some("the copy has expired"));
    assert_eq!(supplied[2].origin, "zone rpz.example.");
    lab.transfer(2, "bad.test CNAME .\n");
    assert_eq!(lab.build(NOW), [rules("c", 1)]);
}

#[test]
fn a_transferred_zone_that_shrinks_much_waits_a_day() {
    let mut lab = BuildLab::new();
    let records = |count| (0..count).map(|it| format!("n{it}.test CNAME .\n")).collect::<String>();
    lab.transfer(1, &records(1000));
    assert_eq!(lab.build(NOW), [rules("c", 1000)]);
    lab.transfer(2, &records(400));
    assert_eq!(lab.build(NOW), [rules("c", 1000)]);
    assert_eq!(lab.record(2).guard.held().unwrap().surprise, ListSurprise::Shrank);
    assert_eq!(lab.build(NOW + DAY), [rules("c", 400)]);
}
