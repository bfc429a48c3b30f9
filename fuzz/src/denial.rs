//! Denial proofs against an obvious oracle: whatever records of a zone's own chain somebody puts
//! together, they must not prove what the zone itself would not say.

use zoners_dns::{Name, OptRcode, Question, RRset, Rtype, name};
use zoners_dnssec::denial::{self, DenialStatus, DsDenial, Proof};
use zoners_sim::Zone;
use zoners_sim::sign::{Denying, Key, Signing};

const ORIGIN: &str = "z";
const LABELS: [&str; 4] = ["a", "b", "*", "c"];
const RTYPES: [Rtype; 4] = [Rtype::A, Rtype::TXT, Rtype::MX, Rtype::NS];

/// Makes a zone, a few records of its chain and a question out of `octets`.
pub fn run(octets: &[u8]) {
    let Some((head, rest)) = octets.split_first_chunk::<4>() else { return };
    let [kind, asked_name, asked_type, asked_count] = *head;
    let count = usize::from(kind >> 4).min(rest.len() / 2);
    let (entries, pool) = rest.split_at(count * 2);
    let Some(zone) = signed(entries, kind & 1 == 1) else { return };
    let asked = Question::new(named(asked_name), RTYPES[usize::from(asked_type % 4)]);
    // Proofs that the zone gave for other questions, as many as there are octets.
    let mut sets: Vec<RRset> = Vec::new();
    for octet in pool.iter().take(usize::from(asked_count % 8)) {
        let other = Question::new(named(*octet), RTYPES[usize::from(octet % 4)]);
        let proof = |set: &RRset| matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3);
        sets.extend(zone.answer(&other).authority.into_iter().filter(proof));
    }
    check(&zone, &asked, &sets);
}

fn check(zone: &Zone, asked: &Question, sets: &[RRset]) {
    let proof = Proof::read(sets, &zone.origin);
    let truth = zone.answer(asked);
    let mut blocks = 100_000;
    if denial::nxdomain(&proof, &asked.name, &mut blocks) == Ok(DenialStatus::Proven) {
        assert!(truth.aa && truth.rcode == OptRcode::NXDOMAIN, "{asked}: {sets:?}");
    }
    if denial::nodata(&proof, &asked.name, asked.rtype, &mut blocks) == Ok(DenialStatus::Proven) {
        let nothing = truth.aa && truth.rcode == OptRcode::NOERROR && truth.answer.is_empty();
        assert!(nothing, "{asked}: {sets:?}");
    }
    let at = |rtype| zone.answer(&Question::new(asked.name.clone(), rtype));
    let delegated = !at(Rtype::A).aa && at(Rtype::DS).aa;
    match denial::no_ds(&proof, &asked.name, &mut blocks) {
        Ok(DsDenial::Unsigned) => assert!(delegated, "{asked}: {sets:?}"),
        Ok(DsDenial::NoCut) => assert!(at(Rtype::A).aa, "{asked}: {sets:?}"),
        _ => {}
    }
    // Below a delegation the zone signs no wildcard that a name could be made from.
    if !truth.aa {
        return;
    }
    for encloser in name::with_ancestors(&asked.name).skip(1) {
        if name::is_within(&encloser, &zone.origin)
            && denial::wildcard_expansion(&proof, &asked.name, &encloser, &mut blocks)
                == Ok(DenialStatus::Proven)
        {
            let exists = zone.names().any(|own| name::is_within(own, &asked.name));
            assert!(!exists, "{asked} exists: {sets:?}");
        }
    }
}

/// A name of up to three labels, two bits each.
fn named(octet: u8) -> Name {
    let labels = (0..usize::from(octet >> 6)).map(|at| LABELS[usize::from(octet >> (2 * at) & 3)]);
    let text: Vec<&str> = labels.chain([ORIGIN]).collect();
    name::parse(&text.join(".")).unwrap_or_else(|_| name::root())
}

/// A zone with a record for each pair of octets: a name and a type.
fn signed(entries: &[u8], nsec3: bool) -> Option<Zone> {
    let mut text = String::from("@ NS ns.other.\n");
    for entry in entries.chunks(2) {
        let (owner, kind) = (named(entry[0]), entry[1] % 8);
        let record = match kind {
            0..4 => "A 192.0.2.1",
            4 | 5 => "TXT x",
            6 if owner.first().as_slice() != b"*" => "NS ns.other.",
            _ => "MX 1 m.other.",
        };
        text += &format!("{}. {record}\n", owner);
    }
    let mut zone = Zone::parse(ORIGIN, &text).ok()?;
    let denying = match nsec3 {
        true => Denying::Nsec3 { iterations: 0, opt_out: false },
        false => Denying::Nsec,
    };
    let key = Key::new(&zone.origin, 15);
    zone.sign(&key, &Signing { denying, ..Signing::default() });
    Some(zone)
}
