//! Zone files (RFC 1035 section 5): root hints, trust anchors, local records and test zones.

mod error;
mod mnemonics;

use std::collections::HashMap;

use bytes::Bytes;
use domain::base::iana::Rtype;
use domain::base::name::ToName;
use domain::base::rdata::{ComposeRecordData, RecordData};
use domain::zonefile::inplace::{Entry, Zonefile};

use crate::name::{self, Name};
use crate::rrset::{self, RRset, Records};
use crate::zone_record::ZoneRecord;

pub use error::ZonefileError;

/// Parses zone-file text into RRsets. Names are relative to `origin`; `$INCLUDE` is rejected.
///
/// # Errors
/// The text is malformed; the error has the line number.
pub fn parse(text: &str, origin: &Name) -> Result<Vec<RRset>, ZonefileError> {
    let mut sets: Vec<(RRset, Vec<Box<[u8]>>)> = Vec::new();
    let mut places: HashMap<(Name, Rtype), usize> = HashMap::new();
    read(text, origin, |record, _| {
        let ZoneRecord { owner, rtype, ttl, rdata } = record;
        let place = *places.entry((owner.clone(), rtype)).or_insert(sets.len());
        match sets.get_mut(place) {
            Some((_, records)) => records.push(rdata),
            None => sets.push((RRset::new(owner, rtype, ttl, Records::NONE), vec![rdata])),
        }
        Ok(())
    })?;
    let filled =
        sets.into_iter().map(|(set, records)| RRset { records: records.iter().collect(), ..set });
    Ok(join_signatures(filled.collect()))
}

/// Parses zone-file text and hands each record to `take`, with the line at which the record begins. An error of `take`
/// ends the reading. Names are relative to `origin`; `$INCLUDE` is rejected.
///
/// # Errors
/// The text is malformed, or `take` has rejected a record; the error has the line number.
pub fn read(
    text: &str,
    origin: &Name,
    mut take: impl FnMut(ZoneRecord, usize) -> Result<(), String>,
) -> Result<(), ZonefileError> {
    let (text, lines) = mnemonics::to_numbers(text)?;
    let mut lines = lines.into_iter();
    let mut file = Zonefile::new();
    file.extend_from_slice(text.as_bytes());
    file.extend_from_slice(b"\n");
    file.set_origin(origin.clone());
    file.set_default_class(domain::base::iana::Class::IN);
    loop {
        let begins = lines.next();
        let next = file.next_entry().map_err(|error| ZonefileError::of_library(&error, begins))?;
        let Some(entry) = next else { return Ok(()) };
        let line = begins.unwrap_or(1);
        let wrong = |what: String| ZonefileError { line, what };
        let Entry::Record(record) = entry else {
            return Err(wrong("$INCLUDE is not supported".into()));
        };
        let owner: Name = record.owner().to_name();
        let (rtype, ttl) = (record.data().rtype(), record.ttl().as_secs());
        let mut rdata = Vec::new();
        if record.data().compose_rdata(&mut rdata).is_err() {
            return Err(wrong(format!("{owner} {rtype}: RDATA too long")));
        }
        // The parser of `domain` accepts empty labels, which would end the name.
        let whole = Name::from_octets(owner.as_octets().clone()).is_ok();
        if !whole || !rrset::is_sound(rtype, &Bytes::copy_from_slice(&rdata)) {
            return Err(wrong(format!("{owner} {rtype}: a name or the RDATA is malformed")));
        }
        take(ZoneRecord { owner, rtype, ttl, rdata: rdata.into() }, line).map_err(wrong)?;
    }
}

/// Attaches RRSIG records to the RRsets that they cover. RRSIG records without such an RRset form
/// an RRset of their own.
fn join_signatures(sets: Vec<RRset>) -> Vec<RRset> {
    let (signatures, mut sets): (Vec<_>, Vec<_>) =
        sets.into_iter().partition(|set| set.rtype == Rtype::RRSIG);
    for signature in signatures {
        let mut alone = Vec::new();
        for rdata in signature.records.iter() {
            let covers = |set: &&mut RRset| {
                set.owner == signature.owner && rdata.starts_with(&set.rtype.to_int().to_be_bytes())
            };
            match sets.iter_mut().find(covers) {
                Some(set) => set.signatures = set.signatures.iter().chain([rdata]).collect(),
                None => alone.push(rdata),
            }
        }
        if !alone.is_empty() {
            sets.push(RRset { records: alone.iter().collect(), ..signature });
        }
    }
    sets
}

