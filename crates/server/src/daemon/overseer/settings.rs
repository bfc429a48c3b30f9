//! The configuration in force, each setting with its line.

use zoners_api::{DefaultSettingReport, SettingsReport, WrittenSettingReport};
use zoners_dns::Network;

use super::Overseer;
use crate::config::WrittenSetting;

/// The settings of the file, and those at their defaults.
pub(super) fn settings<N: Network>(overseer: &Overseer<N>) -> SettingsReport {
    let source = overseer.source.load();
    let written = source.written().into_iter();
    let written = written.map(|WrittenSetting { key, value, line }| WrittenSettingReport {
        key,
        value,
        line: line as u64,
    });
    let defaults = source.at_defaults().into_iter();
    let defaults =
        defaults.map(|WrittenSetting { key, value, .. }| DefaultSettingReport { key, value });
    SettingsReport {
        file: overseer.about.config.as_ref().map(|path| path.display().to_string()),
        written: written.collect(),
        defaults: defaults.collect(),
    }
}
