//! The serving stack from outside: a toy service behind the real contract, over loopback.

mod connections;
mod drain;
mod failures;
mod observed;
mod protocols;
mod secure;
mod toy;
mod wire;
