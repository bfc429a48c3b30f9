//! Hosts files: an address and its names on each line, as on every system.

use std::net::IpAddr;

use zoners_dns::{Name, RRset, Records, Rtype, name};

use super::records::Builder;

/// The TTL of hosts file entries, in seconds: short, since people edit the file.
const TTL: u32 = 60;
/// PTR records of one address. A block list gives one address to thousands of names.
const NAMES_OF_ADDRESS: usize = 8;

/// A faulty line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Odd {
    /// The line, from 1 on.
    pub line: usize,
    /// The reason why the line, or a name, is skipped.
    pub why: String,
}

/// Reads a hosts file: passes the address and names of each line to `take`, and skipped faults to
/// `odd`.
pub fn read(text: &[u8], mut take: impl FnMut(IpAddr, Vec<Name>), mut odd: impl FnMut(Odd)) {
    // Some editors write a byte order mark at the beginning.
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    for (number, line) in text.split(|octet| *octet == b'\n').enumerate() {
        let line = line.split(|octet| *octet == b'#').next().unwrap_or_default();
        // Octets that are no UTF-8 are rejected later, as part of a name.
        let line = String::from_utf8_lossy(line);
        read_line(&line, &mut take, |why| odd(Odd { line: number + 1, why }));
    }
}

fn read_line(line: &str, take: &mut impl FnMut(IpAddr, Vec<Name>), mut odd: impl FnMut(String)) {
    let mut words = line.split_whitespace();
    let Some(written) = words.next() else { return };
    // An address may have a zone index, which DNS records lack.
    let bare = written.split('%').next().unwrap_or_default();
    let Ok(address) = bare.parse::<IpAddr>() else {
        return odd(format!("`{written}` is no address"));
    };
    let mut words = words.peekable();
    if words.peek().is_none() {
        odd(format!("`{written}` has no name"));
    }
    let names: Vec<Name> = words.filter_map(|word| host(word).map_err(&mut odd).ok()).collect();
    if !names.is_empty() {
        take(address, names);
    }
}

fn host(word: &str) -> Result<Name, String> {
    let name = name::parse(word)?;
    match name.first().is_wildcard() {
        true => Err(format!("`{word}`: hosts files have no wildcards, `local.records` has")),
        false => Ok(name),
    }
}

