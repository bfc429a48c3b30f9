//! A record as octets.
//!
//! | part | octets |
//! |---|---|
//! | head | seconds since the first record of the segment, client, name |
//! | rest | type, an octet of outcome and transport, an octet of DNSSEC status, RCODE and EDE (0 for none, else one more), failure, line, duration, number of hops, hops left out |
//! | hop | an octet of depth, kind and zone; the zone: labels of an ancestor of QNAME, else a name; type; the time since the beginning of the hop before; duration; then by kind: server, reason and end, or server and trouble |
//!
//! Numbers are of variable length. Clients, names and servers are numbers of the dictionaries.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use zoners_api::{DnssecStatus, QueryOutcome};
use zoners_dns::{EdeCode, Name, NameSlice, OptRcode, Rtype, Transport, name};

use super::dictionary::Dictionaries;
use super::names::{self, NameEntries};
use super::{RecordHead, SegmentView, entries};
use crate::hop::{AskReason, HopEnd, HopEvent, HopRecord, ServerRecord, ServerTrouble};
use crate::octets::{Reader, put_duration, put_number, put_signed};
use crate::record::{FailureKind, LineState, MAX_HOPS, ResolutionRecord};

/// The port of a server without a port in its entry.
const PORT: u16 = 53;
/// The low bit of a transport's octet, where there was one bit for the transport at first …
const TRANSPORT_LOW: u8 = 1;
/// … and the place of the bits above.
const TRANSPORT_SHIFT: u8 = 5;
/// Bits of an entry of a server, beside that of the transport.
const IS_IPV6: u8 = 2;
/// See [`IS_IPV6`].
const HAS_PORT: u8 = 4;
/// In the first octet of a hop: three bits of depth, then two of the kind, then whether the zone is above QNAME.
const KIND_SHIFT: u8 = 3;
/// See [`KIND_SHIFT`].
const ZONE_IS_ABOVE: u8 = 1 << 5;
/// The greatest depth in three bits.
const MAX_DEPTH: u8 = 7;

/// Statuses by octet.
const DNSSEC: [DnssecStatus; 4] =
    [DnssecStatus::Secure, DnssecStatus::Insecure, DnssecStatus::Bogus, DnssecStatus::Unchecked];

/// Writes a record.
pub(super) fn write(
    record: &ResolutionRecord,
    base_s: u64,
    dictionaries: &mut Dictionaries,
    out: &mut Vec<u8>,
) {
    let qname = record.name.as_slice().to_ascii_lowercase();
    put_signed(out, record.received_s.wrapping_sub(base_s) as i64);
    put_number(out, dictionaries.clients.number_of(&client_entry(record.client)));
    put_number(out, names::number_of(&qname, &mut dictionaries.names));
    put_number(out, u64::from(record.rtype.to_int()));
    let outcome = QueryOutcome::ALL.iter().position(|outcome| *outcome == record.outcome);
    out.push((outcome.unwrap_or_default() as u8 * 2) | transport_bits(record.transport));
    out.push(DNSSEC.iter().position(|status| *status == record.dnssec).unwrap_or(3) as u8);
    put_number(out, record.rcode.map_or(0, |rcode| u64::from(rcode.to_int()) + 1));
    put_number(out, record.reason.map_or(0, |code| u64::from(code.0) + 1));
    out.push(record.failure.map_or(0, |failure| failure.to_octet() + 1));
    out.push(record.line.to_octet());
    put_duration(out, record.took);
    let hops = &record.hops[..record.hops.len().min(MAX_HOPS)];
    let left_out = (record.hops.len() - hops.len()) as u64 + u64::from(record.more_hops);
    put_number(out, hops.len() as u64);
    put_number(out, left_out);
    let mut before = Duration::ZERO;
    for hop in hops {
        write_hop(hop, &qname, before, dictionaries, out);
        before = hop.begun;
    }
}

