//! The tickets behind a figure.

use super::{
    metrics::{Measure, Metric, Terms},
    query::divided,
    store_query::{self, Ask},
};
use crate::{
    app::App,
    ctx::Ctx,
    error::{Result, Violations},
    ids::Id,
    seal::Page,
    tickets::{self, Shown},
    time::Time,
};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Drill<'a> {
    pub metric: &'static Metric,
    pub filter: &'a str,
    pub start: Option<Time>,
    /// `None`: now.
    pub end: Option<Time>,
    /// Of a share: all that it is about.
    pub whole: bool,
    pub page_size: i32,
    pub page_token: &'a str,
}

/// A page of tickets, those that came in first first, and where the next one begins.
pub async fn tickets(app: &App, ctx: &Ctx, drill: Drill<'_>) -> Result<(Vec<Shown>, String)> {
    let Drill { metric, whole, start, end, .. } = drill;
    let mut faults = Violations::default();
    let (_, filter) = divided(&mut faults, metric, &[], drill.filter)?;
    let canonical = filter.as_ref().map(ToString::to_string).unwrap_or_default();
    let purpose = format!(
        "{} ListMetricTickets {} {} {whole} {start:?} {end:?}:{canonical}",
        ctx.tenant, ctx.actor.id, metric.key
    );
    let page = Page::<Id>::parse(&app.sealer, &purpose, drill.page_size, drill.page_token)?;
    let terms = Terms::of(&app.configurations.get(&ctx.tenant).await?.document);
    let ask = Ask {
        ctx,
        terms: &terms,
        source: metric.source,
        by: metric.by,
        dimensions: &[],
        filter: filter.as_ref(),
        // What is there at the end came at any time before.
        start: if matches!(metric.measure, Measure::Level(_)) { None } else { start },
        end: end.unwrap_or(ctx.now),
    };
    let mut tx = app.db.read(&ctx.tenant).await?;
    let ids = store_query::tickets(&mut tx, ask, metric, whole, page.after, page.limit()).await?;
    tx.keep();
    let (ids, next) = page.finish(&app.sealer, &purpose, ids, |id| *id)?;
    Ok((tickets::batch_seen(app, ctx, &ids).await?, next))
}
