//! Proofs of non-existence by NSEC and NSEC3 records (RFC 4035 section 5.4, RFC 5155 section 8).
//!
//! The caller has verified that the zone signed each record here, and that no record was expanded
//! from a wildcard.

use zoners_dns::{Name, RRset, Rtype, SortKey, name};

use crate::nsec::{Nsec, TypeBitmap};
use crate::nsec3::{MAX_ITERATIONS, Nsec3Chain};
use crate::reason::BogusReason;
use crate::signed_data::wildcard;

/// The outcome of a valid proof of non-existence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenialStatus {
    /// The name or the type does not exist.
    Proven,
    /// Not only the type, but the name does not exist, by NXNAME (RFC 9824).
    NxName,
    /// No signed records exist there, but an unsigned delegation may (opt-out).
    OptOut,
    /// The zone uses more NSEC3 iterations than are worth the work (RFC 9276); treated as insecure.
    TooManyIterations,
}

/// What is proven of a name without DS records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DsDenial {
    /// The name is a delegation without DS records: the zone below is insecure.
    Unsigned,
    /// The name is not a delegation: it belongs to the zone of the proof.
    NoCut,
    /// The zone uses more NSEC3 iterations than are worth the work.
    TooManyIterations,
}

/// The records of a proof.
#[derive(Clone, Debug)]
pub enum Proof {
    /// NSEC records, by name.
    Nsec(Vec<Nsec>),
    /// NSEC3 records, by hash.
    Nsec3(Nsec3Chain),
}

impl Proof {
    /// Reads the NSEC records among `sets` of `zone`, or the NSEC3 records if no NSEC record is
    /// present. RRsets of other types and records with names outside the zone are ignored.
    #[must_use]
    pub fn read(sets: &[RRset], zone: &Name) -> Self {
        let nsec: Vec<Nsec> = sets.iter().filter_map(|set| Nsec::read(set, zone)).collect();
        match Nsec3Chain::read(sets.iter(), zone) {
            Some(chain) if nsec.is_empty() => Proof::Nsec3(chain),
            _ => Proof::Nsec(nsec),
        }
    }

    /// Whether the NSEC3 hashes cost more than the proof is worth.
    fn is_too_costly(&self) -> bool {
        matches!(self, Proof::Nsec3(chain) if chain.iterations() > MAX_ITERATIONS)
    }
}

/// Proves that `asked` does not exist and that no wildcard matches. Each SHA-1 block is charged to
/// `blocks`.
///
/// # Errors
/// The proof is missing or incomplete, or `blocks` is used up.
pub fn nxdomain(
    proof: &Proof,
    asked: &Name,
    blocks: &mut u32,
) -> Result<DenialStatus, BogusReason> {
    if proof.is_too_costly() {
        return Ok(DenialStatus::TooManyIterations);
    }
    match proof {
        Proof::Nsec(records) => {
            if denies_owner(records, asked) {
                return Ok(DenialStatus::Proven);
            }
            let covering = covering(records, asked)?;
            if covering.is_above_next(asked) {
                return Err(BogusReason::NoProof);
            }
            let wildcard =
                wildcard(&covering.closest_encloser(asked)).ok_or(BogusReason::NoProof)?;
            // A wildcard with names below is an empty non-terminal: it exists, and matches without
            // types.
            match self::covering(records, &wildcard)?.is_above_next(&wildcard) {
                true => Err(BogusReason::NoProof),
                false => Ok(DenialStatus::Proven),
            }
        }
        Proof::Nsec3(chain) => {
            let encloser = chain.closest_encloser(asked, blocks)?;
            let wildcard = wildcard(&encloser.name).ok_or(BogusReason::NoProof)?;
            chain.covering(&wildcard, blocks)?.ok_or(BogusReason::NoProof)?;
            Ok(or_opt_out(encloser.opt_out))
        }
    }
}

/// Proves that `asked` has no records of `rtype`, neither at the name nor expanded from a wildcard.
///
/// # Errors
/// The proof is missing or incomplete, or `blocks` is used up.
pub fn nodata(
    proof: &Proof,
    asked: &Name,
    rtype: Rtype,
    blocks: &mut u32,
) -> Result<DenialStatus, BogusReason> {
    if proof.is_too_costly() {
        return Ok(DenialStatus::TooManyIterations);
    }
    match proof {
        Proof::Nsec(records) => {
            if denies_owner(records, asked) {
                return Ok(DenialStatus::NxName);
            }
            if let Some(own) = records.iter().find(|nsec| nsec.owner == *asked) {
                return lacks(&own.types, asked, rtype).map(|()| DenialStatus::Proven);
            }
            let covering = covering(records, asked)?;
            if covering.is_above_next(asked) {
                return Ok(DenialStatus::Proven);
            }
            let wildcard =
                wildcard(&covering.closest_encloser(asked)).ok_or(BogusReason::NoProof)?;
            match records.iter().find(|nsec| nsec.owner == wildcard) {
                // The wildcard does not exist either: the RCODE should have been NXDOMAIN.
                Some(own) if own.types.deny_owner_name() => Err(BogusReason::NoProof),
                Some(own) => lacks(&own.types, &wildcard, rtype).map(|()| DenialStatus::Proven),
                None if self::covering(records, &wildcard)?.is_above_next(&wildcard) => {
                    Ok(DenialStatus::Proven)
                }
                None => Err(BogusReason::NoProof),
            }
        }
        Proof::Nsec3(chain) => {
            if let Some(own) = chain.matching(asked, blocks)? {
                return lacks(&own.types, asked, rtype).map(|()| DenialStatus::Proven);
            }
            let encloser = chain.closest_encloser(asked, blocks)?;
            let wildcard = wildcard(&encloser.name).ok_or(BogusReason::NoProof)?;
            match chain.matching(&wildcard, blocks)? {
                Some(own) => {
                    lacks(&own.types, &wildcard, rtype).map(|()| or_opt_out(encloser.opt_out))
                }
                // An unsigned delegation may exist at the name or above (RFC 5155 section 9.2).
                None if encloser.opt_out => Ok(DenialStatus::OptOut),
                None => Err(BogusReason::NoProof),
            }
        }
    }
}

