//! Where a ticket or a draft would go and who would get it, without any effect.

use super::{Decision, decide::decide};
use crate::{
    agents,
    app::App,
    configuration::Dispatch,
    ctx::Ctx,
    error::Result,
    ids::Id,
    tickets::{self, Create},
};

/// What to route.
#[derive(Debug)]
pub enum Subject {
    Ticket(Id),
    Draft(Box<Create>),
}

pub async fn preview(app: &App, ctx: &Ctx, subject: Subject) -> Result<Decision> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let mut decision = match subject {
        Subject::Ticket(id) => decide(&configuration, &*tickets::get(app, ctx, id).await?),
        Subject::Draft(mut draft) => {
            tickets::take_organization(app, ctx, &mut draft).await?;
            decide(&configuration, &tickets::draft(ctx, &configuration, &draft, app.ids.next(), 0)?)
        }
    };
    let queue = configuration.queue(&decision.queue);
    if queue.is_some_and(|queue| queue.dispatch == Dispatch::Push) {
        let mut tx = app.db.begin(&ctx.tenant).await?;
        let members = agents::members(&mut tx, std::slice::from_ref(&decision.team)).await?;
        let rule = configuration.document.routing_rules.iter().find(|rule| rule.key == decision.rule);
        decision.find_agent(&members, rule.map_or(&[], |rule| &rule.required_skills), ctx.now);
    }
    Ok(decision)
}
