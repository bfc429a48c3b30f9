//! Settings of other servers as a configuration of Zoners.
//!
//! A reader for each kind of server yields [`Imported`]; one writer makes TOML with comments. Whatever has no
//! counterpart becomes a [`Remark`]: no setting is left out in silence, and no secret is copied.

mod accepted;
mod adguard_home;
mod dnscrypt_proxy;
mod dnsmasq;
mod gathered;
mod imported;
mod kind;
mod lists;
mod pihole;
mod reading;
mod tree;
mod unbound;
mod upstreams;
mod write;

use std::path::PathBuf;

pub use accepted::MAX_REFUSED;
use gathered::Gathered;
pub use imported::{Imported, Place, Remark, Setting};
pub use kind::Kind;
pub use reading::{MAX_DEPTH, MAX_FILES, MAX_OCTETS, ReadFault};
pub use tree::MAX_NESTING;
pub use write::toml;

/// The kinds of files that [`import`] reads.
pub const KINDS: &str = "unbound.conf, pihole.toml, setupVars.conf, adlists.list, AdGuardHome.yaml, dnsmasq.conf and \
                         dnscrypt-proxy.toml";

/// The settings of these files and of the files that they include. The files are of this kind, or each of its own.
///
/// # Errors
/// A named file cannot be read, is over a limit, or is of another kind.
pub fn import(files: &[PathBuf], kind: Option<Kind>) -> Result<Imported, ReadFault> {
    let mut readers = Readers::new(reading::Reading::new(files));
    for path in files {
        // An earlier file may include a later one.
        let Some(text) = readers.gathered.reading.named(path)? else { continue };
        readers.read(&text, &path.display().to_string(), kind)?;
    }
    Ok(readers.finish())
}

/// The settings of one text that includes no files, as a file with this name.
///
/// # Errors
/// The text is of no known kind, or has a fault of form.
pub fn import_text(text: &str, name: &str, kind: Option<Kind>) -> Result<Imported, ReadFault> {
    let mut readers = Readers::new(reading::Reading::new(&[]));
    readers.read(text, name, kind)?;
    Ok(readers.finish())
}

struct Readers {
    gathered: Gathered,
    unbound: unbound::Reader,
    dnsmasq: dnsmasq::Reader,
}

impl Readers {
    fn new(reading: reading::Reading) -> Self {
        let gathered = Gathered::new(reading);
        Readers {
            gathered,
            unbound: unbound::Reader::default(),
            dnsmasq: dnsmasq::Reader::default(),
        }
    }

    fn read(&mut self, text: &str, file: &str, kind: Option<Kind>) -> Result<(), ReadFault> {
        let name = file.rsplit('/').next().unwrap_or(file);
        let gathered = &mut self.gathered;
        match kind.or_else(|| Kind::of(name, text)) {
            Some(Kind::Unbound) => self.unbound.read(text, file, &mut gathered.reading, 0),
            Some(Kind::Dnsmasq) => self.dnsmasq.read(text, file, gathered, 0),
            Some(Kind::PiHole) => pihole::read(text, file, gathered)?,
            Some(Kind::AdguardHome) => adguard_home::read(text, file, gathered)?,
            Some(Kind::DnscryptProxy) => dnscrypt_proxy::read(text, file, gathered)?,
            None => {
                return Err(ReadFault(format!(
                    "{file} is not of a known kind: {KINDS}; see --from"
                )));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Imported {
        self.dnsmasq.finish(&mut self.gathered);
        let (mut imported, others) = (self.unbound.finish(), self.gathered.finish());
        imported.settings.extend(others.settings);
        imported.remarks.extend(others.remarks);
        imported
    }
}

#[cfg(test)]
mod tests;
