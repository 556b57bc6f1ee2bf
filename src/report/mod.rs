//! What the event log says about a support organisation.

mod fold;

pub use fold::{Figures, Fold, Seen, Terms};
