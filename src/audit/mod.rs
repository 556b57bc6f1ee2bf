//! Who administered what, and who read what is restricted. Verbs leave their entry in the transaction that acts
//! ([`act_in`]); a job chains the entries, so that whoever alters one later is found ([`verify`]).

mod chain;
pub mod extend;
mod keep;
mod model;
mod read;
pub mod rpc;
mod store;
mod store_lag;
mod verify;

pub use chain::{Fault, Head, LINK};
pub use extend::unchained;
pub use keep::{Target, UNSEEN, act_in, forget_in, note_read};
pub use verify::{Verified, tenants, verify};
