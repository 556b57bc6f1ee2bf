//! The recipe of every verb on one ticket: recall, lock, decide, apply, keep, commit.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Change, Held, Ticket,
    create::{Receipt, Written},
    read, restricted,
    room::{self, Before},
    store,
};
use crate::{
    agents,
    app::App,
    audit,
    call::retrying,
    configuration::{Configuration, Configurations},
    ctx::Ctx,
    db::Tx,
    entitlements,
    error::{Error, Result},
    events::{Event, EventType},
    feedback, idempotency,
    ids::Id,
    knowledge,
    routing::dispatch,
    sla,
};

/// Which ticket, as the caller saw it.
#[derive(Clone, Debug)]
pub struct Target {
    pub id: Id,
    /// The version that the caller saw; `None`: whatever it is now.
    pub version: Option<i64>,
    /// Run every check, change nothing.
    pub validate_only: bool,
    /// Goes to the timeline; stays in the house.
    pub note: String,
    /// A code for figures; goes out with the event.
    pub reason: String,
}

impl Target {
    /// The ticket as it is now, with nothing said.
    pub fn of(id: Id) -> Self {
        Self { id, version: None, validate_only: false, note: String::new(), reason: String::new() }
    }

    /// Puts what the caller said with the call on the event.
    pub fn tell(&self, event: &mut Event) {
        event.note.clone_from(&self.note);
        event.reason.clone_from(&self.reason);
    }
}

/// What a verb did, with what its answer holds beside the ticket.
#[derive(Clone, Debug)]
pub struct Done<E> {
    pub ticket: Ticket,
    pub replayed: bool,
    pub extra: E,
}

impl<E> From<Done<E>> for Written {
    fn from(done: Done<E>) -> Self {
        Self { ticket: done.ticket, replayed: done.replayed, existing: false }
    }
}

/// A receipt with what the answer holds beside the ticket.
#[derive(Serialize, Deserialize)]
struct Kept<E> {
    #[serde(flatten)]
    receipt: Receipt,
    extra: E,
}

/// A verb that needs more than the ticket and the configuration.
pub trait Act: Sync {
    /// What the answer holds beside the ticket.
    type Extra: Serialize + DeserializeOwned + Send + Sync;

    /// Called with the ticket locked: may read, lock and write in the transaction, and decides what happens to it, or to
    /// a new ticket that comes of it. A refusal and `validate_only` leave no trace.
    fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        ticket: Ticket,
    ) -> impl Future<Output = Result<(Change, Self::Extra)>> + Send;
}

/// A rule that needs nothing else.
struct Rule<F>(F);

impl<F: Fn(&Configuration, Ticket) -> Result<Change> + Sync> Act for Rule<F> {
    type Extra = ();

    async fn act(
        &self,
        _: &mut Tx,
        _: &Ctx,
        configuration: &Configuration,
        ticket: Ticket,
    ) -> Result<(Change, ())> {
        Ok(((self.0)(configuration, ticket)?, ()))
    }
}

/// Runs a verb whose rule needs nothing but the ticket and the configuration.
pub async fn write(
    app: &App,
    ctx: &Ctx,
    target: &Target,
    decide: impl Fn(&Configuration, Ticket) -> Result<Change> + Sync,
) -> Result<Written> {
    Ok(write_with(app, ctx, target, &Rule(decide)).await?.into())
}

/// Runs any verb on one ticket.
pub async fn write_with<A: Act>(app: &App, ctx: &Ctx, target: &Target, act: &A) -> Result<Done<A::Extra>> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    retrying(|| attempt(app, ctx, target, &configuration, act)).await
}

async fn attempt<A: Act>(
    app: &App,
    ctx: &Ctx,
    target: &Target,
    configuration: &Configuration,
    act: &A,
) -> Result<Done<A::Extra>> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    // The lock comes first: concurrent twins of one call stand in line, and the second finds the receipt.
    let locked = lock_in(&mut tx, ctx, target.id).await?;
    if let Some(Kept { receipt, extra }) = idempotency::recall::<Kept<A::Extra>>(&mut tx, ctx).await? {
        drop(tx);
        return Ok(Done { ticket: read::at_version(app, ctx, receipt).await?, replayed: true, extra });
    }
    check_version(target, &locked)?;
    let (before, version) = (Before::of(&locked), locked.version);
    let (change, extra) = act.act(&mut tx, ctx, configuration, locked).await?;
    let change = if change.is_new() {
        change
    } else {
        let kept = room::keep_in(&mut tx, ctx, configuration, vec![(before.clone(), change)]).await?;
        kept.into_iter().next().expect("one for one")
    };
    if target.validate_only {
        drop(tx);
        restricted::note(app, ctx, std::slice::from_ref(&change.next)).await?;
        // The version that would come is not there yet; as an etag it would vouch for another call's change.
        return Ok(Done { ticket: Ticket { version, ..change.next }, replayed: false, extra });
    }
    let change = if change.is_new() {
        let change = sla::begin(configuration, change);
        let change = entitlements::entitle(&mut tx, ctx, configuration, vec![change]).await?.remove(0);
        store::insert(&mut tx, [&change]).await?;
        change
    } else {
        let applied = apply_in(&mut tx, &app.configurations, vec![change]).await?;
        applied.into_iter().next().expect("one for one")
    };
    let receipt = Receipt { ticket: change.next.id, version: change.next.version };
    let kept = Kept { receipt, extra };
    audit::act_in(app, &mut tx, ctx, audit::Target::Named(change.next.name()), audit::UNSEEN).await?;
    idempotency::keep(&mut tx, ctx, &kept).await?;
    tx.commit().await?;
    let ticket = change.next;
    dispatch::wake(app, configuration, &ticket, before.frees(configuration, &ticket));
    Ok(Done { ticket, replayed: false, extra: kept.extra })
}

