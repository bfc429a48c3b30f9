//! Encoding of values. Decoding checks every length, since values may come from outside.

use std::net::{IpAddr, SocketAddr};

use bytes::{BufMut, Bytes};
use zoners_dns::{Name, RRset, Records, Rtype};

pub(crate) fn put_bytes(out: &mut Vec<u8>, octets: &[u8]) {
    out.put_u32(octets.len() as u32);
    out.put_slice(octets);
}

pub(crate) fn put_rrset(out: &mut Vec<u8>, set: &RRset) {
    put_bytes(out, set.owner.as_slice());
    out.put_u16(set.rtype.to_int());
    out.put_u32(set.ttl);
    put_bytes(out, set.records.as_bytes());
    put_bytes(out, set.signatures.as_bytes());
}

pub(crate) fn put_rrsets(out: &mut Vec<u8>, sets: &[RRset]) {
    let count = sets.len().min(usize::from(u8::MAX));
    out.put_u8(count as u8);
    sets.iter().take(count).for_each(|set| put_rrset(out, set));
}

pub(crate) fn put_address(out: &mut Vec<u8>, address: SocketAddr) {
    match address.ip() {
        IpAddr::V4(ip) => {
            out.put_u8(4);
            out.put_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.put_u8(6);
            out.put_slice(&ip.octets());
        }
    }
    out.put_u16(address.port());
}

/// Decodes a value from its start. Each method returns `None` if too few octets are left.
pub(crate) struct ValueReader<'a>(pub(crate) &'a [u8]);

impl<'a> ValueReader<'a> {
    pub(crate) fn octets<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (octets, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*octets)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.octets::<1>().map(|[octet]| octet)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.octets().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.octets().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.octets().map(u64::from_be_bytes)
    }

    pub(crate) fn slice(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()? as usize;
        let (octets, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(octets)
    }

    pub(crate) fn bytes(&mut self) -> Option<Bytes> {
        self.slice().map(Bytes::copy_from_slice)
    }

    pub(crate) fn records(&mut self) -> Option<Records> {
        self.bytes().map(Records::from_bytes)
    }

    pub(crate) fn name(&mut self) -> Option<Name> {
        Name::from_octets(self.bytes()?).ok()
    }

    pub(crate) fn rrset(&mut self) -> Option<RRset> {
        Some(RRset {
            owner: self.name()?,
            rtype: Rtype::from_int(self.u16()?),
            ttl: self.u32()?,
            records: self.records()?,
            signatures: self.records()?,
        })
    }

    pub(crate) fn rrsets(&mut self) -> Option<Vec<RRset>> {
        (0..self.u8()?).map(|_| self.rrset()).collect()
    }

    pub(crate) fn address(&mut self) -> Option<SocketAddr> {
        let ip = match self.u8()? {
            4 => IpAddr::from(self.octets::<4>()?),
            6 => IpAddr::from(self.octets::<16>()?),
            _ => return None,
        };
        Some(SocketAddr::new(ip, self.u16()?))
    }
}
