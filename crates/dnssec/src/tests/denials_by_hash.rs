//! Proofs of non-existence by NSEC3 records.

use zoners_dns::{RRset, Rtype};

use super::{parsed, rrset};
use crate::BogusReason::{self, NoProof, TooMuchWork};
use crate::denial::{
    DenialStatus, DsDenial, Proof, exists, no_ds, nodata, nxdomain, wildcard_expansion,
};
use crate::nsec3::{MAX_ITERATIONS, Nsec3Hash, nsec3_hash, usable_for_synthesis};

const SALT: &[u8] = &[0xAB];
/// The names of the zone with their types. `d` is an empty non-terminal.
const NAMES: &[(&str, &str)] = &[
    ("example", "NS SOA RRSIG DNSKEY NSEC3PARAM"),
    ("b.example", "A RRSIG"),
    ("cut.example", "NS"),
    ("signed.example", "NS DS RRSIG"),
    ("d.example", ""),
    ("x.d.example", "CNAME RRSIG"),
    ("w.example", "TXT RRSIG"),
    ("*.w.example", "A RRSIG"),
];

#[derive(Clone, Copy)]
struct HashedZone {
    iterations: u16,
    opt_out: bool,
}

const PLAIN: HashedZone = HashedZone { iterations: 1, opt_out: false };
const OPT_OUT: HashedZone = HashedZone { iterations: 1, opt_out: true };

fn base32hex(hash: &Nsec3Hash) -> String {
    let bits = |at: usize| {
        (0..5).fold(0, |value, bit| {
            let bit = at * 5 + bit;
            value << 1 | hash[bit / 8] >> (7 - bit % 8) & 1
        })
    };
    (0..32)
        .map(|at| char::from(b"0123456789abcdefghijklmnopqrstuv"[usize::from(bits(at))]))
        .collect()
}

impl HashedZone {
    fn hash(self, text: &str) -> Nsec3Hash {
        nsec3_hash(&parsed(text), SALT, self.iterations)
    }

    /// The records of the whole chain, with their owner and next hashes.
    fn chain(self) -> Vec<(Nsec3Hash, Nsec3Hash, RRset)> {
        let mut hashes: Vec<_> =
            NAMES.iter().map(|(name, types)| (self.hash(name), *types)).collect();
        hashes.sort_unstable();
        let next = |at: usize| hashes[(at + 1) % hashes.len()].0;
        let record = |(at, (hash, types)): (usize, &(Nsec3Hash, &str))| {
            let (flags, iterations) = (u8::from(self.opt_out), self.iterations);
            let (owner, next) = (base32hex(hash), next(at));
            let text = base32hex(&next);
            let set =
                format!("{owner}.example. 60 NSEC3 1 {flags} {iterations} AB {text} {types}\n");
            (*hash, next, rrset(&set))
        };
        hashes.iter().enumerate().map(record).collect()
    }

    /// The record that matches or covers each of `names`.
    fn records_for(self, names: &[&str]) -> Vec<RRset> {
        let chain = self.chain();
        let record = |name: &&str| {
            let hash = self.hash(name);
            let found = chain.iter().find(|(owner, next, _)| match owner < next {
                true => (*owner..*next).contains(&hash),
                false => hash >= *owner || hash < *next,
            });
            found.unwrap().2.clone()
        };
        names.iter().map(record).collect()
    }

    fn proof(self, names: &[&str]) -> Proof {
        Proof::read(&self.records_for(names), &parsed("example"))
    }

    fn whole(self) -> Proof {
        let sets: Vec<RRset> = self.chain().into_iter().map(|(_, _, set)| set).collect();
        Proof::read(&sets, &parsed("example"))
    }
}

/// Whether a record of the names also proves something about `other`, by chance of the hashes.
fn overlap(zone: HashedZone, names: &[&str], other: &str) -> bool {
    let [needed] = &zone.records_for(&[other])[..] else { return false };
    zone.records_for(names).contains(needed)
}

