//! Creates, gets and what creates ask first: those in flight together share their round trips and, for creates, the
//! commit (`db/batch.rs`).

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use tokio_util::task::TaskTracker;

use super::{
    Change, Shown, again,
    create::{OnConflict, Receipt, Written},
    names::Names,
    read, restricted, store,
};
use crate::{
    app::App,
    call::retrying,
    ctx::Ctx,
    customers::{self, Account, Customer},
    db::{Batcher, Db},
    entitlements::{self, Entitlement},
    error::{Error, Result},
    idempotency,
    ids::{Id, TenantId},
};

/// Creates of one tenant are written in so many transactions at once: enough to keep PostgreSQL busy while one of them waits
/// for the disk, and few enough to share what there is to share.
const CREATE_LANES: usize = 4;
/// Creates that one transaction writes at most.
const MAX_CREATES: usize = 64;
/// Gets that one statement answers at most.
const MAX_GETS: usize = 128;

/// A decided ticket that waits to be written.
#[derive(Clone, Debug)]
pub struct Draft {
    pub ctx: Ctx,
    pub change: Change,
    /// Whether it bears an external key.
    pub external: bool,
}

impl Draft {
    /// Drafts that could stand in each other's way have the same: those under one external key, or one request_id.
    fn lane(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.ctx.tenant.hash(&mut hasher);
        match (external_key(self), &self.ctx.request) {
            (Some(key), _) => key.hash(&mut hasher),
            (None, Some(request)) => request.request_id.hash(&mut hasher),
            (None, None) => self.change.next.id.hash(&mut hasher),
        }
        hasher.finish()
    }
}

/// For whom a ticket is, and what was sold to them.
#[derive(Clone, Debug, Default)]
pub struct Party {
    pub account: Account,
    /// Of the organization, if it was asked for.
    pub sold: Vec<Entitlement>,
}

/// Whom a create asks about, and whether for what was sold.
type Asked = (Customer, bool);

/// What became of a draft.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Written,
    Replayed(Receipt),
    Existing(Id),
}

/// The lines in which creates and gets queue up.
#[derive(Debug)]
pub struct Lines {
    creates: Batcher<Draft, Outcome>,
    gets: Batcher<(TenantId, Id), Option<Arc<Shown>>>,
    parties: Batcher<(TenantId, Asked), Party>,
}

impl Lines {
    pub fn start(tasks: &TaskTracker, db: &Db, names: &Arc<Names>) -> Self {
        let (writer, reader, asker) = (db.clone(), db.clone(), db.clone());
        let names = Arc::clone(names);
        Self {
            creates: Batcher::start(tasks, CREATE_LANES, MAX_CREATES, move |drafts| {
                create_all(writer.clone(), drafts)
            }),
            gets: Batcher::start(tasks, 2, MAX_GETS, move |wanted| {
                get_all(reader.clone(), Arc::clone(&names), wanted)
            }),
            parties: Batcher::start(tasks, 2, MAX_GETS, move |asked| parties(asker.clone(), asked)),
        }
    }

    /// Writes a draft.
    pub async fn create(&self, app: &App, draft: Draft, on_conflict: OnConflict) -> Result<Written> {
        let lane = draft.lane();
        let ticket = draft.change.next.clone();
        let ctx = draft.ctx.clone();
        let outcome = self.creates.submit(lane, draft).await?;
        match outcome {
            Outcome::Written => Ok(Written { ticket, replayed: false, existing: false }),
            Outcome::Replayed(receipt) => Ok(Written {
                ticket: read::at_version(app, &ctx, receipt).await?,
                replayed: true,
                // What it created was at its first version; what it found has the comment that it added.
                existing: receipt.version > 1,
            }),
            Outcome::Existing(id) => {
                let found = read::find(app, &ctx.tenant, id).await?;
                if on_conflict == OnConflict::Fail || !read::may_see(app, &ctx, &found).await? {
                    return Err(Error::AlreadyExists { kind: "ticket", name: found.name() });
                }
                if on_conflict == OnConflict::AddComment {
                    return Box::pin(again::add(app, &ctx, id, &ticket)).await;
                }
                restricted::note(app, &ctx, std::slice::from_ref(&*found)).await?;
                Ok(Written { ticket: found.ticket.clone(), replayed: false, existing: true })
            }
        }
    }

