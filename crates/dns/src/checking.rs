//! The CD bit of a query.

/// Whether an answer has to be validated: the CD bit (RFC 4035 section 3.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Checking {
    /// CD is clear: the client gets no data that fails validation.
    #[default]
    Enabled = 0,
    /// CD is set: the client validates on its own, and gets data as found.
    Disabled = 1,
}

impl Checking {
    /// The meaning of a CD bit.
    #[must_use]
    #[inline]
    pub fn of_cd(cd: bool) -> Self {
        match cd {
            false => Checking::Enabled,
            true => Checking::Disabled,
        }
    }

    /// Whether the CD bit is set.
    #[must_use]
    #[inline]
    pub fn is_disabled(self) -> bool {
        self == Checking::Disabled
    }
}