#[test]
fn nxdomain_takes_encloser_next_closer_and_wildcard() {
    let blocks = &mut 1_000;
    // The closest encloser of the name, the next closer name, the wildcard at the encloser.
    for (asked, needed) in [
        ("c.example", ["example", "c.example", "*.example"]),
        ("y.z.c.example", ["example", "c.example", "*.example"]),
        ("c.b.example", ["b.example", "c.b.example", "*.b.example"]),
        ("c.d.example", ["d.example", "c.d.example", "*.d.example"]),
    ] {
        let proven = nxdomain(&PLAIN.proof(&needed), &parsed(asked), blocks);
        assert_eq!(proven, Ok(DenialStatus::Proven), "{asked}");
        let proven = nxdomain(&OPT_OUT.proof(&needed), &parsed(asked), blocks);
        assert_eq!(proven, Ok(DenialStatus::OptOut), "{asked}");
        for missing in 0..3 {
            let rest: Vec<&str> = (0..3).filter(|at| *at != missing).map(|at| needed[at]).collect();
            if !overlap(PLAIN, &rest, needed[missing]) {
                let proven = nxdomain(&PLAIN.proof(&rest), &parsed(asked), blocks);
                assert_eq!(proven, Err(NoProof), "{asked} without {}", needed[missing]);
            }
        }
    }
    for exists in ["b.example", "d.example", "a.w.example", "www.cut.example", "www.x.test"] {
        let proven = nxdomain(&PLAIN.whole(), &parsed(exists), blocks);
        assert_eq!(proven, Err(NoProof), "{exists}");
    }
}

#[test]
fn nodata_takes_the_bitmap_of_the_name_or_of_the_wildcard() {
    for (zone, asked, rtype, expected) in [
        (PLAIN, "b.example", Rtype::AAAA, Ok(DenialStatus::Proven)),
        (PLAIN, "b.example", Rtype::A, Err(NoProof)),
        (PLAIN, "x.d.example", Rtype::A, Err(NoProof)),
        (PLAIN, "d.example", Rtype::A, Ok(DenialStatus::Proven)),
        (PLAIN, "c.example", Rtype::A, Err(NoProof)),
        (PLAIN, "a.w.example", Rtype::AAAA, Ok(DenialStatus::Proven)),
        (PLAIN, "a.w.example", Rtype::A, Err(NoProof)),
        (OPT_OUT, "a.w.example", Rtype::AAAA, Ok(DenialStatus::OptOut)),
        (PLAIN, "cut.example", Rtype::A, Err(NoProof)),
        (PLAIN, "cut.example", Rtype::DS, Ok(DenialStatus::Proven)),
        (PLAIN, "example", Rtype::DS, Err(NoProof)),
        // An unsigned delegation may lie in an opt-out range.
        (OPT_OUT, "c.example", Rtype::DS, Ok(DenialStatus::OptOut)),
        (PLAIN, "c.example", Rtype::DS, Err(NoProof)),
    ] {
        let proven = nodata(&zone.whole(), &parsed(asked), rtype, &mut 1_000);
        assert_eq!(proven, expected, "{asked} {rtype}, opt-out {}", zone.opt_out);
    }
}

#[test]
fn no_ds_tells_a_delegation_from_a_name_within_the_zone() {
    for (zone, child, expected) in [
        (PLAIN, "cut.example", Ok(DsDenial::Unsigned)),
        (PLAIN, "signed.example", Err(NoProof)),
        (PLAIN, "b.example", Ok(DsDenial::NoCut)),
        (PLAIN, "c.example", Ok(DsDenial::NoCut)),
        (OPT_OUT, "c.example", Ok(DsDenial::Unsigned)),
        (PLAIN, "c.cut.example", Err(NoProof)),
    ] {
        let proven = no_ds(&zone.whole(), &parsed(child), &mut 1_000);
        assert_eq!(proven, expected, "{child}, opt-out {}", zone.opt_out);
    }
}

