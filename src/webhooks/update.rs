//! Changing what a subscription is called, where it goes and what it wants. What is on its way goes to the new URL.

use super::{
    create::{Said, check},
    model::Subscription,
    write::{Target, Waiting, Written, write},
};
use crate::{
    app::App,
    ctx::Ctx,
    error::{Result, Violations},
    tickets::Json,
};

pub async fn update(
    app: &App,
    ctx: &Ctx,
    target: Target,
    said: Said,
    mut faults: Violations,
) -> Result<Written> {
    check(app, &said, &mut faults);
    faults.into_result()?;
    let decide = |before: &Subscription| Subscription {
        display_name: said.display_name.clone(),
        url: said.url.clone(),
        wanted: Json(said.wanted.clone()),
        ..before.clone()
    };
    write(app, ctx, target, decide, Waiting::Stay).await
}