/// Adds the records of a line: A or AAAA for every name, and PTR to the first, at most
/// [`NAMES_OF_ADDRESS`] for an address.
pub(super) fn add(address: IpAddr, names: Vec<Name>, to: &mut Builder) {
    let (rtype, records) = match address {
        IpAddr::V4(ip) => (Rtype::A, Records::from_iter([ip.octets()])),
        IpAddr::V6(ip) => (Rtype::AAAA, Records::from_iter([ip.octets()])),
    };
    // The unspecified address belongs to no host: block lists use it.
    if let Some(first) = names.first().filter(|_| !address.is_unspecified()) {
        let reverse = RRset::naming(name::reverse(address), Rtype::PTR, TTL, first);
        to.add_up_to(NAMES_OF_ADDRESS, reverse);
    }
    names.into_iter().for_each(|name| to.add(name, rtype, TTL, records.clone()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::NameSlice;

    /// The records and the faults.
    fn read_all(text: &[u8]) -> (super::super::records::LocalRecords, Vec<Odd>) {
        let (mut builder, mut odd) = (Builder::default(), Vec::new());
        read(text, |address, names| add(address, names, &mut builder), |line| odd.push(line));
        (builder.build(|_| false), odd)
    }

    fn lines(
        records: &super::super::records::LocalRecords,
        asked: &NameSlice,
        rtype: Rtype,
    ) -> String {
        let answer = records.answer(asked, rtype);
        let answer = answer.map(|answer| answer.answer).unwrap_or_default();
        answer.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    fn has(records: &super::super::records::LocalRecords, name: &str, rtype: Rtype) -> String {
        lines(records, name::parse(name).unwrap().for_slice(), rtype)
    }

    fn reverse(records: &super::super::records::LocalRecords, address: &str) -> usize {
        let name = name::reverse(address.parse().unwrap());
        lines(records, name.for_slice(), Rtype::PTR).lines().count()
    }

    #[test]
    fn every_name_of_a_line_counts() {
        let text = "# mine\n127.0.0.1 localhost\r\n192.168.1.2\tnas.lan nas # files\n\n\
                    fe80::1%lo0 link.lan\n192.168.1.3 nas.lan\n";
        let (ours, odd) = read_all(text.as_bytes());
        assert_eq!(has(&ours, "nas", Rtype::A), "nas. 60 IN A 192.168.1.2");
        assert_eq!(
            has(&ours, "nas.lan", Rtype::A),
            "nas.lan. 60 IN A 192.168.1.2\nnas.lan. 60 IN A 192.168.1.3"
        );
        assert_eq!(
            has(&ours, "2.1.168.192.in-addr.arpa", Rtype::PTR),
            "2.1.168.192.in-addr.arpa. 60 IN PTR nas.lan."
        );
        assert_eq!(has(&ours, "link.lan", Rtype::AAAA), "link.lan. 60 IN AAAA fe80::1");
        assert_eq!(has(&ours, "localhost", Rtype::A), "localhost. 60 IN A 127.0.0.1");
        assert_eq!(odd, []);
    }

    #[test]
    fn what_is_wrong_is_passed_over_and_told_with_its_line() {
        let text =
            b"\xEF\xBB\xBF127.0.0.1 first\n192.168.1.300 far\n0.0.0.0\n0.0.0.0 ads..example\n\
            0.0.0.0 b\xFCcher.example\n0.0.0.0 b\xC3\xBCcher.example good.example\nnonsense b\n\
            0.0.0.0 *.wild.example\n# b\xFCcher\n::1 last\n";
        let (ours, odd) = read_all(text);
        let told: Vec<(usize, &str)> = odd.iter().map(|odd| (odd.line, &*odd.why)).collect();
        let lines: Vec<usize> = odd.iter().map(|odd| odd.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6, 7, 8], "{told:#?}");
        assert_eq!(told[0].1, "`192.168.1.300` is no address");
        assert_eq!(told[1].1, "`0.0.0.0` has no name");
        assert!(
            told[2].1.contains("ads..example") && told[4].1.contains("b\u{fc}cher"),
            "{told:?}"
        );
        assert!(told[6].1.contains("local.records"));
        for right in ["first", "good.example"] {
            assert!(has(&ours, right, Rtype::A).contains(right), "{right}");
        }
        assert!(has(&ours, "last", Rtype::AAAA).contains("::1"));
        assert_eq!(ours.len(), 3 + 2, "and the names of the two addresses that have some");
    }

    #[test]
    fn an_address_with_many_names_has_some_in_reverse() {
        let line = |number: usize| format!("192.168.1.1 n{number}.lan\n127.0.0.1 m{number}.lan\n");
        let at = |many: usize| {
            let text: String = (0..many).map(line).collect();
            let (ours, odd) = read_all(text.as_bytes());
            assert_eq!(odd, []);
            assert_eq!(ours.len(), 2 * many + 2, "and two addresses");
            (reverse(&ours, "192.168.1.1"), reverse(&ours, "127.0.0.1"))
        };
        assert_eq!(at(NAMES_OF_ADDRESS - 1), (NAMES_OF_ADDRESS - 1, NAMES_OF_ADDRESS - 1));
        assert_eq!(at(NAMES_OF_ADDRESS), (NAMES_OF_ADDRESS, NAMES_OF_ADDRESS));
        assert_eq!(at(NAMES_OF_ADDRESS + 1), (NAMES_OF_ADDRESS, NAMES_OF_ADDRESS));
        let (ours, _) = read_all(b"0.0.0.0 ads.example\n:: ads.example\n");
        assert_eq!((reverse(&ours, "0.0.0.0"), reverse(&ours, "::")), (0, 0), "no host has them");
    }
}
