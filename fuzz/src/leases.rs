//! Files of leases: bounded, and cut anywhere a file has no lease that is not of the file.

use zoners_host::leases::{DeviceLease, LeaseForm, LeaseList, MAX_LEASES};

/// The octets are the file.
pub fn run(octets: &[u8]) {
    let list = LeaseList::parse(octets);
    assert!(list.leases.len() <= MAX_LEASES && list.leases.len() <= octets.len() / 8);
    let is_sound =
        |lease: &DeviceLease| !lease.name.is_empty() && lease.ends.is_none_or(|ends| ends > 0);
    assert!(list.leases.iter().all(is_sound) || list.form != Some(LeaseForm::Dnsmasq));
    assert!(list.leases.is_sorted_by(|one, other| one.address < other.address));
    assert!(list.form.is_some() || list.leases.is_empty());
    // In a file of dnsmasq each line stands alone: what is read of a part is read of the whole, unless a later line is
    // about the same address.
    if list.form == Some(LeaseForm::Dnsmasq) {
        let part = LeaseList::parse(&octets[..octets.len() / 2]);
        let text = String::from_utf8_lossy(octets);
        for lease in part.leases.iter().filter(|lease| !list.leases.contains(lease)) {
            let is_same = |word: &str| {
                word.parse().is_ok_and(|address: std::net::IpAddr| address == lease.address)
            };
            let times = text.split_whitespace().filter(|word| is_same(word)).count();
            assert!(times > 1 || list.surplus > 0, "{lease:?}");
        }
    }
}
