//! What is known: articles, their revisions and their review, what they were good for, and the tickets that tell.
//!
//! Verbs: create, revise, translate, submit, publish, reject, archive, restore, link, deflect. A resolution cites an article,
//! or has one drafted, in its own transaction ([`cite_in`], [`tell_in`]); a ticket that is opened again takes that back
//! ([`reopened_in`]). `docs/knowledge.md` says how it goes together.

mod archive;
mod cite;
mod create;
mod deflect;
mod draft;
mod link;
mod model;
mod publish;
mod rank;
mod read;
mod reject;
mod restore;
mod revise;
pub mod rpc;
mod search;
mod sight;
mod stale;
mod status;
mod store;
mod store_links;
mod store_shown;
mod submit;
mod suggest;
mod translate;
pub mod wire;
mod write;

pub use cite::{Cited, cite_in, tell_in};
pub use model::{Article, Audience, Kind, Link, Reference, Relation, Revision, State};
pub use stale::reopened_in;
pub use store::{erase as erase_in, forget as forget_in};
