//! Settings that a check accepts, found by halves: few checks where few settings are refused.

use crate::imported::{Imported, Remark, Setting};
use crate::write::toml;

impl Imported {
    /// Leaves out each setting that `check` refuses in TOML, with a remark that has the fault of `check`.
    #[must_use]
    pub fn accepted(mut self, check: impl Fn(&str) -> Result<(), String>) -> Self {
        let offered = std::mem::take(&mut self.settings);
        self.admit(&offered, &check);
        self.remarks.sort_by(|one, other| one.place.cmp(&other.place));
        self
    }

    /// Takes these settings, or each half by itself where the check refuses the whole.
    fn admit(&mut self, offered: &[Setting], check: &impl Fn(&str) -> Result<(), String>) {
        let before = self.settings.len();
        self.settings.extend_from_slice(offered);
        let Err(fault) = check(&toml(self)) else { return };
        self.settings.truncate(before);
        match offered {
            [] => {}
            [one] => self.remarks.push(Remark {
                place: one.place.clone(),
                setting: one.origin.clone(),
                reason: format!("not accepted: {fault}"),
            }),
            several => {
                let (left, right) = several.split_at(several.len() / 2);
                self.admit(left, check);
                self.admit(right, check);
            }
        }
    }
}
