//! What happened, in order: the event log. Events are appended in the transaction that changes the state, by the one
//! door of the aggregate; the sequencer gives each its place in the tenant's stream; readers follow the stream.
//!
//! Verbs: none of its own; it reads by list and watch. `docs/events.md` lists what may happen.

pub mod cloud_event;
pub mod cursor;
mod feed;
mod filter;
pub mod heads;
mod list;
mod model;
mod project;
pub mod relay;
pub mod rpc;
pub mod sequencer;
pub mod store;
mod store_history;
mod store_lag;
mod store_stream;
mod tail;
mod watch;
pub mod wire;

pub use cursor::{Start, behind, cursor, position};
pub use feed::Feeds;
pub use filter::{Filter, Pattern};
pub use heads::Heads;
pub use model::{Event, EventType, Facts};
pub use project::{Notice, project};
pub use sequencer::{dead_rows, passed, unplaced};
pub use store_history::{
    Audience, Created, Stood, created_in, forget as forget_in, formerly_asked_by_in, list_page, list_since,
    logs_in, overwrite_in, redact_note_in, stood, waiting_in,
};
pub use store_stream::{Placed, heads as stream_heads, read as read_stream, since_in, steps_in};