/// Whether the proof contains the record of `asked`, so that the name exists with some type.
///
/// # Errors
/// `blocks` is used up.
pub fn exists(proof: &Proof, asked: &Name, blocks: &mut u32) -> Result<bool, BogusReason> {
    if proof.is_too_costly() {
        return Ok(false);
    }
    match proof {
        Proof::Nsec(records) => Ok(records.iter().any(|nsec| nsec.owner == *asked)),
        Proof::Nsec3(chain) => Ok(chain.matching(asked, blocks)?.is_some()),
    }
}

/// Proves that no name closer to `asked` exists than `encloser`, so that the wildcard below
/// `encloser` may be expanded.
///
/// # Errors
/// The proof is missing or incomplete, or `blocks` is used up.
pub fn wildcard_expansion(
    proof: &Proof,
    asked: &Name,
    encloser: &Name,
    blocks: &mut u32,
) -> Result<DenialStatus, BogusReason> {
    if proof.is_too_costly() {
        return Ok(DenialStatus::TooManyIterations);
    }
    match proof {
        Proof::Nsec(records) => {
            let covering = covering(records, asked)?;
            let closest = covering.closest_encloser(asked) == *encloser;
            let empty = covering.is_above_next(asked);
            if closest && !empty { Ok(DenialStatus::Proven) } else { Err(BogusReason::NoProof) }
        }
        Proof::Nsec3(chain) => {
            let next_closer = name::ancestor(asked, name::depth(encloser) + 1);
            let covering = chain.covering(&next_closer, blocks)?.ok_or(BogusReason::NoProof)?;
            Ok(or_opt_out(covering.opt_out))
        }
    }
}

/// Proves by records of the parent zone that `child` has no DS records.
///
/// # Errors
/// The proof is missing or incomplete, or `blocks` is used up.
pub fn no_ds(proof: &Proof, child: &Name, blocks: &mut u32) -> Result<DsDenial, BogusReason> {
    if proof.is_too_costly() {
        return Ok(DsDenial::TooManyIterations);
    }
    let of_types = |types: &TypeBitmap| {
        lacks(types, child, Rtype::DS)?;
        Ok(if types.has(Rtype::NS) { DsDenial::Unsigned } else { DsDenial::NoCut })
    };
    match proof {
        Proof::Nsec(records) => match records.iter().find(|nsec| nsec.owner == *child) {
            Some(own) => of_types(&own.types),
            None => covering(records, child).map(|_| DsDenial::NoCut),
        },
        Proof::Nsec3(chain) => match chain.matching(child, blocks)? {
            Some(own) => of_types(&own.types),
            None => match chain.closest_encloser(child, blocks)?.opt_out {
                true => Ok(DsDenial::Unsigned),
                false => Ok(DsDenial::NoCut),
            },
        },
    }
}

/// Whether the NSEC record of `asked` says that the name does not exist (NXNAME, RFC 9824).
fn denies_owner(records: &[Nsec], asked: &Name) -> bool {
    records.iter().any(|nsec| nsec.owner == *asked && nsec.types.deny_owner_name())
}

fn covering<'a>(records: &'a [Nsec], asked: &Name) -> Result<&'a Nsec, BogusReason> {
    let place = SortKey::of(asked.for_slice());
    records.iter().find(|nsec| nsec.covers(asked, &place)).ok_or(BogusReason::NoProof)
}

fn or_opt_out(opt_out: bool) -> DenialStatus {
    if opt_out { DenialStatus::OptOut } else { DenialStatus::Proven }
}

/// Checks that the type bitmap of `owner` denies `rtype`.
fn lacks(types: &TypeBitmap, owner: &Name, rtype: Rtype) -> Result<(), BogusReason> {
    let has = types.has(rtype) || types.has(Rtype::CNAME);
    // At a zone cut, the NSEC record of the parent denies only DS, and the record of the child's
    // apex denies every type but DS (RFC 6840 section 4.4).
    let from_parent = types.delegates() && rtype != Rtype::DS;
    let from_child = types.has(Rtype::SOA) && rtype == Rtype::DS && !owner.is_root();
    if has || from_parent || from_child { Err(BogusReason::NoProof) } else { Ok(()) }
}
