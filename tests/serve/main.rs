//! The serving stack from outside: a toy service behind the real contract, over loopback.

mod connections;
mod drain;
mod failures;
mod frames;
mod hostile;
mod measured;
mod observed;
mod protocols;
mod quotas;
mod secure;
mod toy;
mod wire;
