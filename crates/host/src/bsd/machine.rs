//! The machine, as the BSDs tell.

use crate::program::output;

pub(crate) fn processor_model() -> Option<String> {
    let model = output("/sbin/sysctl", &["-n", "hw.model"])?;
    Some(model.trim().to_owned()).filter(|model| !model.is_empty())
}

/// The name of the program that started this one: not asked.
pub(crate) fn parent_program() -> Option<String> {
    None
}
