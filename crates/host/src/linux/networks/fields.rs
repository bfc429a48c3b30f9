//! Files of the form `KEY=value`, as systemd keeps its state.

/// The fields of a text.
pub(super) struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        let field = |line: &'a str| {
            let (key, value) = line.split_once('=')?;
            let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            Some((key, quoted.unwrap_or(value)))
        };
        Fields(lines.filter_map(field).collect())
    }

    /// The value of a key that is not empty.
    pub(super) fn value(&self, key: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(known, _)| *known == key).map(|(_, value)| *value);
        found.filter(|value| !value.is_empty())
    }

    /// The words of a value.
    pub(super) fn words(&self, key: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.value(key).unwrap_or_default().split_whitespace()
    }

    /// A value that is yes or no.
    pub(super) fn truth(&self, key: &str) -> Option<bool> {
        match self.value(key)? {
            "yes" | "1" | "true" => Some(true),
            "no" | "0" | "false" => Some(false),
            _ => None,
        }
    }
}