#[test]
fn a_wildcard_is_expanded_only_where_the_next_closer_name_is_covered() {
    let expansion = |zone: HashedZone, asked: &str, encloser: &str| {
        wildcard_expansion(&zone.whole(), &parsed(asked), &parsed(encloser), &mut 1_000)
    };
    assert_eq!(expansion(PLAIN, "a.b.w.example", "w.example"), Ok(DenialStatus::Proven));
    assert_eq!(expansion(OPT_OUT, "a.b.w.example", "w.example"), Ok(DenialStatus::OptOut));
    assert_eq!(expansion(PLAIN, "a.w.example", "example"), Err(NoProof), "w.example exists");
}

#[test]
fn too_many_iterations_make_a_zone_insecure() {
    let of = |iterations: u16| HashedZone { iterations, opt_out: false };
    let (asked, needed) = (parsed("c.example"), ["example", "c.example", "*.example"]);
    let all = |zone: HashedZone| {
        let (proof, blocks) = (zone.proof(&needed), &mut 10_000);
        let child = parsed("cut.example");
        (
            nxdomain(&proof, &asked, blocks),
            nodata(&zone.whole(), &child, Rtype::DS, blocks),
            no_ds(&zone.whole(), &child, blocks),
        )
    };
    let few = (Ok(DenialStatus::Proven), Ok(DenialStatus::Proven), Ok(DsDenial::Unsigned));
    assert_eq!(all(of(MAX_ITERATIONS)), few);
    let many = DenialStatus::TooManyIterations;
    let many = (Ok(many), Ok(many), Ok(DsDenial::TooManyIterations));
    assert_eq!(all(of(MAX_ITERATIONS + 1)), many);
    let set = |iterations| of(iterations).records_for(&["b.example"]).remove(0);
    let usable = |iterations| usable_for_synthesis(&set(iterations), &parsed("example")).is_some();
    assert!(usable(MAX_ITERATIONS) && !usable(MAX_ITERATIONS + 1));
    let opt_out = OPT_OUT.records_for(&["b.example"]).remove(0);
    assert_eq!(usable_for_synthesis(&opt_out, &parsed("example")), None);
}

#[test]
fn each_hash_is_charged() {
    let proof = PLAIN.whole();
    // Two blocks for each hash with one iteration; nxdomain hashes the encloser candidates `z.c`,
    // `c` and `example`, then the next closer name and the wildcard.
    let asked = parsed("y.z.c.example");
    for (blocks, expected) in [(10, Ok(DenialStatus::Proven)), (9, Err(TooMuchWork))] {
        assert_eq!(nxdomain(&proof, &asked, &mut { blocks }), expected, "{blocks}");
    }
    let mut blocks = 2;
    assert_eq!(exists(&proof, &parsed("b.example"), &mut blocks), Ok(true));
    let none: Result<bool, BogusReason> = exists(&proof, &parsed("b.example"), &mut blocks);
    assert_eq!((none, blocks), (Err(TooMuchWork), 0));
}

#[test]
fn records_of_other_chains_and_unknown_formats_are_ignored() {
    let needed = ["example", "c.example", "*.example"];
    let nxdomain_by = |sets: &[RRset], zone: &str| {
        nxdomain(&Proof::read(sets, &parsed(zone)), &parsed("c.example"), &mut 1_000)
    };
    let good = PLAIN.records_for(&needed);
    assert_eq!(nxdomain_by(&good, "example"), Ok(DenialStatus::Proven));
    assert_eq!(nxdomain_by(&good, "test"), Err(NoProof), "another zone");
    let mixed =
        [&good[..1], &HashedZone { iterations: 2, ..PLAIN }.records_for(&needed[1..])].concat();
    assert_eq!(nxdomain_by(&mixed, "example"), Err(NoProof), "other parameters");
    for (field, value) in [(0, 2), (1, 2), (4, 99)] {
        let changed: Vec<RRset> = good
            .iter()
            .map(|set| {
                let mut rdata = set.records.first().unwrap().to_vec();
                rdata[field] = value;
                RRset { records: [rdata].iter().collect(), ..set.clone() }
            })
            .collect();
        assert_eq!(nxdomain_by(&changed, "example"), Err(NoProof), "octet {field} is {value}");
    }
}
