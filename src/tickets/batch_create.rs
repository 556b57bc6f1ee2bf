//! Recording up to 100 tickets in one transaction, all or none, in order.

use std::collections::HashMap;

use super::{
    Change, Create, OnConflict, Receipt, Ticket, again,
    create::{self, existing_in},
    read, restricted, store,
    write::apply_in,
};
use crate::{
    app::App,
    call::retrying,
    configuration::Configuration,
    ctx::Ctx,
    customers::{self, Customer},
    entitlements,
    error::{Result, Violations},
    idempotency,
    ids::Id,
    routing::dispatch,
};

/// What a batch answers.
#[derive(Clone, Debug)]
pub struct Batch {
    /// In the order of the requests.
    pub tickets: Vec<Ticket>,
    pub replayed: bool,
}

/// The rule. Every fault of every ticket is named at once, by the place of its request.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    creates: &[Create],
    identities: &[(Id, i64)],
) -> Result<Vec<Change>> {
    let mut faults = Violations::default();
    let mut keys = HashMap::new();
    let mut changes = Vec::with_capacity(creates.len());
    for (place, (create, (id, number))) in creates.iter().zip(identities).enumerate() {
        let path = format!("requests[{place}]");
        changes.extend(faults.absorb_at(&path, create::decide(ctx, configuration, create, *id, *number))?);
        if let Some(key) = &create.external_key
            && let Some(first) = keys.insert(key, place)
        {
            faults.add(format!("{path}.ticket.external_key"), format!("is that of requests[{first}] too"));
        }
    }
    faults.into_result()?;
    Ok(changes)
}

pub async fn batch_create(
    app: &App,
    ctx: &Ctx,
    mut creates: Vec<Create>,
    validate_only: bool,
) -> Result<Batch> {
    take_accounts(app, ctx, &mut creates).await?;
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let count = creates.len();
    let numbers = if validate_only { vec![0; count] } else { app.numbers.take(&ctx.tenant, count).await? };
    let identities: Vec<(Id, i64)> = numbers.into_iter().map(|number| (app.ids.next(), number)).collect();
    let changes = decide(ctx, &configuration, &creates, &identities)?;
    let changes = if entitlements::sells(&configuration) {
        entitlements::entitle(&mut *app.db.read(&ctx.tenant).await?, ctx, &configuration, changes).await?
    } else {
        changes
    };
    let done = retrying(|| attempt(app, ctx, &configuration, &creates, &changes, validate_only)).await?;
    if !validate_only {
        for ticket in &done.tickets {
            dispatch::wake(app, &configuration, ticket, false);
        }
    }
    Ok(done)
}

/// As [`create::take_account`] for all of them, in one statement.
async fn take_accounts(app: &App, ctx: &Ctx, creates: &mut [Create]) -> Result<()> {
    let asked: Vec<Customer> = creates.iter().map(|create| create.customer(ctx)).collect();
    let accounts = customers::accounts(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, &asked).await?;
    for (create, account) in creates.iter_mut().zip(accounts) {
        create.take(account);
    }
    Ok(())
}

async fn attempt(
    app: &App,
    ctx: &Ctx,
    configuration: &Configuration,
    creates: &[Create],
    changes: &[Change],
    validate_only: bool,
) -> Result<Batch> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    if let Some(receipts) = idempotency::recall::<Vec<Receipt>>(&mut tx, ctx).await? {
        drop(tx);
        return Ok(Batch { tickets: read::at_versions(app, ctx, &receipts).await?, replayed: true });
    }
    let mut existing = existing_in(&mut tx, ctx, creates).await?;
    let seen: Vec<Ticket> = existing.values().filter(|ticket| ticket.restricted).cloned().collect();
    let mut fresh = Vec::with_capacity(changes.len());
    let mut commented = Vec::new();
    let mut tickets = Vec::with_capacity(changes.len());
    for (create, change) in creates.iter().zip(changes) {
        match create.external_key.as_ref().and_then(|key| existing.remove(key)) {
            Some(ticket) if create.on_conflict == OnConflict::AddComment => {
                let id = app.ids.next();
                let added = again::add_in(&mut tx, ctx, configuration, ticket, &change.next, id).await?;
                tickets.push(added.next.clone());
                commented.push(added);
            }
            Some(ticket) => tickets.push(ticket),
            None => {
                tickets.push(change.next.clone());
                fresh.push(change.clone());
            }
        }
    }
    if validate_only {
        drop(tx);
    } else {
        store::insert(&mut tx, &fresh).await?;
        apply_in(&mut tx, &app.configurations, commented).await?;
        let receipts: Vec<Receipt> = tickets.iter().map(Receipt::of).collect();
        idempotency::keep(&mut tx, ctx, &receipts).await?;
        tx.commit().await?;
    }
    restricted::note(app, ctx, &seen).await?;
    Ok(Batch { tickets, replayed: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ctx::Role, tickets::fixture};

    fn decided(creates: &[Create]) -> Result<Vec<Change>> {
        let identities: Vec<(Id, i64)> =
            (0..creates.len()).map(|place| (fixture::id(place as u128), place as i64 + 1)).collect();
        decide(&fixture::ctx(Role::Agent), fixture::configuration(), creates, &identities)
    }

    #[test]
    fn every_fault_of_every_ticket_is_told_by_its_place() {
        let unknown = Create { category: "moon".to_owned(), ..fixture::create() };
        let mut doubly = Create {
            custom_fields: [("colour".to_owned(), crate::tickets::FieldValue::Int(1))].into(),
            ..fixture::create()
        };
        doubly.faults.add("ticket.title", "is required");
        assert_eq!(
            fixture::faults(decided(&[unknown, fixture::create(), doubly])),
            [
                "requests[0].ticket.category",
                "requests[2].ticket.title",
                "requests[2].ticket.custom_fields.colour"
            ]
        );
    }

    #[test]
    fn two_tickets_of_a_batch_cannot_bear_the_same_key() {
        let with = |id: &str| Create {
            external_key: Some(("monitoring".to_owned(), id.to_owned())),
            ..fixture::create()
        };
        assert!(decided(&[with("1"), with("2"), fixture::create(), fixture::create()]).is_ok());
        assert_eq!(
            fixture::faults(decided(&[with("1"), with("2"), with("1")])),
            ["requests[2].ticket.external_key"]
        );
    }

    #[test]
    fn tickets_keep_the_order_of_their_requests() {
        let titled = |title: &str| Create { title: title.to_owned(), ..fixture::create() };
        let changes = decided(&[titled("a"), titled("b"), titled("c")]).expect("recorded");
        let tickets: Vec<_> =
            changes.iter().map(|change| (change.next.title.as_str(), change.next.number)).collect();
        assert_eq!(tickets, [("a", 1), ("b", 2), ("c", 3)]);
    }
}
