//! Rating a ticket again, from scratch, and telling what is new: in the transaction that changes its work, and by the job for
//! tickets whose bill changed because of something else. What is told is the difference, so it does not matter how often, by
//! whom and because of what a ticket is rated.

use std::collections::HashMap;

use serde_json::json;

use super::{
    deltas::{self, Delta},
    model::{Account, Billable, Consented},
    rate::{Book, Work, rate},
    store,
};
use crate::{
    app::App,
    configuration::{Configuration, WithoutConsent},
    ctx::Ctx,
    db::Tx,
    entitlements::{self, Answer, Entitlement, Terms, check},
    error::{Error, Reason, Refusal, Result},
    events::EventType,
    ids::{Id, TenantId},
    jobs::{Report, Tally, by_tenant},
    tickets::{self, Change, Ticket},
    time::Time,
    worklogs::{self, Worklog},
};

/// Lines that one event tells of at most: with the longest keys, it still fits into a webhook.
pub const MAX_TOLD: usize = 25;

/// What becomes of work that needs a consent which nobody gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// As the configuration says.
    Policy,
    /// It is marked: the work was taken already.
    Marked,
}

/// Rates a ticket that the transaction has locked, and tells what is new, as part of what happens to it.
pub async fn rerate_in(
    tx: &mut Tx,
    app: &App,
    ctx: &Ctx,
    change: Change,
    without: Without,
) -> Result<Change> {
    let ticket = change.next.id;
    let known = worklogs::counted_in(tx, ticket).await?;
    let organizations = organizations(&known);
    for organization in &organizations {
        store::lock_organization(tx, organization).await?;
    }
    // Whoever marks it from here on marks it anew, and what made others mark it before is seen below.
    store::unmark(tx, ticket).await?;
    let own = worklogs::counted_in(tx, ticket).await?;
    let told = store::standing(tx, ticket).await?;
    if own.is_empty() && told.is_empty() {
        return Ok(change);
    }
    let priced = priced(tx, app, ctx, &change.next, &own).await?;
    let sold = entitlements::sold(tx, &ctx.tenant, &organizations).await?;
    let works = drawing(tx, &priced, &sold, &own).await?;
    let incidents = incidents(tx, ctx, &priced, &sold, &works).await?;
    let book = Book { configuration: &priced, sold: &sold, incidents: &incidents };
    let deltas = deltas::decide(&told, &rate(book, ticket, &works));
    if without == Without::Policy {
        consented(&priced, &change.next, &deltas)?;
    }
    post(tx, ctx, &priced, change, &deltas).await
}

fn organizations(works: &[Worklog]) -> Vec<String> {
    let mut organizations: Vec<String> = works.iter().map(|it| it.organization.clone()).collect();
    organizations.sort();
    organizations.dedup();
    organizations
}

/// The configuration by whose prices a ticket is rated: that of its recording, or else that of its first entry.
async fn priced(
    tx: &mut Tx,
    app: &App,
    ctx: &Ctx,
    ticket: &Ticket,
    own: &[Worklog],
) -> Result<std::sync::Arc<Configuration>> {
    let recorded = ticket.entitlement.as_ref().map(|decision| decision.revision);
    let first = || own.iter().map(|it| it.configuration_revision).min();
    let Some(revision) = recorded.or_else(first) else { return app.configurations.get(&ctx.tenant).await };
    let found = app.configurations.at_in(tx, revision).await?;
    found.ok_or_else(|| Error::internal("a revision is gone"))
}

/// The work that draws on the same allowances of time as a ticket's own, which is among it.
async fn drawing(
    tx: &mut Tx,
    configuration: &Configuration,
    sold: &HashMap<String, Vec<Entitlement>>,
    own: &[Worklog],
) -> Result<Vec<Work>> {
    let mut works: Vec<Work> = own.iter().map(Worklog::work).collect();
    let Some((from, until)) = span(configuration, sold, own) else { return Ok(works) };
    let others = worklogs::done_for_in(tx, &organizations(own), from, until).await?;
    let ids: Vec<Id> = works.iter().map(|work| work.id).collect();
    works.extend(others.iter().filter(|it| !ids.contains(&it.id)).map(Worklog::work));
    Ok(works)
}