fn write_hop(
    hop: &HopRecord,
    qname: &[u8],
    before: Duration,
    dictionaries: &mut Dictionaries,
    out: &mut Vec<u8>,
) {
    let kind: u8 = match hop.event {
        HopEvent::Asked { .. } => 0,
        HopEvent::Waited => 1,
        HopEvent::Skipped { .. } => 2,
    };
    let zone = hop.zone.as_slice().to_ascii_lowercase();
    let is_above = NameSlice::from_slice(qname)
        .is_ok_and(|qname| qname.iter_suffixes().any(|suffix| suffix.as_slice() == zone));
    let above = if is_above { ZONE_IS_ABOVE } else { 0 };
    out.push(hop.depth.min(MAX_DEPTH) | kind << KIND_SHIFT | above);
    match is_above {
        true => out.push(name::depth(&hop.zone) as u8),
        false => put_number(out, names::number_of(&zone, &mut dictionaries.names)),
    }
    put_number(out, u64::from(hop.rtype.to_int()));
    put_duration(out, hop.begun.saturating_sub(before));
    put_duration(out, hop.took);
    match &hop.event {
        HopEvent::Asked { server, reason, end } => {
            put_number(out, server_number(server, dictionaries));
            out.extend([reason.to_octet(), end.to_octet()]);
        }
        HopEvent::Waited => {}
        HopEvent::Skipped { server, trouble } => {
            put_number(out, server_number(server, dictionaries));
            out.push(trouble.to_octet());
        }
    }
}

/// The bits of a transport: the lowest one, and those from the sixth on.
fn transport_bits(transport: Transport) -> u8 {
    let octet = transport.to_octet();
    octet & TRANSPORT_LOW | octet >> 1 << TRANSPORT_SHIFT
}

/// The transport in an octet that has other bits, too.
fn transport_of(octet: u8) -> Option<Transport> {
    Transport::from_octet(octet & TRANSPORT_LOW | octet >> TRANSPORT_SHIFT << 1)
}

fn client_entry(client: IpAddr) -> Vec<u8> {
    match client.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// The client of an entry.
pub(super) fn client(entry: &[u8]) -> Option<IpAddr> {
    let ipv4 = <[u8; 4]>::try_from(entry).map(|octets| IpAddr::V4(Ipv4Addr::from(octets)));
    let ipv6 = || <[u8; 16]>::try_from(entry).map(|octets| IpAddr::V6(Ipv6Addr::from(octets)));
    ipv4.or_else(|_| ipv6()).ok()
}

/// An octet of transport, family and port; the address; a port other than 53; the number of the name.
fn server_number(server: &ServerRecord, dictionaries: &mut Dictionaries) -> u64 {
    let (ip, port) = (server.address.ip(), server.address.port());
    let family = if ip.is_ipv6() { IS_IPV6 } else { 0 };
    let has_port = if port == PORT { 0 } else { HAS_PORT };
    let mut entry = vec![transport_bits(server.transport) | family | has_port];
    match ip {
        IpAddr::V4(address) => entry.extend(address.octets()),
        IpAddr::V6(address) => entry.extend(address.octets()),
    }
    if port != PORT {
        entry.extend(port.to_be_bytes());
    }
    let name = server.name.as_slice().to_ascii_lowercase();
    put_number(&mut entry, names::number_of(&name, &mut dictionaries.names));
    dictionaries.servers.number_of(&entry)
}

fn server(entry: &[u8], names: &NameEntries<'_>) -> Option<ServerRecord> {
    let mut reader = Reader(entry);
    let flags = reader.octet()?;
    let address: IpAddr = match flags & IS_IPV6 {
        0 => <[u8; 4]>::try_from(reader.take(4)?).ok()?.into(),
        _ => <[u8; 16]>::try_from(reader.take(16)?).ok()?.into(),
    };
    let port = match flags & HAS_PORT {
        0 => PORT,
        _ => u16::from_be_bytes(reader.take(2)?.try_into().ok()?),
    };
    Some(ServerRecord {
        name: names.name(reader.index()?)?,
        address: SocketAddr::new(address, port),
        transport: transport_of(flags)?,
    })
}

/// The dictionaries of a segment, for reading.
pub(super) struct Entries<'a> {
    names: NameEntries<'a>,
    servers: Vec<&'a [u8]>,
    clients: Vec<&'a [u8]>,
}