/// The ticket, locked until the transaction ends.
pub async fn lock_in(tx: &mut Tx, ctx: &Ctx, id: Id) -> Result<Ticket> {
    match store::lock(tx, id).await? {
        Some(ticket) if restricted::visible(tx, ctx, &ticket).await? => Ok(ticket),
        _ => Err(Error::not_found("ticket", format!("tenants/{}/tickets/{id}", ctx.tenant))),
    }
}

/// Those of the tickets that nobody else has locked, locked until the transaction ends: for jobs, which come back.
pub async fn lock_free_in(tx: &mut Tx, ids: &[Id]) -> Result<Vec<Ticket>> {
    store::lock_free(tx, ids).await
}

/// These tickets, locked until the transaction ends.
pub async fn lock_all_in(tx: &mut Tx, ids: &[Id]) -> Result<Vec<Ticket>> {
    store::lock_all(tx, ids).await
}

/// As [`lock_free_in`]: the first of them, at most `limit`.
pub async fn lock_first_in(tx: &mut Tx, ids: &[Id], limit: usize) -> Result<Vec<Ticket>> {
    store::lock_first(tx, ids, limit as i64).await
}

/// Refuses when the ticket changed since the caller saw it.
pub fn check_version(target: &Target, ticket: &Ticket) -> Result<()> {
    match target.version {
        Some(version) if version != ticket.version => {
            Err(Error::Stale { kind: "ticket", name: ticket.name() })
        }
        _ => Ok(()),
    }
}

/// Writes what happened to tickets that the transaction has locked, with what that means for their clocks, and remembers
/// who was given one. What is answered may have gone on from what was asked: a clock that was late is told of.
pub async fn apply_in(
    tx: &mut Tx,
    configurations: &Configurations,
    changes: Vec<Change>,
) -> Result<Vec<Change>> {
    let changes = sla::follow_in(tx, configurations, changes).await?;
    write_in(tx, &changes).await?;
    take_back_in(tx, configurations, &changes).await?;
    feedback::schedule_in(tx, configurations, &changes).await?;
    Ok(changes)
}

/// What solved a ticket that was opened again did not solve it.
async fn take_back_in(tx: &mut Tx, configurations: &Configurations, changes: &[Change]) -> Result<()> {
    let reopened = changes.iter().flat_map(|change| &change.events);
    let reopened: Vec<&Event> = reopened.filter(|event| event.kind == EventType::TicketReopened).collect();
    let Some(last) = reopened.iter().map(|event| event.occur_time).max() else { return Ok(()) };
    let tickets: Vec<Id> = reopened.iter().map(|event| event.ticket_id).collect();
    let configuration = configurations.get(tx.tenant()).await?;
    knowledge::reopened_in(tx, &configuration.document.knowledge, &tickets, last).await
}

/// As [`apply_in`], for changes that clocks have followed already.
pub async fn write_in(tx: &mut Tx, changes: &[Change]) -> Result<()> {
    store::apply(tx, changes).await?;
    let events = changes.iter().flat_map(|change| &change.events);
    let given: Vec<&Event> =
        events.filter(|event| event.kind == EventType::TicketAssigned && !event.imported).collect();
    let Some(last) = given.iter().map(|event| event.occur_time).max() else { return Ok(()) };
    let agents: Vec<String> = given.iter().map(|event| event.facts.assignee.clone()).collect();
    agents::note_assigned_in(tx, &agents, last).await
}

/// Keeps the receipt: this version of this ticket answers a repetition.
pub async fn keep_in(tx: &mut Tx, ctx: &Ctx, ticket: &Ticket) -> Result<()> {
    idempotency::keep(tx, ctx, &Receipt::of(ticket)).await
}

/// As [`read::held`]. What is decided by it must hold the locks of the agents (`agents::lock_in`).
pub async fn held_in(tx: &mut Tx, agents: &[String], organizations: &[String]) -> Result<Vec<Held>> {
    let tenant = tx.tenant().clone();
    store::count_held(&mut **tx, &tenant, agents, organizations).await
}
