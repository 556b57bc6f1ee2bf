//! What customers say of how they were helped: a question after a resolution that stands, answered once, by whoever has its token.
//!
//! Verbs: request (a job), issue, submit.

mod issue;
mod model;
mod read;
pub mod request;
pub mod rpc;
mod schedule;
mod store;
mod submit;
mod summarize;
mod token;
pub mod wire;

pub use model::{Feedback, State};
pub use schedule::schedule_in;
pub use store::{erase as erase_in, forget as forget_in};
pub use summarize::promotion;
