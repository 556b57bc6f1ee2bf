//! Where a ticket or a draft would go and who would get it by a configuration, without any effect.

use super::{
    Decision,
    decide::decide,
    roster::{Roster, is_dispatched},
};
use crate::{
    agents,
    app::App,
    configuration::Configuration,
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

pub async fn preview(
    app: &App,
    ctx: &Ctx,
    subject: Subject,
    configuration: &Configuration,
) -> Result<Decision> {
    let mut ticket = match subject {
        Subject::Ticket(id) => tickets::get(app, ctx, id).await?.ticket.clone(),
        Subject::Draft(mut draft) => {
            tickets::take_account(app, ctx, &mut draft).await?;
            tickets::draft(ctx, configuration, &draft, app.ids.next(), 0)?
        }
    };
    let decision = decide(configuration, &ticket);
    if !is_dispatched(configuration, &decision.queue) {
        return Ok(decision);
    }
    decision.settle(configuration, &mut ticket, ctx.now);
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let (team, organization) = (&decision.team, &ticket.organization);
    let members = agents::members(
        &mut tx,
        configuration,
        std::slice::from_ref(team),
        std::slice::from_ref(organization),
    )
    .await?;
    let found = Roster::new(members).look(configuration, &ticket, ctx.now);
    Ok(Decision { trials: decision.trials, priority: decision.priority, ..found })
}
