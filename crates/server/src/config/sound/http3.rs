//! Faults of HTTP/3, and remarks: the port of UDP belongs to another listener.

use super::super::{Config, ListenAddress};
use super::is_part;
use zoners_dns::Transport;

impl Config {
    /// HTTP/3 has the port of UDP for itself, or shares the port with DNS over QUIC at the same address.
    pub(super) fn check_http3(&self, wrong: &mut impl FnMut(&str, &str)) {
        let http3 = self.http3();
        for (path, https) in self.listen_addresses().filter(|(_, own)| http3.contains(own)) {
            let at = https.address;
            // An address with streams too is told of as listed twice.
            let has_port = |other: &ListenAddress| {
                let overlaps = is_part(at, other.address) || is_part(other.address, at);
                let same = other.address == at && !other.is_over(Transport::Quic);
                other.transports.iter().all(|way| way.has_datagrams()) && (same || overlaps)
            };
            let other = self.listen_addresses().find(|(_, other)| has_port(other));
            if let Some((_, other)) = other {
                let what = format!(
                    "{https} is served over HTTP/3 too, and {other} has that port of UDP: take another port, or turn \
                     server.http3 off"
                );
                wrong(&path, &what);
            }
        }
    }

    /// Remarks on addresses without HTTP/3 because of DNS over QUIC at the same port with other certificates of clients.
    pub(in crate::config) fn http3_remarks(&self) -> impl Iterator<Item = String> {
        let all = self.listen_addresses().filter(|_| self.server.http3);
        let https = all.filter(|(_, address)| address.is_over(Transport::Https));
        https.filter_map(|(path, https)| {
            let other = self.other_authority_over_quic(https)?;
            let what = format!(
                "{https} is not served over HTTP/3: {other} has that port of UDP, and does not ask for the same \
                 certificates of clients"
            );
            Some(self.source.remark(&path, &what))
        })
    }
}
