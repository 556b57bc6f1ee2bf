//! Resuming a subscription that was paused, or given up: it goes on where it stopped, at once, and is trusted
//! anew.

use super::{
    model::{State, Subscription},
    write::{Target, Waiting, Written, write},
};
use crate::{app::App, ctx::Ctx, error::Result};

pub async fn resume(app: &App, ctx: &Ctx, target: Target) -> Result<Written> {
    write(app, ctx, target, decide, Waiting::Hurry).await
}

/// The rule. Old failures do not count against it.
fn decide(before: &Subscription) -> Subscription {
    if before.state == State::Active {
        return before.clone();
    }
    Subscription {
        state: State::Active,
        disable_reason: None,
        failing_since_time: None,
        consecutive_failures: 0,
        ..before.clone()
    }
}
