//! The names and addresses to which an answer leads a client.

use std::net::IpAddr;

use zoners_dns::{Name, RRset, Rtype};

/// SvcParamKeys of addresses (RFC 9460 section 14.3.2).
const IPV4_HINT: u16 = 4;
const IPV6_HINT: u16 = 6;

/// A name or an address of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AnswerPart {
    /// The target of an alias or of a service, or the name of an address.
    Name(Name),
    /// An address, or an address hint.
    Address(IpAddr),
}

/// The targets and addresses of an RRset.
pub(crate) fn parts(set: &RRset) -> Vec<AnswerPart> {
    match set.rtype {
        Rtype::CNAME | Rtype::PTR => set.targets().map(AnswerPart::Name).collect(),
        Rtype::A | Rtype::AAAA => set.addresses().map(AnswerPart::Address).collect(),
        Rtype::HTTPS | Rtype::SVCB => {
            set.records.iter().flat_map(|rdata| service_parts(&rdata)).collect()
        }
        _ => Vec::new(),
    }
}

/// The target and the address hints of an SVCB or HTTPS record; the target `.` is the owner (RFC 9460 section 2.5.2).
fn service_parts(rdata: &[u8]) -> Vec<AnswerPart> {
    let Some((_, rest)) = rdata.split_first_chunk::<2>() else { return Vec::new() };
    let mut end = 0;
    while let Some(length) = rest.get(end).filter(|length| **length > 0) {
        end += 1 + usize::from(*length);
    }
    let Some((target, mut params)) = rest.split_at_checked(end + 1) else { return Vec::new() };
    let mut parts = Vec::new();
    if let Ok(target) = Name::from_octets(target.to_vec().into())
        && !target.is_root()
    {
        parts.push(AnswerPart::Name(target));
    }
    while let Some((&[k0, k1, l0, l1], rest)) = params.split_first_chunk::<4>() {
        let length = u16::from_be_bytes([l0, l1]);
        let Some((value, after)) = rest.split_at_checked(length.into()) else { break };
        params = after;
        match u16::from_be_bytes([k0, k1]) {
            IPV4_HINT => parts.extend(
                value.as_chunks::<4>().0.iter().map(|ip| AnswerPart::Address((*ip).into())),
            ),
            IPV6_HINT => parts.extend(
                value.as_chunks::<16>().0.iter().map(|ip| AnswerPart::Address((*ip).into())),
            ),
            _ => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::{name, zonefile};

    fn parts_of(text: &str) -> Vec<AnswerPart> {
        let sets = zonefile::parse(text, &name::root()).unwrap();
        sets.iter().flat_map(parts).collect()
    }

    #[test]
    fn services_lead_to_their_targets_and_hints() {
        let to = |text: &str| AnswerPart::Name(name::parse(text).unwrap());
        let at = |text: &str| AnswerPart::Address(text.parse().unwrap());
        let text = "a. 60 HTTPS 1 svc.example. alpn=h2 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1\n";
        let expected = [to("svc.example"), at("192.0.2.1"), at("192.0.2.2"), at("2001:db8::1")];
        assert_eq!(parts_of(text), expected);
        assert_eq!(parts_of("a. 60 HTTPS 1 . alpn=h2\n"), []);
        assert_eq!(parts_of("a. 60 CNAME b.\n"), [to("b")]);
        assert_eq!(parts_of("a. 60 AAAA ::1\na. 60 TXT b\n"), [at("::1")]);
    }

    #[test]
    fn broken_services_lead_nowhere() {
        let whole = b"\0\x01\x01a\0\0\x04\0\x04\xc0\0\x02\x01";
        for length in 0..whole.len() {
            assert!(service_parts(&whole[..length]).len() < 2, "{length}");
        }
        assert_eq!(service_parts(whole).len(), 2);
    }
}
