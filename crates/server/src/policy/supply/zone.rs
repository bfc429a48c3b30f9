//! A list taken over from a transferred policy zone, as the text of a zone file.
//!
//! The records go from the disk to the disk one by one, so that a zone of a million names takes no memory.

use std::io::{self, BufWriter, Write};

use zoners_dns::{Name, RRset, Rtype, ZoneRecord, name, zonefile};
use zoners_policy::ListForm;
use zoners_zones::stored::StoredZone;

use super::texts::TextStore;

/// Types by which a zone is proven; in a policy zone they are no rules.
const PROOF_TYPES: [Rtype; 7] = [
    Rtype::DNSKEY,
    Rtype::DS,
    Rtype::NSEC,
    Rtype::NSEC3,
    Rtype::NSEC3PARAM,
    Rtype::RRSIG,
    Rtype::ZONEMD,
];

/// Copies the rules of a zone into the store, for the list `list`; the digest of the copy.
///
/// # Errors
/// The zone cannot be read, or the copy cannot be written.
pub(crate) fn copy(zone: &StoredZone, list: &str, store: &TextStore) -> Result<String, String> {
    let copied = || {
        let mut text = store.begin(Some(ListForm::Rpz))?;
        let mut out = BufWriter::new(&mut text);
        write(zone, &mut out)?;
        out.flush()?;
        drop(out);
        text.finish(list)
    };
    copied().map_err(|error: io::Error| error.to_string())
}

/// Writes the SOA record, by which a reader knows the apex, and then the records below the apex.
fn write(zone: &StoredZone, out: &mut impl Write) -> io::Result<()> {
    for (number, record) in zone.records()?.enumerate() {
        let record = record?;
        let is_rule = record.owner != *zone.apex() && !PROOF_TYPES.contains(&record.rtype);
        if number == 0 || is_rule {
            write_record(record, out)?;
        }
    }
    Ok(())
}

/// Writes a record, unless it would be read as something else: a name may have any octet, and a lone parenthesis would
/// swallow the rules behind.
fn write_record(record: ZoneRecord, out: &mut impl Write) -> io::Result<()> {
    let ZoneRecord { owner, rtype, ttl, rdata } = record;
    let set = RRset::new(owner, rtype, ttl, [rdata].into_iter().collect());
    if let Some(target) = set.target().filter(|_| rtype == Rtype::CNAME) {
        let (owner, target) = (zone_file_name(&set.owner), zone_file_name(&target));
        return writeln!(out, "{owner} {ttl} CNAME {target}");
    }
    let text = set.to_string();
    let read = zonefile::parse(&text, &name::root());
    match read.is_ok_and(|sets| sets.as_slice() == std::slice::from_ref(&set)) {
        true => writeln!(out, "{text}"),
        false => Ok(()),
    }
}

/// A name as a zone file has it, with every unusual octet escaped.
fn zone_file_name(name: &Name) -> String {
    let mut text = String::new();
    for label in name.iter().filter(|label| !label.is_root()) {
        for octet in label.as_slice() {
            match octet {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'*' => {
                    text.push(char::from(*octet));
                }
                _ => text.push_str(&format!("\\{octet:03}")),
            }
        }
        text.push('.');
    }
    if text.is_empty() { ".".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::policy::supply::texts::TextName;
    use std::sync::Arc;
    use zoners_policy::{SkipReason, read_list};
    use zoners_zones::{file, saved};

    fn zone(records: &str) -> StoredZone {
        let text = format!("@ 3600 SOA ns host 7 3600 600 86400 60\n@ NS ns\n{records}");
        let apex = name::parse("rpz.example").unwrap();
        let zone = file::load(&apex, &text, 1 << 20).unwrap();
        let mut octets = Vec::new();
        saved::write(&zone, &mut octets).unwrap();
        StoredZone::open(&apex, Arc::new(octets)).unwrap()
    }

    /// The text of the list, and the number of rules that the list's parser finds.
    fn taken_over(records: &str) -> (String, usize) {
        let store = TextStore::new(None);
        let digest = copy(&zone(records), "ab", &store).unwrap();
        let mut text = String::new();
        store
            .open(TextName { list: "ab", digest: &digest })
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        let mut rules = 0;
        read_list(ListForm::Rpz, &mut text.as_bytes(), &mut |_, rule| match rule {
            Ok(_) => rules += 1,
            Err(reason) => assert_eq!(reason, SkipReason::ZoneRecord, "{text}"),
        })
        .unwrap();
        (text, rules)
    }

    #[test]
    fn every_trigger_and_action_of_a_zone_is_a_rule() {
        let (text, rules) = taken_over(
            "bad.test 60 CNAME .\n*.bad.test CNAME *.\ngood.test CNAME rpz-passthru.\n\
             24.0.2.0.192.rpz-ip CNAME .\nns.bad.test.rpz-nsdname CNAME rpz-drop.\n\
             walled.test A 192.0.2.1\nwalled.test AAAA 2001:db8::1\nwalled.test TXT \"a (b\" c\n",
        );
        assert_eq!(rules, 8, "{text}");
        assert!(text.starts_with("rpz.example. 3600 IN SOA "), "{text}");
        assert!(text.contains("bad.test.rpz.example. 60 CNAME .\n"), "{text}");
    }

    #[test]
    fn a_name_of_odd_octets_takes_no_other_rule_along() {
        let (text, rules) = taken_over("a CNAME .\nb\\(c CNAME .\nb\\;d CNAME .\ne CNAME .\n");
        assert_eq!(rules, 4, "{text}");
        assert!(text.contains("b\\040c.rpz.example.") && text.contains("b\\059d"), "{text}");
        let (text, rules) = taken_over("a\\(b A 192.0.2.1\nc A 192.0.2.1\n");
        assert_eq!(rules, 1, "{text}");
    }

    #[test]
    fn signatures_and_keys_are_no_rules() {
        let (text, rules) = taken_over(
            "bad CNAME .\nbad NSEC good.rpz.example. CNAME RRSIG NSEC\n\
             bad RRSIG CNAME 13 3 60 20300101000000 20200101000000 1 rpz.example. AAAA\n",
        );
        assert_eq!(rules, 1, "{text}");
    }
}
