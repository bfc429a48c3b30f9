//! NOTIFY (RFC 1996): the announcement of a new version by a primary. Only configured primaries are heard, and only signed
//! messages where the zone has a key. A message does nothing but bring the next look forward.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use zoners_dns::message::TransferMessage;
use zoners_dns::{Name, Opcode, Rtype};
use zoners_zones::tsig::TsigKey;

/// Octets before the question.
const HEADER_OCTETS: usize = 12;
/// QR, the opcode NOTIFY and AA.
const REPLY_FLAGS: [u8; 2] = [0x80 | 4 << 3 | 0x04, 0];

/// The zones for which NOTIFY is heard.
#[derive(Debug, Default)]
pub(crate) struct NotifyInbox {
    zones: ArcSwap<Vec<NotifiedZone>>,
}

/// A zone with primaries.
#[derive(Clone, Debug)]
pub(crate) struct NotifiedZone {
    pub(crate) apex: Name,
    pub(crate) primaries: Vec<SocketAddr>,
    pub(crate) key: Option<TsigKey>,
    /// Rung for each message that counts.
    pub(crate) bell: Arc<Notify>,
}

impl NotifyInbox {
    /// Hears of these zones from now on.
    pub(crate) fn replace(&self, zones: Vec<NotifiedZone>) {
        self.zones.store(Arc::new(zones));
    }

    /// Brings the next look at the primaries of a zone forward, as a NOTIFY does.
    pub(crate) fn ring(&self, apex: &Name) {
        let zones = self.zones.load();
        zones.iter().filter(|zone| zone.apex == *apex).for_each(|zone| zone.bell.notify_one());
    }

    /// Takes a packet of a client at `from`; returns the reply if the packet is a NOTIFY that counts.
    #[cold]
    pub(crate) fn take(&self, packet: &[u8], from: IpAddr, wall_seconds: u64) -> Option<Vec<u8>> {
        let zones = self.zones.load();
        if zones.is_empty() {
            return None;
        }
        let message = TransferMessage::parse(packet).ok()?;
        if message.header.opcode() != Opcode::NOTIFY || message.header.qr() {
            return None;
        }
        let question = message.question.as_ref().filter(|asked| asked.rtype == Rtype::SOA)?;
        let zone = zones.iter().find(|zone| zone.apex == question.name)?;
        let from = from.to_canonical();
        if !zone.primaries.iter().any(|primary| primary.ip().to_canonical() == from) {
            return None;
        }
        let mac = match &zone.key {
            None => None,
            Some(key) => {
                let verified = key.verify_request(packet, message.tsig.as_ref(), wall_seconds);
                let log = |fault| {
                    let apex = zone.apex.fmt_with_dot();
                    tracing::debug!("zone {apex}: NOTIFY from {from}: {fault}");
                };
                Some((key, verified.map_err(log).ok()?))
            }
        };
        zone.bell.notify_one();
        let mut reply = packet.get(..HEADER_OCTETS + question.name.len() + 4)?.to_vec();
        reply.get_mut(2..4)?.copy_from_slice(&REPLY_FLAGS);
        // One question and nothing else.
        reply.get_mut(6..HEADER_OCTETS)?.fill(0);
        if let Some((key, mac)) = mac {
            key.sign_reply(&mut reply, &mac, wall_seconds);
        }
        Some(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::name;
    use zoners_zones::transfer::soa_request;
    use zoners_zones::tsig::TsigAlgorithm;

    const NOW: u64 = 1_700_000_000;

    fn notify(apex: &str) -> Vec<u8> {
        let mut packet = soa_request(&name::parse(apex).unwrap(), 77);
        packet[2] = 4 << 3 | 0x04;
        packet
    }

    fn inbox(key: Option<TsigKey>) -> (NotifyInbox, Arc<Notify>) {
        let (inbox, bell) = (NotifyInbox::default(), Arc::new(Notify::new()));
        let apex = name::parse("Example.test").unwrap();
        let primaries = vec!["192.0.2.53:5353".parse().unwrap()];
        inbox.replace(vec![NotifiedZone { apex, primaries, key, bell: bell.clone() }]);
        (inbox, bell)
    }

    async fn has_rung(bell: &Notify) -> bool {
        tokio::select! {
            biased;
            () = bell.notified() => true,
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test]
    async fn a_notify_counts_from_a_primary_alone() {
        let (inbox, bell) = inbox(None);
        let primary: IpAddr = "::ffff:192.0.2.53".parse().unwrap();
        let reply = inbox.take(&notify("example.test"), primary, NOW).unwrap();
        assert_eq!((&reply[..2], reply[2], reply[3]), (&[0, 77][..], 0xA4, 0));
        assert_eq!(reply.len(), notify("example.test").len());
        assert!(has_rung(&bell).await);
        let others = [("example.test", "192.0.2.54"), ("other.test", "192.0.2.53")];
        for (apex, from) in others {
            assert_eq!(inbox.take(&notify(apex), from.parse().unwrap(), NOW), None);
        }
        let query = soa_request(&name::parse("example.test").unwrap(), 77);
        assert_eq!(inbox.take(&query, primary, NOW), None, "a query is no NOTIFY");
        assert!(!has_rung(&bell).await);
    }

    #[tokio::test]
    async fn a_zone_with_a_key_hears_signed_messages_alone() {
        let key = |secret: &[u8]| {
            TsigKey::new(&name::parse("k").unwrap(), TsigAlgorithm::HmacSha256, secret)
        };
        let (inbox, bell) = inbox(Some(key(b"one")));
        let primary: IpAddr = "192.0.2.53".parse().unwrap();
        assert_eq!(inbox.take(&notify("example.test"), primary, NOW), None);
        let signed = |secret: &[u8]| {
            let mut packet = notify("example.test");
            key(secret).sign_request(&mut packet, NOW);
            packet
        };
        assert_eq!(inbox.take(&signed(b"two"), primary, NOW), None);
        assert!(!has_rung(&bell).await);
        let reply = inbox.take(&signed(b"one"), primary, NOW).unwrap();
        assert!(TransferMessage::parse(&reply).unwrap().tsig.is_some());
        assert!(has_rung(&bell).await);
    }
}
