//! The links of an alias chain: CNAME and DNAME records.

use zoners_dns::{RRset, Rtype};

/// The kind of an RRset in an alias chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AliasLink {
    /// A CNAME of the zone, or the records at the end of the chain.
    Own,
    /// A DNAME, which renames the names below its owner.
    Dname,
    /// The CNAME synthesised from a DNAME (RFC 6672 section 5.3.1): never signed, and never cached, since it is
    /// made again when needed.
    Synthesised,
}

/// Reads an alias chain in order: a CNAME right behind a DNAME is synthesised from the DNAME.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AliasLinks {
    follows_dname: bool,
}

impl AliasLinks {
    /// The kind of the next RRset of the chain.
    pub(crate) fn next(&mut self, set: &RRset) -> AliasLink {
        let synthesised = std::mem::take(&mut self.follows_dname) && set.rtype == Rtype::CNAME;
        self.follows_dname = set.rtype == Rtype::DNAME;
        match set.rtype {
            _ if synthesised => AliasLink::Synthesised,
            Rtype::DNAME => AliasLink::Dname,
            _ => AliasLink::Own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::name;

    #[test]
    fn the_cname_behind_a_dname_is_synthesised() {
        let set = |rtype| {
            RRset::naming(
                name::parse("a.test").unwrap(),
                rtype,
                60,
                &name::parse("b.test").unwrap(),
            )
        };
        let chain = [Rtype::CNAME, Rtype::DNAME, Rtype::CNAME, Rtype::CNAME, Rtype::DNAME].map(set);
        let mut links = AliasLinks::default();
        assert_eq!(
            chain.each_ref().map(|set| links.next(set)),
            [
                AliasLink::Own,
                AliasLink::Dname,
                AliasLink::Synthesised,
                AliasLink::Own,
                AliasLink::Dname
            ]
        );
    }
}
