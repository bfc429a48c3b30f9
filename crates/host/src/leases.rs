//! Leases given by a DHCP server on this machine, from the files of the server.
//!
//! | server | file | how it is written |
//! |---|---|---|
//! | dnsmasq | `/var/lib/misc/dnsmasq.leases`, `/tmp/dhcp.leases` | as a whole, in place |
//! | Kea, memfile | `/var/lib/kea/kea-leases4.csv`, `kea-leases6.csv` | a line for each change; cleaned up beside it |
//! | ISC dhcpd | `/var/lib/dhcp/dhcpd.leases`, `dhcpd6.leases` | a block for each change, and at times anew |
//!
//! The form is recognised by the content. A file may be read while the server writes: the unfinished end is passed over.
//! Names come from the devices, and are as unreliable.

mod dnsmasq;
mod isc;
mod kea;
mod table;

use std::fs::{self, File};
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use table::LeaseTable;

/// The longest file read, in octets; the rest of a longer file is passed over.
pub const MAX_FILE: u64 = 16 << 20;
/// Leases with a name kept of one file.
pub const MAX_LEASES: usize = 16_384;

/// A lease of an address to a device with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceLease {
    /// The address.
    pub address: IpAddr,
    /// The name sent by the device, as written by the server. Never empty.
    pub name: String,
    /// The device: a hardware address or a DHCP identifier, as written by the server.
    pub client: String,
    /// The end of the lease, in seconds since 1970; none if the lease has no end, or the server does not tell.
    pub ends: Option<u64>,
}

/// The author of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseForm {
    /// dnsmasq.
    Dnsmasq,
    /// Kea with its memfile back end.
    Kea,
    /// ISC dhcpd.
    Isc,
}

/// The content of a file of leases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaseList {
    /// The present leases with a name, by address; ended ones too, as no clock is read.
    pub leases: Vec<DeviceLease>,
    /// The form; none if the file has no content, or no known form.
    pub form: Option<LeaseForm>,
    /// Entries without a known meaning.
    pub unreadable: usize,
    /// Leases beyond [`MAX_LEASES`].
    pub surplus: usize,
    /// Whether the file is longer than [`MAX_FILE`].
    pub is_cut: bool,
    /// Whether the file has content.
    pub has_content: bool,
}

impl LeaseList {
    /// Reads the file of a server, and Kea's files beside during a clean-up.
    ///
    /// # Errors
    /// The file cannot be read, or is no regular file.
    pub fn read(path: &Path) -> io::Result<Self> {
        let (text, mut is_cut) = read_text(path)?;
        let form = form_of(&text);
        let mut table = LeaseTable::default();
        if form == Some(LeaseForm::Kea) {
            for older in older_files(path) {
                // The files go away with the end of the clean-up.
                let Ok((text, cut)) = read_text(&older) else { continue };
                is_cut |= cut;
                kea::read(&text, &mut table);
            }
        }
        Ok(LeaseList::of(form, &text, table, is_cut))
    }

    /// Reads the content of one file.
    #[must_use]
    pub fn parse(octets: &[u8]) -> Self {
        let text = whole_lines(octets);
        LeaseList::of(form_of(&text), &text, LeaseTable::default(), false)
    }

    fn of(form: Option<LeaseForm>, text: &str, mut table: LeaseTable, is_cut: bool) -> Self {
        match form {
            Some(LeaseForm::Dnsmasq) => dnsmasq::read(text, &mut table),
            Some(LeaseForm::Kea) => kea::read(text, &mut table),
            Some(LeaseForm::Isc) => isc::read(text, &mut table),
            None => {}
        }
        LeaseList {
            form,
            unreadable: table.unreadable(),
            surplus: table.surplus(),
            leases: table.into_leases(),
            is_cut,
            has_content: !text.trim().is_empty(),
        }
    }
}

/// The files with leases of the server behind this file.
pub fn files(path: &Path) -> impl Iterator<Item = PathBuf> {
    let kea = ["completed", "2", "1"].into_iter().map(move |suffix| beside(path, suffix));
    kea.chain([path.to_owned()])
}

/// The older files of Kea, oldest first. While Kea cleans up (Kea manual, "DeviceLease File Cleanup"), the former file is
/// `.1` and the result of the clean-up before is `.2`; a finished clean-up is `.completed`, in the place of both.
fn older_files(path: &Path) -> Vec<PathBuf> {
    let completed = beside(path, "completed");
    match completed.exists() {
        true => vec![completed],
        false => vec![beside(path, "2"), beside(path, "1")],
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

/// The whole lines of a file, and whether the file is longer than is read.
fn read_text(path: &Path) -> io::Result<(String, bool)> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    let mut octets = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut octets)?;
    let limit = usize::try_from(MAX_FILE).unwrap_or(usize::MAX);
    let is_cut = octets.len() > limit;
    octets.truncate(limit);
    Ok((whole_lines(&octets), is_cut))
}

/// The text up to the last end of a line: what follows is being written.
fn whole_lines(octets: &[u8]) -> String {
    let end = octets.iter().rposition(|octet| *octet == b'\n').map_or(0, |at| at + 1);
    String::from_utf8_lossy(octets.get(..end).unwrap_or_default()).into_owned()
}

/// The form by the first line without a comment.
fn form_of(text: &str) -> Option<LeaseForm> {
    let mut lines = text.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let word = first.split_whitespace().next()?;
    if first.starts_with("address,") {
        Some(LeaseForm::Kea)
    } else if word == "duid" || word.bytes().all(|octet| octet.is_ascii_digit()) {
        Some(LeaseForm::Dnsmasq)
    } else {
        isc::begins(word).then_some(LeaseForm::Isc)
    }
}

#[cfg(test)]
mod tests;
