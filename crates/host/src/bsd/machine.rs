//! The machine, as the BSDs tell.

use crate::program::output;

pub(crate) fn processor_model() -> Option<String> {
    let model = output("/sbin/sysctl", &["-n", "hw.model"])?;
    Some(model.trim().to_owned()).filter(|model| !model.is_empty())
}
