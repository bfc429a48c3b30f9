//! Hosts files: an address and its names a line, as every system has one.

use std::net::IpAddr;

use zoners_dns::{RRset, Records, Rtype, name};

/// Seconds for which clients may keep what a hosts file says: it changes when a person edits it.
const TTL: u32 = 60;

/// Reads a hosts file: A and AAAA for every name, PTR to the first name of a line.
///
/// # Errors
/// A line has no address, no name, or what is none; the line is told.
pub fn parse(text: &str) -> Result<Vec<RRset>, String> {
    let mut sets = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let told = |what: String| format!("line {}: {what}", number + 1);
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(address) = words.next() else { continue };
        // An address may say by which interface it is reached; a name server cannot.
        let bare = address.split('%').next().unwrap_or_default();
        let address: IpAddr =
            bare.parse().map_err(|_| told(format!("`{address}` is no address")))?;
        let (rtype, records) = match address {
            IpAddr::V4(ip) => (Rtype::A, Records::from_iter([ip.octets()])),
            IpAddr::V6(ip) => (Rtype::AAAA, Records::from_iter([ip.octets()])),
        };
        let names = words.map(name::parse).collect::<Result<Vec<_>, _>>().map_err(told)?;
        let Some(first) = names.first() else { return Err(told("no name".into())) };
        sets.push(RRset::naming(name::reverse(address), Rtype::PTR, TTL, first));
        sets.extend(names.into_iter().map(|name| RRset::new(name, rtype, TTL, records.clone())));
    }
    Ok(sets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_line_counts() {
        let text = "# mine\n127.0.0.1 localhost\n192.168.1.2\tnas.lan nas # files\n\nfe80::1%lo0 link.lan\n";
        let sets = parse(text).unwrap();
        let lines: Vec<String> = sets.iter().map(ToString::to_string).collect();
        assert!(lines.contains(&"nas. 60 IN A 192.168.1.2".to_owned()), "{lines:#?}");
        assert!(
            lines.contains(&"2.1.168.192.in-addr.arpa. 60 IN PTR nas.lan.".to_owned()),
            "{lines:#?}"
        );
        assert!(lines.contains(&"link.lan. 60 IN AAAA fe80::1".to_owned()), "{lines:#?}");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        assert!(parse("127.0.0.1 a\nnonsense b\n").unwrap_err().starts_with("line 2:"));
        assert!(parse("127.0.0.1 a..b\n").unwrap_err().contains("a..b"));
        assert!(parse("127.0.0.1\n").unwrap_err().contains("no name"));
    }
}
