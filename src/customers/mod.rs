//! Customers, as far as support needs to know them: organizations and the people there, by the CRM's own keys.
//!
//! Verbs: upsert organization, upsert contact, erase contact.

mod erase_contact;
mod model;
mod read;
pub mod rpc;
mod store;
mod store_erasures;
mod upsert_contact;
mod upsert_organization;

pub use model::{Account, Contact, Customer, Erasure, Organization};
pub use read::{Names, accounts, names, plan_of};
