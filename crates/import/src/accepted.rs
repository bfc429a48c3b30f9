//! Settings that a check accepts, found by halves: few checks where few settings are refused.

use crate::imported::{Imported, Remark, Setting};
use crate::write::toml;

/// Settings that the check may refuse; each takes some checks of the whole.
pub const MAX_REFUSED: usize = 64;

/// The search for refused settings.
struct Search<Check> {
    check: Check,
    imported: Imported,
    refused: usize,
}

impl Imported {
    /// Leaves out each setting that `check` refuses in TOML, with a remark that has the fault of `check`.
    #[must_use]
    pub fn accepted(mut self, check: impl Fn(&str) -> Result<(), String>) -> Self {
        let offered = std::mem::take(&mut self.settings);
        let mut search = Search { check, imported: self, refused: 0 };
        search.admit(&offered);
        search.imported.remarks.sort_by(|one, other| one.place.cmp(&other.place));
        search.imported
    }
}

impl<Check: Fn(&str) -> Result<(), String>> Search<Check> {
    /// Takes these settings, or each half by itself where the check refuses the whole.
    fn admit(&mut self, offered: &[Setting]) {
        if self.refused == MAX_REFUSED {
            let reason = format!("not tried: {MAX_REFUSED} other settings are not accepted");
            return offered.iter().for_each(|one| self.leave_out(one, reason.clone()));
        }
        let before = self.imported.settings.len();
        self.imported.settings.extend_from_slice(offered);
        let Err(fault) = (self.check)(&toml(&self.imported)) else { return };
        self.imported.settings.truncate(before);
        match offered {
            [] => {}
            [one] => {
                self.refused += 1;
                self.leave_out(one, format!("not accepted: {fault}"));
            }
            several => {
                let (left, right) = several.split_at(several.len() / 2);
                self.admit(left);
                self.admit(right);
            }
        }
    }

    fn leave_out(&mut self, setting: &Setting, reason: String) {
        let (place, setting) = (setting.place.clone(), setting.origin.clone());
        self.imported.remarks.push(Remark { place, setting, reason });
    }
}
