//! The database's own wall between tenants, readers that share a transaction, migrators; `matrix/` has what callers find in front of
//! the wall.

mod bleed;
mod login;
mod migrate;
mod readers;
mod wall;
