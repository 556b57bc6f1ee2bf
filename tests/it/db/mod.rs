//! The database's own wall between tenants; `matrix/` has what callers find in front of it.

mod bleed;
mod readers;
mod wall;
