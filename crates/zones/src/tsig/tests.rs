use zoners_dns::message::TransferMessage;
use zoners_dns::query::{QueryOptions, query};
use zoners_dns::{Question, Rtype, name};

use super::{TsigAlgorithm, TsigFault, TsigKey, TsigStream};

const NOW: u64 = 1_700_000_000;

fn key(secret: &[u8]) -> TsigKey {
    TsigKey::new(&name::parse("Our-Key.test").unwrap(), TsigAlgorithm::HmacSha256, secret)
}

fn message() -> Vec<u8> {
    let question = Question::new(name::parse("example.test").unwrap(), Rtype::SOA);
    query(&question, QueryOptions { id: 77, recursion_desired: false, edns: false }).to_vec()
}

fn verify(key: &TsigKey, message: &[u8], now: u64) -> Result<Vec<u8>, TsigFault> {
    let parsed = TransferMessage::parse(message).unwrap();
    key.verify_request(message, parsed.tsig.as_ref(), now)
}

#[test]
fn a_signed_request_is_accepted_unchanged_and_in_time() {
    let mut signed = message();
    let mac = key(b"secret").sign_request(&mut signed, NOW);
    assert_eq!(verify(&key(b"secret"), &signed, NOW + 300), Ok(mac));
    assert_eq!(verify(&key(b"secret"), &signed, NOW + 301), Err(TsigFault::BadTime));
    assert_eq!(verify(&key(b"secreT"), &signed, NOW), Err(TsigFault::BadSignature));
    assert_eq!(verify(&key(b"secret"), &message(), NOW), Err(TsigFault::Unsigned));
    let other = TsigKey::new(&name::parse("other").unwrap(), TsigAlgorithm::HmacSha256, b"secret");
    assert_eq!(verify(&other, &signed, NOW), Err(TsigFault::OtherKey));
    let algorithm = TsigKey { algorithm: TsigAlgorithm::HmacSha512, ..key(b"secret") };
    assert_eq!(verify(&algorithm, &signed, NOW), Err(TsigFault::OtherKey));
    for at in 2..message().len() {
        let mut changed = signed.clone();
        changed[at] ^= 1;
        let Ok(parsed) = TransferMessage::parse(&changed) else { continue };
        assert!(
            key(b"secret").verify_request(&changed, parsed.tsig.as_ref(), NOW).is_err(),
            "{at}"
        );
    }
    // Forwarders change the ID, which is why the record has the original one.
    signed[0] ^= 1;
    assert!(verify(&key(b"secret"), &signed, NOW).is_ok());
}

#[test]
fn the_signature_is_that_of_rfc_8945() {
    // Computed by dnspython 2.7: dns.tsig.sign with the same key, time and message.
    let mut signed = message();
    let mac = key(b"secret").sign_request(&mut signed, NOW);
    let shown: String = mac.iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(shown, "3e7ffa47bea5bff84f0faa2ad92b3ebe0caf690e09df8be623203029d40a717a");
    assert_eq!(signed.len(), message().len() + 14 + 10 + 13 + 6 + 2 + 2 + 32 + 2 + 4);
}

/// The replies of a server to a request with this MAC; `signed` says which are signed.
fn replies(key: &TsigKey, request_mac: &[u8], signed: &[bool]) -> Vec<Vec<u8>> {
    let (mut prior, mut between) = (super::with_length(request_mac), Vec::new());
    let mut out = Vec::new();
    for (number, is_signed) in signed.iter().enumerate() {
        let mut reply = message();
        reply[2] |= 0x80;
        if !is_signed {
            between.extend_from_slice(&reply);
        } else if number == 0 {
            let mac = key.sign(&mut reply, &prior, NOW);
            prior = super::with_length(&mac);
        } else {
            let time = NOW.to_be_bytes();
            let timers = [&time[2..], &300u16.to_be_bytes()].concat();
            let mac = key.mac(&[&*prior, &between, &reply, &timers].concat());
            between.clear();
            prior = super::with_length(&mac);
            let id = reply[..2].to_vec();
            let algorithm = key.algorithm.wire();
            let rdata = [algorithm, &timers, &prior, &id, &[0; 4]].concat();
            reply.extend_from_slice(key.name.as_slice());
            reply.extend_from_slice(&250u16.to_be_bytes());
            reply.extend_from_slice(&super::CLASS_AND_TTL);
            reply.extend_from_slice(&super::with_length(&rdata));
            super::add_to_additional(&mut reply, 1);
        }
        out.push(reply);
    }
    out
}

fn take_all(key: &TsigKey, messages: &[Vec<u8>]) -> Result<bool, TsigFault> {
    let mut stream = TsigStream::new(key.clone(), b"request");
    for message in messages {
        let parsed = TransferMessage::parse(message).unwrap();
        stream.take(message, parsed.tsig.as_ref(), NOW)?;
    }
    Ok(stream.is_complete())
}

#[test]
fn a_transfer_is_signed_as_a_whole() {
    let key = key(b"secret");
    let all = replies(&key, b"request", &[true, false, false, true, true]);
    assert_eq!(take_all(&key, &all), Ok(true));
    assert_eq!(take_all(&key, &all[..3]), Ok(false), "the end is missing");
    let without = |at: usize| {
        let mut some = all.clone();
        some.remove(at);
        take_all(&key, &some)
    };
    assert_eq!(without(0), Err(TsigFault::Unsigned));
    assert_eq!(without(1), Err(TsigFault::BadSignature));
    assert_eq!(without(3), Err(TsigFault::BadSignature));
    let mut changed = all.clone();
    changed[2][3] ^= 1;
    assert_eq!(take_all(&key, &changed), Err(TsigFault::BadSignature));
    let mut many = vec![true];
    many.extend([false; 99]);
    assert_eq!(take_all(&key, &replies(&key, b"request", &many)), Ok(false));
    many.push(false);
    assert_eq!(take_all(&key, &replies(&key, b"request", &many)), Err(TsigFault::Unsigned));
}