impl<'a> Entries<'a> {
    pub(super) fn of(view: &SegmentView<'a>) -> Self {
        Entries {
            names: NameEntries::of(view.names),
            servers: entries(view.servers).collect(),
            clients: entries(view.clients).collect(),
        }
    }

    fn server(&self, number: usize) -> Option<ServerRecord> {
        server(self.servers.get(number)?, &self.names)
    }
}

/// Reads a record; `None` if the octets are none.
pub(super) fn read(head: &RecordHead<'_>, entries: &Entries<'_>) -> Option<ResolutionRecord> {
    let mut reader = head.rest;
    let name = entries.names.name(head.name)?;
    let rtype = Rtype::from_int(u16::try_from(reader.number()?).ok()?);
    let ending = reader.octet()?;
    let outcome = *QueryOutcome::ALL.get(usize::from(ending % (1 << TRANSPORT_SHIFT) / 2))?;
    let transport = transport_of(ending)?;
    let dnssec = *DNSSEC.get(usize::from(reader.octet()?))?;
    let mut code = || -> Option<Option<u16>> {
        match reader.number()? {
            0 => Some(None),
            code => u16::try_from(code - 1).ok().map(Some),
        }
    };
    let (rcode, reason) = (code()?.map(OptRcode::masked_from_int), code()?.map(EdeCode));
    let failure = match reader.octet()? {
        0 => None,
        code => Some(FailureKind::of_octet(code - 1)?),
    };
    let line = LineState::of_octet(reader.octet()?)?;
    let took = reader.duration()?;
    let (count, more_hops) = (reader.index()?.min(MAX_HOPS), reader.number()?);
    let mut hops = Vec::with_capacity(count);
    let mut before = Duration::ZERO;
    for _ in 0..count {
        let hop = read_hop(&mut reader, &name, before, entries)?;
        before = hop.begun;
        hops.push(hop);
    }
    Some(ResolutionRecord {
        received_s: head.received_s,
        client: client(entries.clients.get(head.client)?)?,
        transport,
        name,
        rtype,
        outcome,
        rcode,
        reason,
        failure,
        dnssec,
        took,
        line,
        hops,
        more_hops: u16::try_from(more_hops).unwrap_or(u16::MAX),
    })
}

fn read_hop(
    reader: &mut Reader<'_>,
    qname: &Name,
    before: Duration,
    entries: &Entries<'_>,
) -> Option<HopRecord> {
    let first = reader.octet()?;
    let zone = match first & ZONE_IS_ABOVE {
        0 => entries.names.name(reader.index()?)?,
        _ => name::ancestor(qname, usize::from(reader.octet()?)),
    };
    let rtype = Rtype::from_int(u16::try_from(reader.number()?).ok()?);
    let (begun, took) = (before.saturating_add(reader.duration()?), reader.duration()?);
    let event = match first >> KIND_SHIFT & 3 {
        0 => HopEvent::Asked {
            server: entries.server(reader.index()?)?,
            reason: AskReason::of_octet(reader.octet()?)?,
            end: HopEnd::of_octet(reader.octet()?)?,
        },
        1 => HopEvent::Waited,
        2 => HopEvent::Skipped {
            server: entries.server(reader.index()?)?,
            trouble: ServerTrouble::of_octet(reader.octet()?)?,
        },
        _ => return None,
    };
    Some(HopRecord { begun, took, depth: first & MAX_DEPTH, zone, rtype, event })
}
