//! The door to the log: what an entry says, and that it is there before anybody can know of what it tells. An act's entry
//! is in the transaction that acts; a read's is committed before the answer leaves. Whatever can be personal data of a
//! contact goes in under a pseudonym, or not at all.

use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Serialize;

use super::{
    model::{Entry, Person, digest},
    store,
};
use crate::{
    app::App,
    ctx::{ActorKind, Ctx},
    db::Tx,
    error::{Error, Result},
    ids::Id,
};

/// Bytes of a person's salt.
const SALT: usize = 16;

/// What is acted upon.
#[derive(Clone, Debug)]
pub enum Target<'a> {
    /// A resource, by its name.
    Named(String),
    /// A contact, by key.
    Contact(&'a str),
    /// A contact that goes, by the name of what stays.
    Erased(String),
}

/// For a target of which no digest is kept: a text could be guessed by it, and tickets have their timelines.
pub const UNSEEN: [Option<&()>; 2] = [None, None];

/// Leaves the entry of what a call does to a target: nothing before, if it is new, and nothing after, if it is gone or
/// speaks of people. A call that administers nothing leaves none.
pub async fn act_in<T: Serialize + Sync>(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    target: Target<'_>,
    [before, after]: [Option<&T>; 2],
) -> Result<()> {
    if !ctx.action.administers {
        return Ok(());
    }
    let mut entry = entry(app.ids.next(), ctx);
    let mut salt = Vec::new();
    entry.target = match target {
        Target::Named(name) => name,
        Target::Contact(key) => {
            let person = person_in(tx, key).await?;
            salt = person.salt;
            entry.request_id.clear();
            format!("tenants/{}/contacts/{}", ctx.tenant, person.pseudonym)
        }
        Target::Erased(name) => {
            entry.request_id.clear();
            name
        }
    };
    entry.before = before.map(|state| digested(&salt, state)).transpose()?;
    entry.after = after.map(|state| digested(&salt, state)).transpose()?;
    let entry = hidden_in(tx, entry).await?;
    store::insert(tx, &[entry]).await
}

/// Leaves the entries of a read of these restricted tickets, one for each.
pub async fn note_read(app: &App, ctx: &Ctx, tickets: &[Id]) -> Result<()> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let reader = hidden_in(&mut tx, entry(app.ids.next(), ctx)).await?;
    let of = |ticket: &Id| Entry {
        id: app.ids.next(),
        target: format!("tenants/{}/tickets/{ticket}", ctx.tenant),
        ..reader.clone()
    };
    let entries: Vec<Entry> = tickets.iter().map(of).collect();
    store::insert(&mut tx, &entries).await?;
    tx.commit().await
}

/// Forgets who a contact was: the entries stay, and stay sound.
pub async fn forget_in(tx: &mut Tx, key: &str) -> Result<()> {
    store::delete_person(tx, key).await
}

/// What a call says of itself.
fn entry(id: Id, ctx: &Ctx) -> Entry {
    Entry {
        tenant_id: ctx.tenant.clone(),
        id,
        position: None,
        time: ctx.recorded,
        actor_kind: ctx.actor.kind,
        actor_id: ctx.actor.id.clone(),
        action: ctx.action.method.to_string(),
        target: String::new(),
        request_id: ctx.call_id.to_string(),
        before: None,
        after: None,
        link: None,
    }
}

/// A customer who calls is a contact. The id of such a call is the customer's own making.
async fn hidden_in(tx: &mut Tx, entry: Entry) -> Result<Entry> {
    if entry.actor_kind != ActorKind::Customer {
        return Ok(entry);
    }
    let actor_id = person_in(tx, &entry.actor_id).await?.pseudonym;
    Ok(Entry { actor_id, request_id: String::new(), ..entry })
}

/// Under what name the log knows the contact; whoever comes first gives it.
async fn person_in(tx: &mut Tx, key: &str) -> Result<Person> {
    if let Some(person) = store::find_person(tx, key).await? {
        return Ok(person);
    }
    let mut salt = vec![0; SALT];
    SystemRandom::new().fill(&mut salt).map_err(|_| Error::internal("no randomness"))?;
    store::insert_person(tx, &Person::new(key, salt)).await?;
    // A twin may have been first.
    let found = store::find_person(tx, key).await?;
    found.ok_or_else(|| Error::internal("a person without a pseudonym"))
}

fn digested(salt: &[u8], state: &impl Serialize) -> Result<Vec<u8>> {
    Ok(digest(salt, &serde_json::to_vec(state).map_err(Error::internal)?))
}
