//! Matches messages with the waiting query.

use bytes::Bytes;
use zoners_dns::{Message, MessageError, Opcode, OptRcode, Question};

/// The relation of a message to the waiting query.
#[derive(Debug)]
pub(super) enum Match {
    Reply(Box<Message>),
    /// The ID differs: any host may have sent the message.
    ForeignId,
    /// Too short to have an ID.
    TooShort,
    /// The ID matches, but the message is no reply, or a reply to a different question.
    NoReply,
    /// The ID fits, and nothing else can be read.
    Malformed(MessageError),
}

/// Whether `octets` are the reply to the query with this ID and question (RFC 5452 section 9.1).
pub(super) fn matches(octets: &Bytes, id: u16, question: &Question) -> Match {
    match Message::id_of(octets) {
        None => return Match::TooShort,
        Some(other) if other != id => return Match::ForeignId,
        Some(_) => {}
    }
    let message = match Message::parse(octets) {
        Ok(message) => message,
        Err(malformed) => return Match::Malformed(malformed),
    };
    if !message.header.qr() || message.header.opcode() != Opcode::QUERY {
        return Match::NoReply;
    }
    match &message.question {
        Some(asked) if asked == question => Match::Reply(Box::new(message)),
        // A server that cannot parse a query cannot repeat its question.
        None if rejects_edns(&message) => Match::Reply(Box::new(message)),
        _ => Match::NoReply,
    }
}

/// The replies of servers that do not support EDNS (RFC 6891 section 7), or support it badly.
pub(super) fn rejects_edns(message: &Message) -> bool {
    matches!(message.rcode, OptRcode::FORMERR | OptRcode::NOTIMP | OptRcode::BADVERS)
}

/// The reply of a server that requires its server cookie (RFC 7873 section 5.2.3).
pub(super) fn wants_cookie(message: &Message) -> bool {
    message.rcode == OptRcode::BADCOOKIE
}

#[cfg(test)]
mod tests;
