//! Escalation: a ticket goes to more skill, or advice comes from there, on the record; and it comes back.
//!
//! Verbs: escalate, to manager, accept, decline, withdraw, hand back; the job expire. A handover places the ticket in the target's
//! queue at once; whoever takes it up there ([`take_in`]) accepts it. A consultation moves nothing.

mod accept;
mod audience;
mod come_back;
mod decline;
mod end;
mod erase;
mod escalate;
pub mod expire;
#[cfg(test)]
mod fixture;
mod hand_back;
mod history;
pub mod levels;
mod model;
mod read;
pub mod rpc;
mod settle;
mod staff;
mod store;
mod take;
mod to_manager;
pub mod wire;
mod withdraw;

pub use audience::Audience;
pub use end::end_in;
pub use erase::erase_in;
pub use escalate::climb_in;
pub use model::*;
pub use store::forget as forget_in;
pub use take::{take_all_in, take_in};
