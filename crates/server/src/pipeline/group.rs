//! Groups of clients. Each group has finished answers of its own, since a policy may treat groups differently.

/// The number of a group of clients sharing a policy; a part of the key of finished answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClientGroup(pub u8);

impl ClientGroup {
    /// The group of clients without a policy of their own.
    pub const ALL: Self = ClientGroup(0);
}
