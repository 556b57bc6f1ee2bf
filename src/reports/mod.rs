//! Figures: what came in, how it was solved, what was kept of what was promised, and the tickets behind each number. They are
//! counted as things happen, from the event log, and whoever counts it again comes to the same.
//!
//! Verbs: none; it follows (`follow.rs`) and reads. `docs/reports.md` says what each figure is.

mod drill;
pub mod follow;
mod intervals;
mod metrics;
mod query;
pub mod rpc;
mod snapshot;
mod store;
mod store_query;
mod story;
mod table;
mod wire;

pub use metrics::{Metric, Unit};
pub use store::forget as forget_in;
pub use table::METRICS;
