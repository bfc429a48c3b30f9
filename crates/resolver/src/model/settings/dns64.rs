//! DNS64: which addresses are made for clients without IPv4 (RFC 6147).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zoners_dns::{
    Name, Nat64Prefix, OptRcode, Prefix, Question, RRset, Records, Rtype, Security, name, nat64,
};

use crate::model::answer::Answer;

/// The TTL of an address that is made without the SOA of a denial, in seconds (RFC 6147 section 5.1.7).
const MAX_TTL: u32 = 600;
/// The zone of reverse names of IPv6 addresses, and the labels of a whole address in it (RFC 3596 section 2.5).
const REVERSE_ZONE: &[u8] = b"\x03ip6\x04arpa\0";
const REVERSE_LABELS: usize = 32;

/// How DNS64 makes addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns64 {
    prefix: Nat64Prefix,
    /// IPv6 addresses that count as absent.
    absent: Vec<Prefix>,
    /// IPv4 addresses that are not translated.
    untranslated: Vec<Prefix>,
}

impl Dns64 {
    /// DNS64 with the prefix of a NAT64. Addresses in `exclude` are not translated, if IPv4, and count as absent, if
    /// IPv6. The well-known prefix has no addresses of `private` networks either (RFC 6052 section 3.1).
    #[must_use]
    pub fn new(prefix: Nat64Prefix, exclude: &[Prefix], private: &[Prefix]) -> Self {
        let is_well_known = prefix == Nat64Prefix::WELL_KNOWN;
        let exclude = exclude.iter().chain(private.iter().filter(|_| is_well_known)).copied();
        let (untranslated, absent) = exclude.partition(|prefix| prefix.first().is_ipv4());
        Dns64 { prefix, absent, untranslated }
    }

    /// The prefix of the NAT64.
    #[must_use]
    pub fn prefix(&self) -> Nat64Prefix {
        self.prefix
    }

    /// Whether the answer to a question for AAAA has no address that a client can use, though the name exists.
    pub(crate) fn lacks_addresses(&self, answer: &Answer) -> bool {
        let addresses = answer.answer.iter().filter(|set| set.rtype == Rtype::AAAA);
        answer.rcode == OptRcode::NOERROR
            && addresses.flat_map(RRset::addresses).all(|address| self.is_absent(address))
    }

    /// Whether an address counts as absent. IPv4-mapped addresses lead nowhere (RFC 6147 section 5.1.4).
    fn is_absent(&self, address: IpAddr) -> bool {
        let is_mapped = address.to_canonical().is_ipv4();
        is_mapped || self.absent.iter().any(|prefix| prefix.contains(address))
    }

    /// The answer for AAAA, made of the answer for A. `None` if no address can be translated. A made answer is not
    /// proven (RFC 6147 section 5.5).
    pub(crate) fn translated(&self, aaaa: Option<&Answer>, ipv4: &Answer) -> Option<Answer> {
        let denied_for = aaaa.filter(|aaaa| !aaaa.authority.is_empty());
        let ttl = denied_for.map_or(MAX_TTL, Answer::ttl);
        let sets = ipv4.answer.iter().filter_map(|set| match set.rtype {
            Rtype::A => self.translated_set(set, ttl),
            _ => Some(set.clone()),
        });
        let answer: Vec<RRset> = sets.collect();
        let is_made = answer.iter().any(|set| set.rtype == Rtype::AAAA);
        is_made.then(|| Answer {
            answer,
            authority: Vec::new(),
            additional: Vec::new(),
            security: ipv4.security.min(Security::Insecure),
            ..ipv4.clone()
        })
    }

    fn translated_set(&self, set: &RRset, ttl: u32) -> Option<RRset> {
        let embedded = set.addresses().filter_map(|address| self.embedded(address));
        let records: Vec<[u8; 16]> = embedded.map(|address| address.octets()).collect();
        let records = (!records.is_empty()).then(|| Records::from_iter(records))?;
        Some(RRset::new(set.owner.clone(), Rtype::AAAA, set.ttl.min(ttl), records))
    }

    fn embedded(&self, address: IpAddr) -> Option<Ipv6Addr> {
        let IpAddr::V4(inside) = address else { return None };
        let is_excluded = self.untranslated.iter().any(|prefix| prefix.contains(address));
        // The name of the discovery shows the prefix to clients (RFC 8880 section 7.1).
        let is_translated = !is_excluded || nat64::DISCOVERY_ADDRESSES.contains(&inside);
        is_translated.then(|| self.prefix.embed(inside))
    }

