//! Search: which words stand where, and what is the best answer to some others. It knows texts by corpus and id; who may
//! see what they belong to is the business of the slice that has them.
//!
//! Texts come in by [`index_in`], whole, in the transaction that writes them or in a job behind it, and go by [`forget_in`].
//! A search has two steps: [`plan_in`] says which words of the index answer to those that were asked for, and [`find_in`]
//! which texts have them, the best first. A plan can be kept, so that a later page is ranked like the first.
//! [`highlight_in`] says where in a text they stand. `docs/search.md` says what is found.
//!
//! Hidden passages are found by plans that may look at them, and change nothing for the others. Who forgets a text, for
//! good or for a person, forgets its words in the same transaction.

mod find;
mod grams;
mod highlight;
mod index;
mod model;
mod query;
mod rank;
mod store;
mod store_find;
mod words;

pub use find::{Scope, find_in};
pub use highlight::{Snippet, highlight_in};
pub use index::{forget_in, index_in, read_in};
pub use model::{Bag, Corpus, Document, Field, Hit, Passage, Plan, Read, Wanted};
pub use query::{plan_among_in, plan_in};
pub use store::{
    advance as advance_in, begin as begin_in, lock_free as lock_free_in, position as position_in, positions,
};