/// The periods of the allowances of time on which this work draws, together; nothing: on none.
fn span(
    configuration: &Configuration,
    sold: &HashMap<String, Vec<Entitlement>>,
    work: &[Worklog],
) -> Option<(Time, Time)> {
    let mut span: Option<(Time, Time)> = None;
    for one in work {
        let end = one.start_time.after(std::time::Duration::from_secs(one.seconds.unsigned_abs()));
        for version in sold.get(&one.organization).into_iter().flatten() {
            let bounded = Terms::find(configuration, version).filter(|it| it.allowance.duration.is_some());
            let Some(terms) = bounded else { continue };
            for at in [one.start_time, end] {
                let (from, until) = check::period(configuration, version, terms.allowance.period, at);
                let until = until.unwrap_or_else(|| Time::new(jiff::Timestamp::MAX));
                let (first, last) = span.unwrap_or((from, until));
                span = Some((first.min(from), last.max(until)));
            }
        }
    }
    // What begins before a period may reach into it.
    span.map(|(from, until)| (from.before(std::time::Duration::from_hours(24)), until))
}

/// How many incidents came before each of the tickets, where they are counted.
async fn incidents(
    tx: &mut Tx,
    ctx: &Ctx,
    configuration: &Configuration,
    sold: &HashMap<String, Vec<Entitlement>>,
    works: &[Work],
) -> Result<HashMap<(Id, String), i64>> {
    let counted =
        |it: &Entitlement| Terms::find(configuration, it).is_some_and(|terms| terms.allowance.incidents > 0);
    let mut incidents = HashMap::new();
    if !sold.values().flatten().any(counted) {
        return Ok(incidents);
    }
    let mut asked: Vec<(Id, &String)> =
        works.iter().map(|work| (work.ticket, &work.subject.organization)).collect();
    asked.sort();
    asked.dedup();
    for (ticket, organization) in asked {
        let Some(came) = tickets::came_in(tx, ticket).await? else { continue };
        let theirs = sold.get(organization).map(Vec::as_slice).unwrap_or_default();
        let used = entitlements::used(tx, ctx, configuration, theirs, (came, Some(ticket))).await?;
        incidents.extend(used.incidents.into_iter().map(|(key, count)| ((ticket, key), count)));
    }
    Ok(incidents)
}

/// Refuses what would be charged without the consent that it needs, where that is the policy.
fn consented(configuration: &Configuration, ticket: &Ticket, deltas: &[Delta]) -> Result<()> {
    let policy = configuration.document.entitlement.without_consent;
    let missing = deltas.iter().find(|delta| consent(ticket, delta) == Consented::Missing);
    let Some(delta) = missing.filter(|_| policy == WithoutConsent::Refuse) else { return Ok(()) };
    let said = ticket.entitlement.as_ref().and_then(|decision| decision.consent.as_ref());
    let declined = said.is_some_and(|consent| consent.answer == Answer::Declined);
    let text = format!("the customer has not consented to be charged by the tariff {}", delta.key.tariff);
    let refusal = Refusal::new(Reason::ConsentRequired, text).with("tariff", &delta.key.tariff);
    let said = if declined { "DECLINED" } else { "MISSING" };
    Err(refusal.with("consent", said).with("units", delta.units).with("amount", delta.amount).into())
}

/// Whether more of a line needs a consent, and whether it is there.
fn consent(ticket: &Ticket, delta: &Delta) -> Consented {
    let accepts = || ticket.entitlement.as_ref().is_some_and(|it| it.accepts(&delta.key.tariff));
    match delta.needs_consent && delta.amount > 0 {
        false => Consented::NotNeeded,
        true if accepts() => Consented::Given,
        true => Consented::Missing,
    }
}

