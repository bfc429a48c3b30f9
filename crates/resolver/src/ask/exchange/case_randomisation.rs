//! Case randomisation (0x20): an off-path attacker has to guess the case of each letter besides
//! port and ID (draft-vixie-dnsext-dns0x20).

use bytes::{Bytes, BytesMut};
use zoners_dns::{Name, Random};

/// Octets of a message before its question.
const HEADER: usize = 12;

/// The case of the name in a reply, compared with the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameCase {
    Kept,
    Changed,
}

/// The name with the case of each letter drawn at random.
pub(super) fn with_random_case(name: &Name, random: &Random) -> Name {
    let mut octets = BytesMut::from(name.as_slice());
    // Lengths of labels are no letters.
    for letters in octets.chunks_mut(64) {
        let mut bits = random.bits();
        for letter in letters.iter_mut().filter(|octet| octet.is_ascii_alphabetic()) {
            *letter ^= (bits as u8 & 1) << 5;
            bits >>= 1;
        }
    }
    Name::from_octets(octets.freeze()).unwrap_or_else(|_| name.clone())
}

/// The reply with the question as it was `asked`, so that compressed names in it do not have the
/// case of the `sent` question; and whether the reply repeated the case. A reply to a different
/// question is left unchanged.
pub(super) fn with_original_case(reply: Bytes, sent: &Name, asked: &Name) -> (Bytes, NameCase) {
    let range = HEADER..HEADER + sent.len();
    let Some(echoed) = reply.get(range.clone()) else { return (reply, NameCase::Kept) };
    if !echoed.eq_ignore_ascii_case(sent.as_slice()) {
        return (reply, NameCase::Kept);
    }
    let case = match echoed == sent.as_slice() {
        true => NameCase::Kept,
        false => NameCase::Changed,
    };
    let mut reply = BytesMut::from(&reply[..]);
    if let Some(echoed) = reply.get_mut(range) {
        echoed.copy_from_slice(asked.as_slice());
    }
    (reply.freeze(), case)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::name;

    #[test]
    fn the_case_of_letters_is_random_and_nothing_else_changes() {
        let random = Random::seeded(1);
        let asked = name::parse("www.a-1.example.test").unwrap();
        let drawn: Vec<Name> = (0..64).map(|_| with_random_case(&asked, &random)).collect();
        assert!(drawn.iter().all(|name| *name == asked), "names are the same in any letters");
        let large = |at: usize| {
            drawn.iter().filter(|name| name.as_slice()[at].is_ascii_uppercase()).count()
        };
        for (at, octet) in asked.as_slice().iter().enumerate() {
            match octet.is_ascii_alphabetic() {
                true => assert!((12..52).contains(&large(at)), "{at}"),
                false => assert!(drawn.iter().all(|name| name.as_slice()[at] == *octet)),
            }
        }
    }

    #[test]
    fn the_question_of_a_reply_gets_its_original_case() {
        let (asked, sent) = (name::parse("www.test").unwrap(), name::parse("wWw.TeSt").unwrap());
        let reply = |name: &[u8]| Bytes::from([&[0; HEADER], name, &[0, 1, 0, 1]].concat());
        let whole = reply(asked.as_slice());
        assert_eq!(
            with_original_case(reply(sent.as_slice()), &sent, &asked),
            (whole.clone(), NameCase::Kept)
        );
        assert_eq!(with_original_case(whole.clone(), &sent, &asked), (whole, NameCase::Changed));
        let other = reply(name::parse("wWw.TeSs").unwrap().as_slice());
        assert_eq!(with_original_case(other.clone(), &sent, &asked), (other, NameCase::Kept));
        let short = Bytes::from_static(&[0; HEADER + 3]);
        assert_eq!(with_original_case(short.clone(), &sent, &asked), (short, NameCase::Kept));
    }
}
