//! RRsets, stored flat.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::{BufMut, Bytes, BytesMut};
use domain::base::Record;
use domain::base::iana::{Class, Rtype};
use domain::base::name::{ParsedName, ToName};
use domain::base::rdata::{ComposeRecordData, ParseAnyRecordData};
use domain::base::record::Ttl;
use domain::base::zonefile_fmt::{DisplayKind, ZonefileFmt};
use domain::dep::octseq::Parser;
use domain::rdata::AllRecordData;
use domain::rdata::svcb::SvcbRdata;

use crate::name::Name;
use crate::svcparams::SvcParams;

/// The RDATA of several records of one type in one byte string. Each RDATA follows its length in
/// two octets; names are uncompressed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records(Bytes);

impl Records {
    /// No records.
    pub const NONE: Records = Records(Bytes::new());

    /// Takes octets from [`Records::as_bytes`].
    #[must_use]
    pub fn from_bytes(octets: Bytes) -> Self {
        Records(octets)
    }

    /// The octets, as [`Records::from_bytes`] takes.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The RDATA of each record.
    pub fn iter(&self) -> impl Iterator<Item = Bytes> + use<> {
        let mut rest = self.0.clone();
        std::iter::from_fn(move || {
            let length = usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?]));
            if rest.len() < 2 + length {
                return None;
            }
            let mut record = rest.split_to(2 + length);
            Some(record.split_off(2))
        })
    }

    /// The RDATA of each record, borrowed.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<2>()?;
            let (record, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
            rest = after;
            Some(record)
        })
    }

    /// The RDATA of the first record.
    #[must_use]
    pub fn first(&self) -> Option<Bytes> {
        self.iter().next()
    }

    /// The number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slices().count()
    }

    /// The same records, with the first `by` records moved to the end.
    #[must_use]
    pub fn rotated(&self, by: usize) -> Self {
        let first: usize = self.slices().take(by).map(|rdata| 2 + rdata.len()).sum();
        let (first, rest) = self.0.split_at(first);
        Records([rest, first].concat().into())
    }

    /// Whether there are no records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: AsRef<[u8]>> FromIterator<T> for Records {
    /// RDATA longer than 65,535 octets cannot exist on the wire and is omitted.
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut octets = BytesMut::new();
        for item in items {
            if let Ok(length) = u16::try_from(item.as_ref().len()) {
                octets.put_u16(length);
                octets.put_slice(item.as_ref());
            }
        }
        Records(octets.freeze())
    }
}

/// All records of one owner and type (RFC 2181 section 5), with the signatures over them.
#[derive(Clone, PartialEq, Eq)]
pub struct RRset {
    /// The owner name, in its original spelling.
    pub owner: Name,
    /// The type.
    pub rtype: Rtype,
    /// The TTL in seconds; the least TTL if the records differ.
    pub ttl: u32,
    /// The RDATA.
    pub records: Records,
    /// The RDATA of the RRSIG records covering this RRset.
    pub signatures: Records,
}

/// The RDATA of one record, parsed by its type.
pub type RecordData = AllRecordData<Bytes, ParsedName<Bytes>>;

impl RRset {
    /// An RRset without signatures.
    #[must_use]
    pub fn new(owner: Name, rtype: Rtype, ttl: u32, records: Records) -> Self {
        RRset { owner, rtype, ttl, records, signatures: Records::NONE }
    }

    /// A single record whose RDATA is a name, such as CNAME, NS or DNAME.
    #[must_use]
    pub fn naming(owner: Name, rtype: Rtype, ttl: u32, target: &Name) -> Self {
        RRset::new(owner, rtype, ttl, Records::from_iter([target.as_slice()]))
    }

    /// The names that the records consist of: targets of NS, CNAME, DNAME.
    pub fn targets(&self) -> impl Iterator<Item = Name> + use<> {
        self.records.iter().filter_map(|rdata| Name::from_octets(rdata).ok())
    }

    /// The first of the [`RRset::targets`].
    #[must_use]
    pub fn target(&self) -> Option<Name> {
        self.targets().next()
    }

    /// The addresses of an A or AAAA RRset.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.records.slices().filter_map(|rdata| address(self.rtype, rdata))
    }

    /// The records with parsed RDATA; records that do not parse are omitted.
    pub fn parsed(&self) -> impl Iterator<Item = Record<Name, RecordData>> {
        self.parse_each(self.rtype, &self.records)
    }

    /// The signatures with parsed RDATA.
    pub fn parsed_signatures(&self) -> impl Iterator<Item = Record<Name, RecordData>> {
        self.parse_each(Rtype::RRSIG, &self.signatures)
    }

    fn parse_each(
        &self,
        rtype: Rtype,
        records: &Records,
    ) -> impl Iterator<Item = Record<Name, RecordData>> + use<> {
        let (owner, ttl) = (self.owner.clone(), Ttl::from_secs(self.ttl));
        records.iter().filter_map(move |rdata| {
            let data = parse_rdata(rtype, &rdata)?;
            Some(Record::new(owner.clone(), Class::IN, ttl, data))
        })
    }

    /// Whether the RRset has records, and each record and signature is well-formed for its type and
    /// without compressed names. RRsets from outside the parser (snapshots, Redis) must be checked
    /// before use.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let sound = |rtype: Rtype, records: &Records| {
            let mut octets = 0;
            let each = |rdata: Bytes| {
                octets += 2 + rdata.len();
                is_sound(rtype, &rdata)
            };
            records.iter().all(each) && octets == records.0.len()
        };
        !self.records.is_empty()
            && sound(self.rtype, &self.records)
            && sound(Rtype::RRSIG, &self.signatures)
    }

    /// Octets of owner, records and signatures, as charged to memory limits.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.owner.len() + self.records.as_bytes().len() + self.signatures.as_bytes().len()
    }
}

