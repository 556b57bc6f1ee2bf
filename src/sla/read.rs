//! Clocks as they stand now: of a ticket, of all tickets, and of one that is only thought of.

use serde::{Deserialize, Serialize};

use super::{
    Book, Clock, Ledger, compare,
    explain::{Statement, explain},
    follow::promised,
    store,
};
use crate::{
    app::App,
    configuration::{ClockKind, Configuration},
    ctx::Ctx,
    error::{Error, Result},
    events,
    ids::Id,
    seal::Page,
    tickets::{self, Change, Create, decide_create},
    time::Time,
};

/// A clock with the configuration that it is pinned to.
#[derive(Debug)]
pub struct Pinned {
    pub clock: Clock,
    pub configuration: std::sync::Arc<Configuration>,
}

/// A page of a ticket's clocks, in the order of their numbers.
pub async fn of_ticket(
    app: &App,
    ctx: &Ctx,
    ticket: Id,
    size: i32,
    token: &str,
) -> Result<(Vec<Pinned>, String)> {
    tickets::get(app, ctx, ticket).await?;
    let purpose = format!("{} ListTicketClocks {ticket}", ctx.tenant);
    let page = Page::<i32>::parse(&app.sealer, &purpose, size, token)?;
    let mut tx = app.db.read(&ctx.tenant).await?;
    let mut clocks = store::of_tickets(&mut tx, &[ticket]).await?.remove(&ticket).unwrap_or_default();
    clocks.retain(|clock| page.after.is_none_or(|after| clock.number > after));
    clocks.truncate(page.limit() as usize);
    let (clocks, next) = page.finish(&app.sealer, &purpose, clocks, |clock| clock.number)?;
    Ok((pin_in(app, &mut tx, clocks).await?, next))
}

/// Which open clocks to list.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub due_before: Option<Time>,
    /// Empty: all.
    pub kinds: Vec<ClockKind>,
    /// Empty: all.
    pub policies: Vec<String>,
}

/// Where a page of open clocks ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct After {
    pub due_time: Option<Time>,
    pub ticket_id: Id,
    pub number: i32,
}

/// A page of the tenant's open clocks, the next due first.
pub async fn open(
    app: &App,
    ctx: &Ctx,
    wanted: &Wanted,
    size: i32,
    token: &str,
) -> Result<(Vec<Pinned>, String)> {
    let kinds: Vec<&str> = wanted.kinds.iter().map(|kind| kind.name()).collect();
    let purpose = format!(
        "{} ListClocks {:?} {kinds:?} {:?}",
        ctx.tenant,
        wanted.due_before.map(|time| time.to_string()),
        wanted.policies
    );
    let page = Page::<After>::parse(&app.sealer, &purpose, size, token)?;
    let mut tx = app.db.read(&ctx.tenant).await?;
    let clocks = store::open(&mut tx, wanted, page.after.as_ref(), page.limit()).await?;
    let (mut clocks, next) = page.finish(&app.sealer, &purpose, clocks, |clock| After {
        due_time: clock.due_time,
        ticket_id: clock.ticket_id,
        number: clock.number,
    })?;
    let of: Vec<Id> = clocks.iter().map(|clock| clock.ticket_id).collect();
    let hidden = tickets::hidden(&mut tx, ctx, &of).await?;
    clocks.retain(|clock| !hidden.contains(&clock.ticket_id));
    Ok((pin_in(app, &mut tx, clocks).await?, next))
}

async fn pin_in(app: &App, tx: &mut crate::db::Tx, clocks: Vec<Clock>) -> Result<Vec<Pinned>> {
    let mut pinned = Vec::with_capacity(clocks.len());
    for clock in clocks {
        let configuration = app.configurations.at_in(tx, clock.configuration_revision).await?;
        let configuration = configuration.ok_or_else(|| Error::internal("a revision is gone"))?;
        pinned.push(Pinned { clock, configuration });
    }
    Ok(pinned)
}

/// An account of a clock.
#[derive(Debug)]
pub struct Explained {
    pub pinned: Pinned,
    pub statement: Statement,
    /// What is kept and is not what the events make; nothing, or there is something wrong.
    pub differences: Vec<String>,
}

pub async fn explained(app: &App, ctx: &Ctx, ticket: Id, number: i32) -> Result<Explained> {
    tickets::get(app, ctx, ticket).await?;
    let mut tx = app.db.read(&ctx.tenant).await?;
    let log = events::logs_in(&mut tx, &[ticket]).await?.remove(&ticket).unwrap_or_default();
    let ledger = Ledger::of_in(&mut tx, &app.configurations, &[ticket], promised(&log)).await?;
    let found = ledger.clocks(ticket).iter().find(|clock| clock.number == number);
    let name = || format!("tenants/{}/tickets/{ticket}/clocks/{number}", ctx.tenant);
    let clock = found.cloned().ok_or_else(|| Error::not_found("clock", name()))?;
    let made = Book::recomputed(&ledger.revisions(), &log).clocks;
    let made: Vec<Clock> = made.into_iter().filter(|clock| clock.number == number).collect();
    let differences = compare(std::slice::from_ref(&clock), &made);
    let pinned = pin_in(app, &mut tx, vec![clock]).await?.remove(0);
    let statement = explain(&pinned.configuration, &pinned.clock, &log, ctx.now);
    Ok(Explained { pinned, statement, differences })
}

/// What would be promised for a draft that came in at a time.
pub fn preview(ctx: &Ctx, configuration: &Configuration, draft: &Create, at: Time) -> Result<Change> {
    let ctx = Ctx { recorded: at, ..ctx.at(at) };
    decide_create(&ctx, configuration, draft, Id(uuid::Uuid::nil()), 0)
}
