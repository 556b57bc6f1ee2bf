//! What is said on tickets: to the customer, or among the support organization.
//!
//! Verbs: create, redact. A customer's comment may move the ticket, or open a follow-up.

mod create;
mod follow_up;
mod model;
mod read;
mod redact;
pub mod rpc;
mod store;

pub use create::{Draft, create_in, speaks};
pub use model::{Comment, Visibility, name};
pub use store::{Text, erase as erase_in, find_in, forget as forget_in, texts as texts_in};