/// Writes what is new into the books, and tells of it.
async fn post(
    tx: &mut Tx,
    ctx: &Ctx,
    configuration: &Configuration,
    mut change: Change,
    deltas: &[Delta],
) -> Result<Change> {
    if deltas.is_empty() {
        return Ok(change);
    }
    let account = store::lock_account(tx).await?;
    let mut position = account.last_position;
    for told in deltas.chunks(MAX_TOLD) {
        let mut rows: Vec<Billable> = told
            .iter()
            .zip(position + 1..)
            .map(|(delta, position)| {
                let place = Place { ctx, account, revision: configuration.revision, position };
                row(&place, &change.next, delta)
            })
            .collect();
        position += rows.len() as i64;
        change = change.step(ctx, EventType::BillableRated, |_, event| {
            event.details.insert("billables".into(), rows.iter().map(told_of).collect());
        });
        for row in &mut rows {
            row.version = change.next.version;
        }
        store::insert(tx, &rows).await?;
    }
    store::put_account(tx, Account { last_position: position, ..account }).await?;
    Ok(change)
}

/// Where a row stands in the books.
struct Place<'a> {
    ctx: &'a Ctx,
    account: Account,
    revision: i64,
    position: i64,
}

fn row(place: &Place<'_>, ticket: &Ticket, delta: &Delta) -> Billable {
    Billable {
        tenant_id: place.ctx.tenant.clone(),
        position: place.position,
        ticket_id: ticket.id,
        version: 0,
        organization: delta.key.organization.clone(),
        tariff: delta.key.tariff.clone(),
        grouping_key: delta.key.group.clone(),
        rate: delta.key.rate.clone(),
        sequence: delta.sequence,
        units: delta.units,
        amount: delta.amount,
        price: delta.price,
        currency: delta.currency.clone(),
        consent: consent(ticket, delta),
        work_time: delta.work_time,
        post_time: place.account.post_time(delta.work_time),
        record_time: place.ctx.now,
        configuration_revision: place.revision,
    }
}

fn told_of(row: &Billable) -> serde_json::Value {
    json!({
        "position": row.position, "organization": row.organization, "tariff": row.tariff,
        "group": row.grouping_key, "rate": row.rate, "sequence": row.sequence, "units": row.units,
        "amount": row.amount, "price": row.price, "currency": row.currency, "consent": row.consent.name(),
        "work_time": row.work_time.to_string(), "post_time": row.post_time.to_string(),
        "revision": row.configuration_revision,
    })
}

/// Has the tickets rated again that draw on the same allowances of time as this work, which is new, or gone.
pub async fn spread_in(
    tx: &mut Tx,
    ctx: &Ctx,
    configuration: &Configuration,
    work: &[Worklog],
) -> Result<()> {
    let sold = entitlements::sold(tx, &ctx.tenant, &organizations(work)).await?;
    let Some((from, until)) = span(configuration, &sold, work) else { return Ok(()) };
    let others = worklogs::done_for_in(tx, &organizations(work), from, until).await?;
    let own: Vec<Id> = work.iter().map(|it| it.root_ticket_id).collect();
    let mut roots: Vec<Id> =
        others.iter().map(|it| it.root_ticket_id).filter(|it| !own.contains(it)).collect();
    roots.sort();
    roots.dedup();
    store::mark(tx, &roots, ctx.now).await
}

/// One tick: rates at most `limit` of the tickets that are marked.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let due = store::due(app.db.across(), limit as i64).await?;
    let found = due.len();
    let mut tally = Tally::default();
    for (tenant, tickets) in by_tenant(due) {
        tally.add(rate_all(app, &tenant, &tickets).await.map(|done| Report::of(done, found, limit)));
    }
    tally.finish()
}

/// Each in a transaction of its own: few bills change at once, and nobody waits for the others.
async fn rate_all(app: &App, tenant: &TenantId, tickets: &[Id]) -> Result<usize> {
    let ctx = Ctx::system(tenant.clone(), "rerate", app.clock.now());
    let mut done = 0;
    for id in tickets {
        let mut tx = app.db.begin(tenant).await?;
        // Whoever has the ticket locked is at it; the next tick comes back.
        match tickets::lock_free_in(&mut tx, &[*id]).await?.pop() {
            Some(ticket) => {
                let change = rerate_in(&mut tx, app, &ctx, Change::of(ticket), Without::Marked).await?;
                tickets::apply_in(&mut tx, &app.configurations, vec![change]).await?;
                done += 1;
            }
            None if tickets::came_in(&mut tx, *id).await?.is_none() => store::unmark(&mut tx, *id).await?,
            None => continue,
        }
        tx.commit().await?;
    }
    Ok(done)
}