/// Parses root hints: the NS records of the root and the addresses of the root servers.
///
/// # Errors
/// The text is malformed, or has no NS record or no address of a root server.
pub fn root_hints(text: &str) -> Result<Vec<RRset>, String> {
    let sets = parse(text, &name::root()).map_err(|error| error.to_string())?;
    let usable = sets.iter().any(|set| set.addresses().next().is_some());
    let names = sets.iter().any(|set| set.rtype == Rtype::NS && set.owner.is_root());
    match (names, usable) {
        (true, true) => Ok(sets),
        (false, _) => Err("no NS record for the root".into()),
        (_, false) => Err("no A or AAAA record for any root server".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rrsets_are_grouped_and_relative_names_completed() {
        let origin = name::parse("example.test").unwrap();
        let text = "@ 300 NS ns1\n@ 300 NS ns2.other.\nns1 60 A 192.0.2.1\n\
                    x 60 TYPE65280 \\# 2 0102\nh 60 HTTPS 1 . alpn=h2";
        let sets = parse(text, &origin).unwrap();
        assert_eq!(sets.len(), 4);
        assert_eq!(
            sets[0].targets().map(|n| n.to_string()).collect::<Vec<_>>(),
            ["ns1.example.test", "ns2.other"]
        );
        assert_eq!(sets[2].records.first().unwrap(), Bytes::from_static(&[1, 2]));
    }

    #[test]
    fn malformed_names_and_rdata_are_rejected() {
        for text in
            ["a..b A 192.0.2.1", "a NS b..c", "a MX 1 b..", "a HTTPS 1 b..c.", "a A \\# 1 00"]
        {
            assert!(parse(text, &name::parse("example.test").unwrap()).is_err(), "{text}");
        }
        assert!(parse("$ORIGIN x..y.\na A 192.0.2.1", &name::root()).is_err());
    }

    #[test]
    fn errors_have_the_line_of_the_record() {
        let good = "$TTL 60\n\na.test. A 192.0.2.1\nb.test. TXT (\n x\n y )\n";
        for (bad, line) in [
            ("a NS b..c", 7),
            ("; a comment\n\nx A \\# 1 00", 9),
            ("x TXT (\n y )\nz MX 1 b..", 9),
            ("x A 192.0.2.1 192.0.2.2", 7),
            ("x DS 1 NONSENSE 2 AB", 7),
            ("$INCLUDE other", 7),
            ("$FOO other", 7),
            ("$ORIGIN x..y.\n\n\n\ny A 192.0.2.1", 11),
            ("x AAAA 192.0.2.1", 7),
        ] {
            for rest in ["", "\n", "\nlast. A 192.0.2.1\n"] {
                let error = parse(&format!("{good}{bad}{rest}"), &name::root()).unwrap_err();
                assert_eq!(error.line, line, "{bad:?}{rest:?}: {error}");
            }
        }
    }

    #[test]
    fn malformed_text_is_an_error_with_its_line() {
        let error = parse("a 60 A 192.0.2.1\nb 60 A nonsense\n", &name::root()).unwrap_err();
        assert_eq!(error.line, 2);
        assert!(error.to_string().starts_with("near line 2: ") && error.what.contains("IPv4"));
        assert!(root_hints("a. 60 A 192.0.2.1\n").unwrap_err().contains("NS"));
        for open in ["a. 60 A 192.0.2.1\n*.b. TXT(x y", "a. A 192.0.2.1\nb. TXT (\n(x", "\n( "] {
            let error = parse(open, &name::root()).unwrap_err();
            assert_eq!(error.to_string(), "near line 2: the parenthesis is not closed");
        }
        assert!(parse("a. TXT(x y)\nb. TXT \\( \"(\" ; (\n", &name::root()).is_ok());
    }
}