    /// The question for the reverse name of the IPv4 address inside the IPv6 address of a question for PTR.
    pub(crate) fn reverse_question(&self, question: &Question) -> Option<Question> {
        let address = (question.rtype == Rtype::PTR).then(|| reverse_address(&question.name))??;
        let inside: Ipv4Addr = self.prefix.extract(address)?;
        Some(Question { name: name::reverse(inside.into()), ..question.clone() })
    }

    /// The answer for a reverse name: an alias to the reverse name `of` the IPv4 address, and the answer found there
    /// (RFC 6147 section 5.3.1).
    pub(crate) fn reversed(&self, asked: &Question, of: &Question, found: &Answer) -> Answer {
        let ttl = found.ttl().min(MAX_TTL);
        let alias = RRset::naming(asked.name.clone(), Rtype::CNAME, ttl, &of.name);
        let answer = std::iter::once(alias).chain(found.answer.iter().cloned()).collect();
        Answer { answer, security: found.security.min(Security::Insecure), ..found.clone() }
    }
}

/// The IPv6 address of a reverse name.
fn reverse_address(name: &Name) -> Option<Ipv6Addr> {
    let digits = name.as_slice().len().checked_sub(REVERSE_ZONE.len())?;
    let (digits, zone) = name.as_slice().split_at_checked(digits)?;
    if digits.len() != 2 * REVERSE_LABELS || !zone.eq_ignore_ascii_case(REVERSE_ZONE) {
        return None;
    }
    // Each label has one octet, its length before it; the lowest digit comes first.
    let add = |bits: u128, label: &[u8]| match *label {
        [1, digit] => Some(bits << 4 | u128::from(char::from(digit).to_digit(16)?)),
        _ => None,
    };
    digits.chunks_exact(2).rev().try_fold(0, add).map(Ipv6Addr::from_bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_reverse_name_is_read() {
        let address: Ipv6Addr = "64:ff9b::192.0.2.33".parse().unwrap();
        assert_eq!(reverse_address(&name::reverse(address.into())), Some(address));
        for text in ["ip6.arpa", "1.0.ip6.arpa", "33.2.0.192.in-addr.arpa", "."] {
            assert_eq!(reverse_address(&name::parse(text).unwrap()), None, "{text}");
        }
    }

    #[test]
    fn only_addresses_of_the_prefix_have_an_ipv4_reverse_name() {
        let dns64 = Dns64::new(Nat64Prefix::WELL_KNOWN, &[], &[]);
        let of = |text: &str, rtype| {
            let address: IpAddr = text.parse().unwrap();
            dns64.reverse_question(&Question::new(name::reverse(address), rtype))
        };
        let asked = of("64:ff9b::192.0.2.33", Rtype::PTR).unwrap();
        assert_eq!(asked.name, name::parse("33.2.0.192.in-addr.arpa").unwrap());
        assert_eq!(of("2001:db8::1", Rtype::PTR), None);
        assert_eq!(of("64:ff9b::192.0.2.33", Rtype::A), None);
    }

    #[test]
    fn the_well_known_prefix_has_no_private_addresses() {
        let (nas, network) = ("192.168.1.2".parse().unwrap(), "192.168.0.0/16".parse().unwrap());
        let own: Nat64Prefix = "2001:db8::/96".parse().unwrap();
        let made = |prefix, exclude| Dns64::new(prefix, exclude, &[network]).embedded(nas);
        assert_eq!(made(Nat64Prefix::WELL_KNOWN, &[]), None);
        assert_eq!(made(own, &[]), "2001:db8::192.168.1.2".parse().ok());
        assert_eq!(made(own, &[network]), None);
    }

    #[test]
    fn mapped_and_excluded_addresses_count_as_absent() {
        let exclude = ["2001:db8:bad::/48".parse().unwrap()];
        let dns64 = Dns64::new(Nat64Prefix::WELL_KNOWN, &exclude, &[]);
        let is_absent = |text: &str| dns64.is_absent(text.parse().unwrap());
        assert!(is_absent("::ffff:192.0.2.1") && is_absent("2001:db8:bad::1"));
        assert!(!is_absent("2001:db8::1"));
    }
}
