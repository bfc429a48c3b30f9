//! The machine, as the BSDs and macOS tell.

/// Told by `sysctl` alone, which takes `unsafe`.
pub(crate) fn processor_model() -> Option<String> {
    None
}
