//! A zone in memory as octets, to be kept on disk in the form of `records`.

use std::io::{self, Write};

use zoners_dns::{Name, Rtype, ZoneRecord};

use crate::builder::ZoneBuilder;
use crate::records::{RecordReader, RecordWriter};
use crate::zone::AuthoritativeZone;

/// Writes a zone.
///
/// # Errors
/// `out` takes no more.
pub fn write(zone: &AuthoritativeZone, out: &mut impl Write) -> io::Result<()> {
    let is_soa = |record: &ZoneRecord| record.rtype == Rtype::SOA && record.owner == *zone.apex();
    let mut out = RecordWriter::begin(zone.apex(), out)?;
    zone.records().filter(is_soa).try_for_each(|record| out.write(&record))?;
    let mut others = zone.records().filter(|record| !is_soa(record));
    others.try_for_each(|record| out.write(&record))?;
    out.end().map(drop)
}

/// Reads what [`write`](fn@write) has written.
///
/// # Errors
/// The octets are torn, of another zone or another format, or the zone takes more memory than `max_octets`.
pub fn read(octets: &[u8], apex: &Name, max_octets: usize) -> Result<AuthoritativeZone, String> {
    let told = |error: io::Error| error.to_string();
    let mut builder = ZoneBuilder::new(apex.clone(), max_octets);
    for record in RecordReader::begin(apex, octets).map_err(told)? {
        builder.add(record.map_err(told)?)?;
    }
    let zone = builder.build()?;
    let is_sound = zone.rrsets().all(zoners_dns::RRset::is_sound);
    match is_sound {
        true => Ok(zone),
        false => Err("the file has a malformed record".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::name;

    const ZONE: &str = "@ 3600 SOA ns host 7 3600 600 604800 60\n@ NS ns\na 60 A 192.0.2.1\n\
                        *.b TXT \"x y\" z\nh HTTPS 1 . alpn=h2\nt TYPE65280 \\# 3 010203\n";

    #[test]
    fn a_zone_is_read_as_written_and_never_torn() {
        let apex = name::parse("example.test").unwrap();
        let zone = crate::file::load(&apex, ZONE, 1 << 20).unwrap();
        let mut octets = Vec::new();
        write(&zone, &mut octets).unwrap();
        let back = read(&octets, &apex, 1 << 20).unwrap();
        assert_eq!(back.records().collect::<Vec<_>>(), zone.records().collect::<Vec<_>>());
        for end in 0..octets.len() {
            assert!(read(&octets[..end], &apex, 1 << 20).is_err(), "cut at {end}");
        }
        let more = [&octets[..], b"x"].concat();
        assert!(read(&more, &apex, 1 << 20).is_err());
        let other = name::parse("example.com").unwrap();
        assert!(read(&octets, &other, 1 << 20).unwrap_err().contains("another zone"));
        assert!(read(&octets, &apex, 1000).unwrap_err().contains("of memory"));
    }
}
