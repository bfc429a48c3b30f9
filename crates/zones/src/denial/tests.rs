use zoners_dns::{Rtype, name};

use crate::file;

#[test]
fn an_unsigned_zone_proves_nothing_and_too_many_iterations_neither() {
    let load = |params: &str| {
        let text = format!("@ SOA ns h 1 2 3 4 5\n@ NS ns.other.\n{params}\n");
        file::load(&name::parse("x.test").unwrap(), &text, 1 << 20).unwrap()
    };
    let proof = |zone: &crate::AuthoritativeZone| {
        zone.reply(&name::parse("a.x.test").unwrap(), Rtype::A).authority.len() - 1
    };
    let hashed =
        "0123456789abcdefghijklmnopqrstuv NSEC3 1 0 5 AB 0123456789abcdefghijklmnopqrstuv A";
    assert_eq!(proof(&load("")), 0);
    assert_eq!(proof(&load(&format!("@ NSEC3PARAM 1 0 51 AB\n{hashed}"))), 0);
    let zone = load(&format!("@ NSEC3PARAM 1 0 50 AB\n{hashed}"));
    assert_eq!(proof(&zone), 1, "the only record covers everything");
    assert_eq!(zone.names(), 1, "the owner of an NSEC3 record is no name");
    assert_eq!(zone.records().count(), 4);
}
