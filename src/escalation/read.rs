//! Reading escalations. They are the insides of support: a customer sees none.

use super::{
    Escalation, Mode, State, Why,
    store::{self, List},
};
use crate::{
    app::App,
    ctx::Ctx,
    error::{Error, Result},
    filter::{self, Expr, Field, Kind, Schema, Scope},
    ids::Id,
    seal::Page,
    tickets,
    time::Time,
};

/// What a filter may name.
pub const FIELDS: Schema = Schema(&[
    Field { name: "state", column: "state", kind: Kind::Enum(State::NAMES) },
    Field { name: "mode", column: "mode", kind: Kind::Enum(Mode::NAMES) },
    Field { name: "reason", column: "reason", kind: Kind::Enum(Why::NAMES) },
    Field { name: "from_team", column: "from_team", kind: Kind::Text },
    Field { name: "to_team", column: "to_team", kind: Kind::Text },
    Field { name: "from_level", column: "from_level", kind: Kind::Text },
    Field { name: "to_level", column: "to_level", kind: Kind::Text },
    Field { name: "create_time", column: "create_time", kind: Kind::Time },
]);

pub async fn get(app: &App, ctx: &Ctx, ticket: Id, id: Id) -> Result<Escalation> {
    let found = if ctx.actor.is_customer() {
        None
    } else {
        store::find(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, ticket, id).await?
    };
    let missing = || missing(ctx, &format!("{ticket}/escalations/{id}"));
    let found = found.ok_or_else(missing)?;
    match tickets::get(app, ctx, ticket).await {
        Err(Error::NotFound { .. }) => Err(missing()),
        seen => seen.map(|_| found),
    }
}

/// A page of a ticket's escalations, or of all (`None`), newest first, and where the next one begins.
pub async fn list(
    app: &App,
    ctx: &Ctx,
    ticket: Option<Id>,
    filter: &str,
    size: i32,
    token: &str,
) -> Result<(Vec<Escalation>, String)> {
    let parent = ticket.map_or("-".to_owned(), |id| id.to_string());
    if ctx.actor.is_customer() {
        return Err(missing(ctx, &format!("{parent}/escalations")));
    }
    if let Some(id) = ticket {
        tickets::get(app, ctx, id).await?;
    }
    let filter = filter::parse(filter, &FIELDS)?;
    let canonical = filter.as_ref().map(Expr::to_string).unwrap_or_default();
    let purpose = format!("{} ListEscalations {parent} {canonical}", ctx.tenant);
    let page = Page::<(Time, Id)>::parse(&app.sealer, &purpose, size, token)?;
    let wanted = List {
        ticket,
        filter: filter.as_ref(),
        scope: Scope { now: *ctx.now, me: &ctx.actor.id },
        after: page.after,
        limit: page.limit(),
    };
    let escalations = store::list(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, wanted).await?;
    let place = |escalation: &Escalation| (escalation.create_time, escalation.id);
    let (mut escalations, next) = page.finish(&app.sealer, &purpose, escalations, place)?;
    if ticket.is_none() {
        let of: Vec<Id> = escalations.iter().map(|escalation| escalation.ticket_id).collect();
        let hidden = tickets::hidden(&mut *app.db.read(&ctx.tenant).await?, ctx, &of).await?;
        escalations.retain(|escalation| !hidden.contains(&escalation.ticket_id));
    }
    Ok((escalations, next))
}

fn missing(ctx: &Ctx, rest: &str) -> Error {
    Error::not_found("escalation", format!("tenants/{}/tickets/{rest}", ctx.tenant))
}
