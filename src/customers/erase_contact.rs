//! Erasing a person: the record, and whatever the tickets that were asked in the person's name say. It goes batch by batch,
//! each whole in a transaction of its own, and nobody has to begin again: a row says under which name the person is being
//! erased, and whoever calls after a call that died goes on. The key stands in that row until all is done.

use std::collections::BTreeMap;

use sqlx::types::Json;

use super::{Contact, Erasure, store, store_erasures};
use crate::{
    app::App,
    audit::{self, Target, UNSEEN},
    call::retrying,
    ctx::{ActorKind, Ctx},
    db::Tx,
    error::{Error, Result},
    idempotency,
    ids::Id,
    tickets::{self, ERASED, Person, Tally, Whom},
};

/// Tickets in one transaction: few enough that nobody who works on one of them waits for long.
const BATCH: i64 = 50;

#[derive(Clone, Debug)]
pub struct Erase {
    /// The contact's, recorded or not.
    pub key: String,
    /// The version that the caller saw; `None`: whatever it is now.
    pub version: Option<i64>,
}

/// The rule: what stays of the record.
fn decide(ctx: &Ctx, known: &Contact, alias: &str) -> Contact {
    Contact {
        tenant_id: known.tenant_id.clone(),
        key: alias.to_owned(),
        version: known.version + 1,
        display_name: ERASED.to_owned(),
        organization: String::new(),
        email: String::new(),
        phone: String::new(),
        language_code: String::new(),
        annotations: Json(BTreeMap::new()),
        create_time: known.create_time,
        update_time: ctx.now,
    }
}

/// What was done, and whether an earlier call with this request_id did it.
pub async fn erase_contact(app: &App, ctx: &Ctx, erase: &Erase) -> Result<(Erasure, bool)> {
    let (erasure, replayed) = retrying(|| begin(app, ctx, erase)).await?;
    if replayed {
        return Ok((erasure, true));
    }
    let person = Person { key: erase.key.clone(), alias: erasure.alias() };
    loop {
        while retrying(|| go_on(app, ctx, erasure.id, &person)).await? {}
        if let Some(done) = retrying(|| finish(app, ctx, erasure.id, &person)).await? {
            return Ok(done);
        }
    }
}

/// The erasure that is open, or a new one.
async fn begin(app: &App, ctx: &Ctx, erase: &Erase) -> Result<(Erasure, bool)> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let known = store::lock_contact(&mut tx, &erase.key).await?;
    if let Some(id) = idempotency::recall::<Id>(&mut tx, ctx).await? {
        return Ok((lock(&mut tx, id).await?, true));
    }
    let name = || format!("tenants/{}/contacts/{}", ctx.tenant, erase.key);
    let version = known.as_ref().map_or(0, |known| known.version);
    if erase.version.is_some_and(|seen| seen != version) {
        return Err(Error::Stale { kind: "contact", name: name() });
    }
    if let Some(open) = store_erasures::find_open(&mut tx, &erase.key).await? {
        return Ok((open, false));
    }
    if known.is_none() && tickets::asked_by_in(&mut tx, &erase.key, 1).await?.is_empty() {
        return Err(Error::not_found("contact", name()));
    }
    let erasure = Erasure::begun(ctx, app.ids.next(), &erase.key);
    store_erasures::insert(&mut tx, &erasure).await?;
    let stays = Target::Erased(format!("tenants/{}/contacts/{}", ctx.tenant, erasure.alias()));
    audit::act_in(app, &mut tx, ctx, stays, UNSEEN).await?;
    tx.commit().await?;
    Ok((erasure, false))
}

async fn lock(tx: &mut Tx, id: Id) -> Result<Erasure> {
    let found = store_erasures::lock(tx, id).await?;
    found.ok_or_else(|| Error::internal("an erasure without its row"))
}

/// The next tickets; says whether there were any.
async fn go_on(app: &App, ctx: &Ctx, erasure: Id, person: &Person) -> Result<bool> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let ids = tickets::asked_by_in(&mut tx, &person.key, BATCH).await?;
    if ids.is_empty() {
        return Ok(false);
    }
    let tally = tickets::erase_in(app, &mut tx, ctx, &configuration, person, &ids).await?;
    store_erasures::add(&mut tx, erasure, &tally).await?;
    tx.commit().await?;
    Ok(true)
}

/// The record and the end of it; nothing when a ticket came in meanwhile.
async fn finish(app: &App, ctx: &Ctx, erasure: Id, person: &Person) -> Result<Option<(Erasure, bool)>> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let known = store::lock_contact(&mut tx, &person.key).await?;
    let open = lock(&mut tx, erasure).await?;
    // A twin of this call may have come to the end before.
    let replayed = idempotency::recall::<Id>(&mut tx, ctx).await?.is_some();
    if open.complete_time.is_none() {
        if !tickets::asked_by_in(&mut tx, &person.key, 1).await?.is_empty() {
            return Ok(None);
        }
        if let Some(known) = known {
            store::replace_contact(&mut tx, &known.key, &decide(ctx, &known, &person.alias)).await?;
        }
        audit::forget_in(&mut tx, &person.key).await?;
        let receipts = idempotency::forget(&mut tx, ActorKind::Customer, &person.key).await?;
        store_erasures::add(&mut tx, erasure, &Tally { receipts, ..Tally::default() }).await?;
        store_erasures::complete(&mut tx, erasure, ctx.now).await?;
    }
    if !replayed {
        idempotency::keep(&mut tx, ctx, &erasure).await?;
    }
    let done = lock(&mut tx, erasure).await?;
    tx.commit().await?;
    app.names.forget(&ctx.tenant, Whom::Contact, &person.key);
    Ok(Some((done, replayed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::TenantId, time::Time};

    #[test]
    fn of_a_record_stay_its_times_alone() {
        let tenant = TenantId::parse("acme").expect("a tenant");
        let early: Time = "2026-01-01T00:00:00Z".parse().expect("a time");
        let ctx = Ctx::system(tenant.clone(), "test", "2026-02-01T00:00:00Z".parse().expect("a time"));
        let known = Contact {
            tenant_id: tenant,
            key: "secret".into(),
            version: 3,
            display_name: "secret".into(),
            organization: "secret".into(),
            email: "secret".into(),
            phone: "secret".into(),
            language_code: "secret".into(),
            annotations: Json([("secret".to_owned(), "secret".to_owned())].into()),
            create_time: early,
            update_time: early,
        };
        let stays = decide(&ctx, &known, "erased-1");
        assert!(!format!("{stays:?}").contains("secret"));
        assert_eq!((stays.key.as_str(), stays.display_name.as_str()), ("erased-1", ERASED));
        assert_eq!((stays.version, stays.create_time, stays.update_time), (4, early, ctx.now));
    }
}
