//! Finding out what this network does with DNS, as [`crate::env::interception`] remembers it.
//!
//! [`evidence`] takes in the replies of servers, [`probe`] asks root servers where these replies are strange,
//! [`gate`] fails a question at once where no reply would come.

mod evidence;
mod gate;
mod probe;

pub(crate) use evidence::{observe_bogus, observe_proof, observe_reply, observe_silence};
pub(crate) use gate::{
    explain_by_obstacle, is_closed_for, may_pass, may_prove, obstruction, wait_if_doubtful,
};