/// Parses the RDATA of one record.
#[must_use]
pub fn parse_rdata(rtype: Rtype, rdata: &Bytes) -> Option<RecordData> {
    let mut parser = Parser::from_ref(rdata);
    let data = RecordData::parse_any_rdata(rtype, &mut parser).ok()?;
    (parser.remaining() == 0).then_some(data)
}

/// Whether RDATA is well-formed for its type and without compressed names.
pub(crate) fn is_sound(rtype: Rtype, rdata: &Bytes) -> bool {
    let mut composed = Vec::with_capacity(rdata.len());
    parse_rdata(rtype, rdata).is_some_and(|data| data.compose_rdata(&mut composed).is_ok())
        && composed == *rdata
}

fn address(rtype: Rtype, rdata: &[u8]) -> Option<IpAddr> {
    match rtype {
        Rtype::A => Some(Ipv4Addr::from(<[u8; 4]>::try_from(rdata).ok()?).into()),
        Rtype::AAAA => Some(Ipv6Addr::from(<[u8; 16]>::try_from(rdata).ok()?).into()),
        _ => None,
    }
}

/// One record per line in zone-file format, signatures last.
impl fmt::Display for RRset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.parsed().chain(self.parsed_signatures());
        for (index, record) in lines.enumerate() {
            let gap = if index > 0 { "\n" } else { "" };
            let (owner, data) = (record.owner().fmt_with_dot(), record.data());
            let rtype = domain::base::RecordData::rtype(data);
            write!(f, "{gap}{owner} {} IN {rtype} ", self.ttl)?;
            match data {
                RecordData::Svcb(data) => write_service(f, data)?,
                RecordData::Https(data) => write_service(f, data)?,
                _ => write!(f, "{}", data.display_zonefile(DisplayKind::Simple))?,
            }
        }
        Ok(())
    }
}

/// The RDATA of an SVCB or HTTPS record.
fn write_service<V>(
    f: &mut fmt::Formatter<'_>,
    data: &SvcbRdata<V, Bytes, ParsedName<Bytes>>,
) -> fmt::Result {
    let (target, params) = (data.target().fmt_with_dot(), SvcParams(data.params().as_slice()));
    write!(f, "{} {target}{params}", data.priority())
}

impl fmt::Debug for RRset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name;

    #[test]
    fn records_keep_their_order_and_boundaries() {
        let records = Records::from_iter([&b"one"[..], b"", b"three"]);
        let back: Vec<Bytes> = records.iter().collect();
        assert_eq!(back, [&b"one"[..], b"", b"three"]);
        assert_eq!(Records::from_bytes(Bytes::from_static(&[0, 9, 1])).len(), 0, "torn");
        let rotated = |by| records.rotated(by).iter().map(|rdata| rdata.len()).collect::<Vec<_>>();
        assert_eq!((rotated(0), rotated(1)), (vec![3, 0, 5], vec![0, 5, 3]));
        assert_eq!((rotated(2), rotated(3)), (vec![5, 3, 0], vec![3, 0, 5]));
    }

    #[test]
    fn malformed_rdata_is_not_sound() {
        let set = |rtype, rdata: &[u8]| {
            RRset::new(name::parse("a.test").unwrap(), rtype, 60, Records::from_iter([rdata]))
        };
        assert!(set(Rtype::A, &[192, 0, 2, 1]).is_sound());
        assert!(set(Rtype::NS, b"\x01a\x04test\x00").is_sound());
        assert!(set(Rtype::from_int(65280), b"anything").is_sound());
        for (rtype, rdata) in [
            (Rtype::A, &[192, 0, 2][..]),
            (Rtype::A, &[192, 0, 2, 1, 1]),
            (Rtype::NS, b"\x01a\x04test"),
            (Rtype::NS, b"\x01a\xC0\x00"),
            (Rtype::MX, b"\x00\x01\xC0\x02"),
            (Rtype::SOA, b"\x00"),
        ] {
            assert!(!set(rtype, rdata).is_sound(), "{rtype} {rdata:?}");
        }
        let signed =
            RRset { signatures: Records::from_iter([b"short"]), ..set(Rtype::A, &[192, 0, 2, 1]) };
        assert!(!signed.is_sound());
        let torn = Records::from_bytes(Bytes::from_static(&[0, 4, 192, 0, 2, 1, 0]));
        assert!(!RRset { records: torn, ..signed }.is_sound());
        assert!(!RRset { records: Records::NONE, ..set(Rtype::A, &[]) }.is_sound());
    }

    #[test]
    fn addresses_and_targets_are_read() {
        let owner = name::parse("a.test").unwrap();
        let a = RRset::new(owner.clone(), Rtype::A, 60, Records::from_iter([[192, 0, 2, 1]]));
        assert_eq!(a.addresses().collect::<Vec<_>>(), [IpAddr::from([192, 0, 2, 1])]);
        assert_eq!(a.to_string(), "a.test. 60 IN A 192.0.2.1");
        let https = [&[0, 1][..], b"\x01b\x04test\x00", &[0, 8, 0, 0, 0, 11, 0, 0]].concat();
        let https = RRset::new(owner.clone(), Rtype::HTTPS, 60, Records::from_iter([https]));
        assert_eq!(https.to_string(), "a.test. 60 IN HTTPS 1 b.test. ohttp pvd");
        let target = name::parse("b.test").unwrap();
        let cname = RRset::naming(owner, Rtype::CNAME, 60, &target);
        assert_eq!(cname.target(), Some(target));
    }
}
