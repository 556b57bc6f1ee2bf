//! Tickets: requests for support, from intake to end.
//!
//! Verbs: create, update, assign, claim, release, hold, resume, resolve, close, reopen, cancel, tag, follow, merge, unmerge, link,
//! import.

mod actions;
mod again;
pub mod assign;
pub mod auto_close;
mod batch_create;
mod cancel;
mod change;
pub(crate) mod claim;
mod close;
mod create;
mod erase;
pub mod fields;
#[cfg(test)]
pub mod fixture;
mod follow;
pub mod hold;
mod import;
pub mod index;
pub mod intake;
mod lines;
mod link;
mod links;
mod list;
mod look_back;
mod merge;
mod model;
mod names;
mod numbers;
pub mod offer_resolution;
mod past;
pub mod queue;
mod read;
mod relation;
pub(crate) mod release;
pub mod reopen;
mod replay;
pub mod resolve;
mod resolve_as;
mod restricted;
pub mod resume;
pub mod retire;
pub(crate) mod room;
pub mod rpc;
mod search;
mod status;
mod store;
mod store_came;
mod store_links;
mod store_list;
mod store_queue;
mod store_row;
mod tag;
mod timeline;
mod timer;
mod union;
mod unmerge;
mod update;
pub mod wake;
pub mod wire;
mod write;
mod write_together;

pub use assign::give;
pub use change::{Change, enter, redo, undo};
pub use create::{
    Create, OnConflict, Receipt, Written, create, decide as decide_create, draft, take_account,
};
pub use erase::{ERASED, Person, Tally, asked_by_in, erase_in};
pub use index::index_in;
pub use lines::Lines;
pub use list::{Selection, batch_seen, parse_filter};
pub use look_back::{Look, look_back};
pub(crate) use model::codes;
pub use model::*;
pub use names::{Names, Shown, Whom};
pub use numbers::Numbers;
pub use past::{Extent, Past, Window, extent, past};
pub use read::{at_version, count_standing_in, get, held, list_live, resolve};
pub use relation::{LinkKind, Relation, Tie};
pub use restricted::{Sight, hidden, see};
pub use status::{Verb, advance, advance_settled};
pub use store::Live;
pub use store_came::{came as came_in, count_before, ids_behind as ids_behind_in};
pub use union::{Place, survivor, survivor_in, union, went_on};
pub use write::{
    Act, Done, Target, apply_in, check_version, held_in, keep_in, lock_all_in, lock_first_in, lock_free_in,
    lock_in, write, write_in, write_with,
};
