//! Putting the document of an earlier revision in force again, as a new revision: history goes on, it is not undone.

use super::{
    apply::{Applied, Apply, apply},
    read, validate,
};
use crate::{
    app::App,
    ctx::Ctx,
    error::{Reason, Result, Violations},
};

#[derive(Clone, Debug)]
pub struct Rollback {
    /// The revision to go back to.
    pub revision: i64,
    pub comment: String,
    /// The revision that the caller saw; `None`: whatever is in force.
    pub seen: Option<i64>,
}

pub async fn rollback(app: &App, ctx: &Ctx, rollback: Rollback) -> Result<Applied> {
    let Rollback { revision, comment, seen } = rollback;
    // Revisions never change, so it may be read before the tenant is locked.
    let document = read::get(app, ctx, Some(revision)).await?.document;
    // What was valid then may be refused by a newer server.
    let mut faults = Violations::default();
    validate(&document, &mut faults);
    faults.into_result_as(Reason::ConfigurationInvalid)?;
    apply(app, ctx, Apply { document, comment, seen, validate_only: false }).await
}
