//! What is promised about time, and whether it is kept: clocks that follow a ticket's events, in the open time of calendars.
//!
//! `evaluate.rs` says how a clock stands, `signals.rs` what an event means for it, `book.rs` what becomes of a ticket's
//! clocks, `points.rs` what there is to tell of them.
//!
//! `business_time.rs` is the arithmetic that everybody may ask for, `availability.rs` what outages leave of agreed hours.
//!
//! Verbs: migrate, record outage. Jobs: fire.

mod availability;
mod book;
mod business_time;
mod evaluate;
mod explain;
#[cfg(test)]
mod failures;
pub mod fire;
mod follow;
mod migrate;
mod model;
mod outages;
mod points;
#[cfg(test)]
mod properties;
mod raise;
mod read;
mod read_outages;
mod record_outage;
pub mod rpc;
mod select;
mod signals;
mod simulate;
mod store;
mod store_lag;
mod store_outages;
#[cfg(test)]
mod story;
mod taken_start;
mod told;
mod verify;
pub mod wire;

pub use book::{Book, Revisions};
pub use fire::overdue;
pub use follow::{Ledger, begin, follow_in, promise};
pub use model::{Clock, ClockState, Signal, What};
pub use points::Point;
pub use select::select;
pub use signals::answers;
pub use store::{forget as forget_in, of_tickets as of_tickets_in, put as put_in};
pub use taken_start::{CLOCK_STARTS, give_back_in as give_starts_back_in, take_in as take_starts_in};
pub use verify::{Verified, compare, verify, verify_all};
