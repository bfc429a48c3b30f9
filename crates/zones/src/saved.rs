//! A zone as octets, to be kept on disk.
//!
//! A zone file would do, but the parser is slow, and some types have no text that reads back the same.

use std::io::{self, Write};

use bytes::Bytes;
use zoners_dns::{Name, Rtype, ZoneRecord};

use crate::builder::ZoneBuilder;
use crate::zone::AuthoritativeZone;

/// The beginning, with the version of the format.
const MAGIC: &[u8; 16] = b"zoners zone   1\n";
/// Octets of type, TTL and length of a record.
const FIXED_OCTETS: usize = 8;

/// Writes a zone.
///
/// # Errors
/// `out` takes no more.
pub fn write(zone: &AuthoritativeZone, out: &mut impl Write) -> io::Result<()> {
    out.write_all(MAGIC)?;
    out.write_all(&[zone.apex().len() as u8])?;
    out.write_all(zone.apex().as_slice())?;
    for record in zone.records() {
        out.write_all(&[record.owner.len() as u8])?;
        out.write_all(record.owner.as_slice())?;
        out.write_all(&record.rtype.to_int().to_be_bytes())?;
        out.write_all(&record.ttl.to_be_bytes())?;
        // RDATA came in a message, or in a text of this limit.
        out.write_all(&(record.rdata.len() as u16).to_be_bytes())?;
        out.write_all(&record.rdata)?;
    }
    // A record without an owner: the end.
    out.write_all(&[0])
}

/// Reads what [`write`](fn@write) has written.
///
/// # Errors
/// The octets are torn, of another zone or another format, or the zone takes more memory than `max_octets`.
pub fn read(octets: &Bytes, apex: &Name, max_octets: usize) -> Result<AuthoritativeZone, String> {
    let torn = || "the file is torn".to_owned();
    let mut rest = octets.clone();
    if !rest.starts_with(MAGIC) {
        return Err("the file has another format".to_owned());
    }
    let _ = rest.split_to(MAGIC.len());
    if take_name(&mut rest).flatten().as_ref() != Some(apex) {
        return Err("the file has another zone".to_owned());
    }
    let mut builder = ZoneBuilder::new(apex.clone(), max_octets);
    while let Some(owner) = take_name(&mut rest).ok_or_else(torn)? {
        let record = take_record(owner, &mut rest).ok_or_else(torn)?;
        builder.add(record)?;
    }
    if !rest.is_empty() {
        return Err(torn());
    }
    let zone = builder.build()?;
    let is_sound = zone.rrsets().all(zoners_dns::RRset::is_sound);
    match is_sound {
        true => Ok(zone),
        false => Err("the file has a malformed record".to_owned()),
    }
}

/// The next name behind its length; an inner `None` for a length of 0.
fn take_name(rest: &mut Bytes) -> Option<Option<Name>> {
    let length = usize::from(*rest.first()?);
    if rest.len() < 1 + length {
        return None;
    }
    let octets = rest.split_to(1 + length).slice(1..);
    if length == 0 {
        return Some(None);
    }
    Name::from_octets(octets).ok().map(Some)
}

fn take_record(owner: Name, rest: &mut Bytes) -> Option<ZoneRecord> {
    let [t0, t1, ttl @ .., l0, l1] = *rest.first_chunk::<FIXED_OCTETS>()?;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    if rest.len() < FIXED_OCTETS + length {
        return None;
    }
    let rdata = rest.split_to(FIXED_OCTETS + length).get(FIXED_OCTETS..)?.into();
    let rtype = Rtype::from_int(u16::from_be_bytes([t0, t1]));
    Some(ZoneRecord { owner, rtype, ttl: u32::from_be_bytes(ttl), rdata })
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
        let octets = Bytes::from(octets);
        let back = read(&octets, &apex, 1 << 20).unwrap();
        assert_eq!(back.records().collect::<Vec<_>>(), zone.records().collect::<Vec<_>>());
        for end in 0..octets.len() {
            assert!(read(&octets.slice(..end), &apex, 1 << 20).is_err(), "cut at {end}");
        }
        let more = Bytes::from([&octets[..], b"x"].concat());
        assert!(read(&more, &apex, 1 << 20).is_err());
        let other = name::parse("example.com").unwrap();
        assert!(read(&octets, &other, 1 << 20).unwrap_err().contains("another zone"));
        assert!(read(&octets, &apex, 1000).unwrap_err().contains("of memory"));
    }
}
