//! Attributes of files beyond mode and owner are not touched here: what a plan writes on macOS and the BSDs has none.

use std::io;
use std::path::Path;

pub(crate) fn extended(_path: &Path) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    Ok(Vec::new())
}

pub(crate) fn set_extended(_path: &Path, _name: &[u8], _value: &[u8]) -> io::Result<()> {
    Ok(())
}

pub(crate) fn immutable_flag() -> u32 {
    0
}

pub(crate) fn flags(_path: &Path) -> io::Result<u32> {
    Ok(0)
}

pub(crate) fn set_flags(_path: &Path, _flags: u32) -> io::Result<()> {
    Ok(())
}

pub(crate) fn is_mounted(_path: &Path) -> bool {
    false
}
