//! Pausing a subscription: nothing is made for it and nothing is sent; its place in the stream stays.

use super::{
    model::{State, Subscription},
    write::{Target, Waiting, Written, write},
};
use crate::{app::App, ctx::Ctx, error::Result};

pub async fn pause(app: &App, ctx: &Ctx, target: Target) -> Result<Written> {
    write(app, ctx, target, decide, Waiting::Stay).await
}

/// The rule. One that the service gave up is paused by a person from now on.
fn decide(before: &Subscription) -> Subscription {
    Subscription { state: State::Paused, disable_reason: None, ..before.clone() }
}