    /// A ticket by id, with the names on it.
    pub async fn get(&self, tenant: TenantId, id: Id) -> Result<Option<Arc<Shown>>> {
        let lane = u64::from(id.0.as_bytes()[15]);
        self.gets.submit(lane, (tenant, id)).await
    }

    /// The account of a customer, and what was sold to it if `sells`.
    pub async fn party(&self, tenant: TenantId, customer: Customer, sells: bool) -> Result<Party> {
        let lane = tenant.bucket() as u64;
        self.parties.submit(lane, (tenant, (customer, sells))).await
    }
}

/// Writes the drafts of each tenant together; if that fails, each alone, so that one cannot spoil the others.
async fn create_all(db: Db, drafts: Vec<Draft>) -> Vec<Result<Outcome>> {
    let mut answers: Vec<Option<Result<Outcome>>> = drafts.iter().map(|_| None).collect();
    let mut tenants: HashMap<&TenantId, Vec<usize>> = HashMap::new();
    for (place, draft) in drafts.iter().enumerate() {
        tenants.entry(&draft.ctx.tenant).or_default().push(place);
    }
    for places in tenants.into_values() {
        let together: Vec<&Draft> = places.iter().map(|place| &drafts[*place]).collect();
        if let Ok(outcomes) = write(&db, &together).await {
            for (place, outcome) in places.into_iter().zip(outcomes) {
                answers[place] = Some(outcome);
            }
        } else {
            for place in places {
                let alone = [&drafts[place]];
                let written = retrying(|| write(&db, &alone)).await;
                answers[place] = Some(written.and_then(|mut outcomes| outcomes.remove(0)));
            }
        }
    }
    answers.into_iter().map(|answer| answer.expect("every draft belongs to a tenant")).collect()
}

/// One transaction for the drafts of one tenant.
async fn write(db: &Db, drafts: &[&Draft]) -> Result<Vec<Result<Outcome>>> {
    let mut tx = db.begin(&drafts[0].ctx.tenant).await?;
    let ctxs: Vec<&Ctx> = drafts.iter().map(|draft| &draft.ctx).collect();
    let recalled = idempotency::recall_all::<Receipt>(&mut tx, &ctxs).await?;
    let keys: Vec<(String, String)> = drafts.iter().filter_map(|draft| external_key(draft)).collect();
    let taken: HashMap<(String, String), Id> = if keys.is_empty() {
        HashMap::new()
    } else {
        let found = store::find_by_external_keys(&mut tx, &keys).await?;
        found.into_iter().map(|(source, external, id)| ((source, external), id)).collect()
    };
    let outcomes: Vec<Result<Outcome>> = recalled
        .into_iter()
        .zip(drafts)
        .map(|(recalled, draft)| {
            Ok(match recalled? {
                Some(receipt) => Outcome::Replayed(receipt),
                None => match external_key(draft).and_then(|key| taken.get(&key)) {
                    Some(id) => Outcome::Existing(*id),
                    None => Outcome::Written,
                },
            })
        })
        .collect();
    let fresh: Vec<&Draft> = drafts
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| matches!(outcome, Ok(Outcome::Written)))
        .map(|(draft, _)| *draft)
        .collect();
    if !fresh.is_empty() {
        store::insert(&mut tx, fresh.iter().map(|draft| &draft.change)).await?;
        let receipts: Vec<Receipt> = fresh.iter().map(|draft| Receipt::of(&draft.change.next)).collect();
        let calls: Vec<(&Ctx, &Receipt)> = fresh.iter().map(|draft| &draft.ctx).zip(&receipts).collect();
        idempotency::keep_all(&mut tx, &calls).await?;
        tx.commit().await?;
    }
    Ok(outcomes)
}

