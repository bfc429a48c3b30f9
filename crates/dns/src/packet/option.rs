//! A further option in a response that is complete.

use domain::base::iana::Rtype;

use super::records::walk_records;
use crate::edns::{OPTION_HEAD, put_option};

/// Adds an option to the OPT record at the end of a message. False, and nothing is changed, without such a record or
/// without room in its length.
pub fn add_option(message: &mut Vec<u8>, code: u16, value: &[u8]) -> bool {
    let Some((length_at, length)) = last_opt(message) else { return false };
    let Ok(length) = u16::try_from(length + OPTION_HEAD + value.len()) else { return false };
    put_option(message, code, &[value]);
    if let Some(field) = message.get_mut(length_at..length_at + 2) {
        field.copy_from_slice(&length.to_be_bytes());
    }
    true
}

/// The offset of RDLENGTH in the last record of a message, and its value, if that record is OPT and ends the message.
fn last_opt(message: &[u8]) -> Option<(usize, usize)> {
    let mut last = None;
    let end = walk_records(message, |record| {
        let opt = Some((record.rdlength_at(), record.rdlength));
        last = opt.filter(|_| record.rtype == Rtype::OPT.to_int());
        Some(())
    });
    last.filter(|_| end == Some(message.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::{Response, add_opt, compose};
    use crate::edns::EXTENDED_ERROR;
    use crate::{Ede, EdeCode, Message, Question, RRset, ResponseOpt, name};

    #[test]
    fn an_option_is_added_to_the_last_record_and_to_no_other_message() {
        let question = Question::new(name::parse("www.example.test").unwrap(), Rtype::CNAME);
        let answer = [RRset::naming(question.name.clone(), Rtype::CNAME, 300, &name::root())];
        let mut octets = compose(&Response::plain(&question, &answer));
        assert!(!add_option(&mut octets, 7, b"x"), "there is no OPT record");
        let ede = Ede::new(EdeCode::OTHER, "as it was");
        add_opt(&mut octets, &ResponseOpt { error: Some(&ede), ..ResponseOpt::default() });
        let before = octets.len();
        assert!(add_option(&mut octets, EXTENDED_ERROR, &[0, 22, b'n', b'e', b'w']));
        assert_eq!(octets.len(), before + OPTION_HEAD + 5);
        let message = Message::parse(&octets.clone().into()).unwrap();
        let told = [ede, Ede::new(EdeCode::NO_REACHABLE_AUTHORITY, "new")];
        assert_eq!(
            (message.answer, message.edns.unwrap().errors),
            (answer.to_vec(), told.to_vec())
        );
        let whole = octets.len();
        assert!(!add_option(&mut octets, 7, &vec![0; usize::from(u16::MAX)]), "no such length");
        octets.push(0);
        assert!(!add_option(&mut octets, 7, b"x"), "an octet after the record");
        octets.truncate(whole - 1);
        assert!(!add_option(&mut octets, 7, b"x"), "a cut message");
    }
}
