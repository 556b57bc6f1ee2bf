//! What happened, in order: the event log. Events are appended in the transaction that changes the state, by the one
//! door of the aggregate; the sequencer gives each its place in the tenant's stream; readers follow the stream.

mod model;
pub mod store;

pub use model::{Event, EventType, Facts};
