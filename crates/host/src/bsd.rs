//! FreeBSD and the other BSDs. macOS shares most modules.

pub(crate) mod attributes;
#[cfg(not(target_os = "macos"))]
pub(crate) mod clock;
pub(crate) mod file_watch;
pub(crate) mod interfaces;
#[cfg(not(target_os = "macos"))]
pub(crate) mod machine;
pub(crate) mod network;
pub(crate) mod networks;
pub(crate) mod paths;
pub(crate) mod ports;
pub(crate) mod privileges;
#[cfg(not(target_os = "macos"))]
pub(crate) mod resolvers;
