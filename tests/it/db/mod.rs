//! The database's own wall between tenants, and that both walls hold, each without the other.

mod bleed;
mod matrix;
mod samples;
mod wall;
