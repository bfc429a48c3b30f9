//! A daemon and a browser for tests.

mod admin;
pub(crate) mod browser;

pub(crate) use admin::TestAdmin;
