//! Giving back what was billed: after a period is handed over, nothing of it changes, and a credit note says what is not to be
//! paid. It never gives back more than was billed.

use super::{
    model::{Account, Billable, CreditNote, name},
    store,
};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Error, Reason, Refusal, Result},
    events::EventType,
    ids::Id,
    tickets::{Act, Change, Done, Target, Ticket, write_with},
};

#[derive(Clone, Debug)]
pub struct Credit {
    /// The billable.
    pub position: i64,
    /// In the smallest unit of its currency.
    pub amount: i64,
    /// A code; goes out.
    pub reason: String,
    /// Stays in the house.
    pub note: String,
}

/// The rule. `credited` is what was given back of it before.
fn decide(
    ctx: &Ctx,
    ticket: Ticket,
    (account, billed, credited): (Account, &Billable, i64),
    credit: &Credit,
    id: Id,
) -> Result<(CreditNote, Change)> {
    let left = billed.amount - credited;
    if account.locked_until.is_none_or(|locked| billed.post_time >= locked) {
        let text = "the period was not handed over; take the work back instead";
        return Err(Refusal::new(Reason::BillableNotLocked, text).into());
    }
    if credit.amount > left {
        let text = format!("at most {left} of the currency's smallest unit are left to give back");
        return Err(Refusal::new(Reason::CreditTooHigh, text).with("left", left).into());
    }
    let change = Change::of(ticket).step(ctx, EventType::BillableCredited, |_, event| {
        event.note.clone_from(&credit.note);
        event.reason.clone_from(&credit.reason);
        event.details.insert("credit_note".into(), id.to_string().into());
        event.details.insert("position".into(), billed.position.into());
        event.details.insert("amount".into(), credit.amount.into());
        event.details.insert("currency".into(), billed.currency.clone().into());
    });
    let note = CreditNote {
        tenant_id: ctx.tenant.clone(),
        id,
        position: billed.position,
        ticket_id: billed.ticket_id,
        version: change.next.version,
        organization: billed.organization.clone(),
        amount: credit.amount,
        currency: billed.currency.clone(),
        reason: credit.reason.clone(),
        author_kind: ctx.actor.kind,
        author_id: ctx.actor.id.clone(),
        create_time: ctx.now,
    };
    Ok((note, change))
}

struct Crediting<'a> {
    credit: &'a Credit,
    billed: &'a Billable,
    id: Id,
}

impl Act for Crediting<'_> {
    type Extra = Id;

    async fn act(&self, tx: &mut Tx, ctx: &Ctx, _: &Configuration, ticket: Ticket) -> Result<(Change, Id)> {
        let account = store::account(tx, &ctx.tenant).await?;
        // The ticket's lock keeps others away from what was billed for it.
        let credited = store::credited(tx, self.billed.position).await?;
        let (note, change) = decide(ctx, ticket, (account, self.billed, credited), self.credit, self.id)?;
        store::insert_note(tx, &note).await?;
        Ok((change, note.id))
    }
}

/// The note, and what became of the ticket.
pub async fn credit(app: &App, ctx: &Ctx, credit: &Credit) -> Result<(CreditNote, Done<Id>)> {
    let missing = || Error::not_found("billable", name(&ctx.tenant, credit.position));
    let found = store::find(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, credit.position).await?;
    let billed = found.ok_or_else(missing)?;
    let target = Target::of(billed.ticket_id);
    let crediting = Crediting { credit, billed: &billed, id: app.ids.next() };
    // The ticket of it may be gone, or not for this caller.
    let done = write_with(app, ctx, &target, &crediting).await.map_err(|error| match error {
        Error::NotFound { .. } => missing(),
        other => other,
    })?;
    let note = store::find_note(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, done.extra).await?;
    Ok((note.ok_or_else(|| Error::internal("a credit note without its row"))?, done))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        billing::model::Consented,
        ctx::Role,
        tickets::{
            State,
            fixture::{self, outcome},
        },
        time::Time,
    };

    #[test]
    fn what_was_billed_is_given_back_once() {
        let ctx = fixture::ctx(Role::Admin);
        let ticket = fixture::ticket(State::Closed);
        let billed = Billable {
            tenant_id: ctx.tenant.clone(),
            position: 3,
            ticket_id: ticket.id,
            version: 2,
            organization: "orion".into(),
            tariff: "standard".into(),
            grouping_key: "ticket".into(),
            rate: "day".into(),
            sequence: 1,
            units: 2,
            amount: 5000,
            price: 2500,
            currency: "EUR".into(),
            consent: Consented::NotNeeded,
            work_time: fixture::start(),
            post_time: fixture::start(),
            record_time: fixture::start(),
            configuration_revision: 7,
        };
        let decided = |locked: Option<Time>, credited, amount| {
            let account = Account { last_position: 9, locked_until: locked };
            let credit = Credit { position: 3, amount, reason: "goodwill".into(), note: "why".into() };
            let id = fixture::id(9);
            outcome(&decide(&ctx, ticket.clone(), (account, &billed, credited), &credit, id).map(|it| it.1))
        };
        let locked = Some(fixture::start().after(std::time::Duration::from_secs(1)));
        assert_eq!(decided(None, 0, 1), "BILLABLE_NOT_LOCKED");
        assert_eq!(decided(Some(fixture::start()), 0, 1), "BILLABLE_NOT_LOCKED", "the end is not within");
        assert_eq!(decided(locked, 0, 5000), "billable.credited");
        assert_eq!(decided(locked, 1, 5000), "CREDIT_TOO_HIGH");
        assert_eq!(decided(locked, 4999, 1), "billable.credited");
    }
}
