//! Versions of lists over downloads, decisions and restarts.

use super::*;
use crate::config::Config;
use zoners_policy::ListVersion;

fn lists(text: &str) -> Vec<PolicyListConfig> {
    Config::parse(text, "zoners.toml").unwrap().policy.list
}

fn two() -> Vec<PolicyListConfig> {
    lists(
        "[[policy.list]]\nname = \"a\"\npath = \"/a\"\n\
         [[policy.list]]\nname = \"b\"\nurl = \"https://lists.example/b\"\n",
    )
}

fn version(digest: &str, rules: u32) -> ListVersion {
    ListVersion { digest: digest.to_owned(), rules }
}

#[test]
fn a_book_outlasts_a_restart_and_a_damaged_one_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let mut book = ListBook::default();
    book.write(Some(folder.path()));
    assert!(!folder.path().join(FILE).exists(), "without lists there is no file");
    book.configure(&two());
    let record = book.record(&id_of(&two()[1])).unwrap();
    record.guard.offer(version("ab", 7), 1);
    record.note_copy("ab".to_owned(), Validators::default());
    record.note_failure(&"é".repeat(1000), 5);
    assert!(record.error.as_ref().unwrap().len() <= MAX_REASON + 5);
    book.write(Some(folder.path()));
    assert_eq!(ListBook::read(Some(folder.path())), book);
    for damaged in ["", "{", "[]", "{\"lists\":[{\"id\":1}]}"] {
        fs::write(folder.path().join(FILE), damaged).unwrap();
        assert_eq!(ListBook::read(Some(folder.path())), ListBook::default(), "{damaged}");
        let told = ListBook::in_file(&folder.path().join(FILE)).unwrap_err();
        assert_ne!(told.kind(), io::ErrorKind::NotFound, "{damaged}");
    }
    assert_eq!(ListBook::read(None), ListBook::default());
}

#[test]
fn a_list_that_leaves_the_configuration_leaves_the_book() {
    let (mut book, lists) = (ListBook::default(), two());
    book.configure(&lists);
    let a = book.record(&id_of(&lists[0])).unwrap();
    a.guard.offer(version("ab", 7), 1);
    assert_eq!(book.used().len(), 1);
    book.configure(&lists[1..]);
    assert!(book.of(&lists[0]).is_none() && book.used().is_empty());
    let mut renamed = lists[1].clone();
    renamed.name = "c".to_owned();
    assert_ne!(id_of(&renamed), id_of(&lists[1]));
}

#[test]
fn the_wanted_text_is_the_newest_until_it_is_judged() {
    let mut record = ListRecord::default();
    assert_eq!(record.wanted(0), None);
    record.note_copy("one".to_owned(), Validators::default());
    assert_eq!(record.wanted(0), Some("one"));
    record.guard.offer(version("one", 1000), 0);
    record.judged = Some("one".to_owned());
    assert_eq!((record.candidate(0), record.wanted(0)), (None, Some("one")));
    record.note_copy("two".to_owned(), Validators::default());
    assert_eq!(record.candidate(0), Some("two"));
    record.guard.offer(version("two", 10), 0);
    record.judged = Some("two".to_owned());
    assert_eq!((record.candidate(0), record.wanted(0)), (None, Some("one")));
    record.guard.accept();
    assert_eq!(record.wanted(0), Some("two"));
}

#[test]
fn a_server_is_told_of_a_usable_copy_alone() {
    let mut record = ListRecord::default();
    let known = Validators { etag: Some("\"1\"".to_owned()), last_modified: None };
    assert_eq!(record.validators(), Validators::default());
    record.note_copy("one".to_owned(), known.clone());
    assert_eq!(record.validators(), known);
    record.note_fault(Some("no rules".to_owned()));
    assert_eq!(record.validators(), Validators::default());
}
