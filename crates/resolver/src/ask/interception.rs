//! Detects what the network does with DNS; the result is kept in [`crate::env::interception`].
//!
//! [`evidence`] looks at the replies of servers, [`probe`] asks root servers if replies are
//! strange, [`gate`] fails questions at once where no reply would come.

mod evidence;
mod gate;
mod probe;

pub(crate) use evidence::{observe_bogus, observe_proof, observe_reply, observe_silence};
pub(crate) use gate::{
    explain_by_obstacle, is_closed_for, may_pass, may_prove, obstruction, wait_if_doubtful,
};