fn external_key(draft: &Draft) -> Option<(String, String)> {
    let ticket = &draft.change.next;
    if draft.external { ticket.external_source.clone().zip(ticket.external_id.clone()) } else { None }
}

/// Answers for the customers of each tenant together.
async fn parties(db: Db, asked: Vec<(TenantId, Asked)>) -> Vec<Result<Party>> {
    let mut tenants: HashMap<&TenantId, Vec<usize>> = HashMap::new();
    for (place, (tenant, _)) in asked.iter().enumerate() {
        tenants.entry(tenant).or_default().push(place);
    }
    let mut answers = vec![Party::default(); asked.len()];
    for (tenant, places) in tenants {
        let asked_of: Vec<&Asked> = places.iter().map(|place| &asked[*place].1).collect();
        match parties_of(&db, tenant, &asked_of).await {
            Ok(parties) => {
                for (place, party) in places.into_iter().zip(parties) {
                    answers[place] = party;
                }
            }
            Err(error) => {
                tracing::warn!(error = crate::error::chain(&error), "reading customers failed");
                return asked.iter().map(|_| Err(Error::database_down())).collect();
            }
        }
    }
    answers.into_iter().map(Ok).collect()
}

async fn parties_of(db: &Db, tenant: &TenantId, asked: &[&Asked]) -> Result<Vec<Party>> {
    let customers: Vec<Customer> = asked.iter().map(|(customer, _)| customer.clone()).collect();
    let mut tx = db.read(tenant).await?;
    let accounts = customers::accounts(&mut *tx, tenant, &customers).await?;
    let mut organizations: Vec<String> = accounts
        .iter()
        .zip(asked)
        .filter(|(account, (_, sells))| *sells && !account.organization.is_empty())
        .map(|(account, _)| account.organization.clone())
        .collect();
    organizations.sort_unstable();
    organizations.dedup();
    let sold = entitlements::sold(&mut tx, tenant, &organizations).await?;
    tx.keep();
    let party = |account: Account| Party {
        sold: sold.get(&account.organization).cloned().unwrap_or_default(),
        account,
    };
    Ok(accounts.into_iter().map(party).collect())
}

/// Answers the gets of each tenant by one statement, and one for the names on the tickets.
async fn get_all(db: Db, names: Arc<Names>, wanted: Vec<(TenantId, Id)>) -> Vec<Result<Option<Arc<Shown>>>> {
    let mut tenants: HashMap<&TenantId, Vec<Id>> = HashMap::new();
    for (tenant, id) in &wanted {
        tenants.entry(tenant).or_default().push(*id);
    }
    let mut found: HashMap<(&TenantId, Id), Arc<Shown>> = HashMap::new();
    for (tenant, ids) in tenants {
        match find_shown(&db, &names, tenant, &ids).await {
            Ok(tickets) => {
                found.extend(tickets.into_iter().map(|ticket| ((tenant, ticket.id), Arc::new(ticket))));
            }
            Err(error) => {
                tracing::warn!(error = crate::error::chain(&error), "reading tickets failed");
                return wanted.iter().map(|_| Err(Error::database_down())).collect();
            }
        }
    }
    wanted.iter().map(|(tenant, id)| Ok(found.get(&(tenant, *id)).cloned())).collect()
}

async fn find_shown(db: &Db, names: &Names, tenant: &TenantId, ids: &[Id]) -> Result<Vec<Shown>> {
    let mut tx = db.read(tenant).await?;
    let tickets = store::find_all(&mut *tx, tenant, ids).await?;
    let shown = names.put_on(&mut tx, tenant, tickets).await?;
    tx.keep();
    Ok(shown)
}
