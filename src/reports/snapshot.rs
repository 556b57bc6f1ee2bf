//! How all queues stand just now.

use crate::{
    agents,
    app::App,
    ctx::Ctx,
    error::Result,
    routing::queue_stats::{QueueStats, staffing},
    tickets::queue,
};

/// A queue.
#[derive(Debug)]
pub struct Load {
    pub queue: String,
    pub stats: QueueStats,
    /// How many of the waiting have each priority, the most pressing first.
    pub priorities: Vec<(String, i64)>,
}

/// All queues, in the order of the configuration: two looks into the database, however many there are.
pub async fn snapshot(app: &App, ctx: &Ctx) -> Result<Vec<Load>> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let mut depths = queue::depths(app, &ctx.tenant, ctx.now).await?;
    let teams: Vec<String> = configuration.document.teams.iter().map(|team| team.key.clone()).collect();
    let mut tx = app.db.read(&ctx.tenant).await?;
    let members = agents::members(&mut tx, &configuration, &teams, &[]).await?;
    tx.keep();
    let load = |key: &str| {
        let team = configuration.place(key).team;
        let of_team: Vec<_> = members.iter().filter(|it| it.agent.teams.contains(&team)).cloned().collect();
        let (depth, priorities) = depths.remove(key).unwrap_or_default();
        let staffing = staffing(&configuration, &team, &of_team, ctx.now);
        Load { queue: key.to_owned(), stats: QueueStats { read_time: ctx.now, depth, staffing }, priorities }
    };
    Ok(configuration.document.queues.iter().map(|queue| queue.key.as_str()).map(load).collect())
}
