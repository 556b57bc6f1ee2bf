//! One effect for one request_id: the receipt of a write is kept in the transaction that wrote. A repetition finds the
//! receipt; a concurrent twin loses the race for the key, rolls back, runs again and finds it too.

use std::{collections::HashMap, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    app::App,
    ctx::{ActorKind, Ctx},
    db::Tx,
    error::{Error, Reason, Refusal, Result},
    jobs::Report,
    time::Time,
};

/// How long a receipt is kept: twice what is promised, so that no clock's error breaks the promise.
const KEPT: Duration = Duration::from_hours(48);

/// The receipt of an earlier call with the same request_id; refuses another request under the same id.
pub async fn recall<R: DeserializeOwned>(tx: &mut Tx, ctx: &Ctx) -> Result<Option<R>> {
    recall_all(tx, &[ctx]).await?.pop().expect("one answer for one call")
}

/// As [`recall`], for calls that are written together; each has an answer of its own.
pub async fn recall_all<R: DeserializeOwned>(tx: &mut Tx, calls: &[&Ctx]) -> Result<Vec<Result<Option<R>>>> {
    let keyed: Vec<_> = calls.iter().filter_map(|ctx| ctx.request.as_ref().map(|key| (*ctx, key))).collect();
    let mut found = HashMap::new();
    if !keyed.is_empty() {
        let principals: Vec<String> = keyed.iter().map(|(ctx, _)| principal(ctx)).collect();
        let methods: Vec<String> = keyed.iter().map(|(_, key)| key.method.to_owned()).collect();
        let ids: Vec<String> = keyed.iter().map(|(_, key)| key.request_id.clone()).collect();
        let tenant = tx.tenant().clone();
        let rows = sqlx::query!(
            // Key by key: whatever the planner thinks of the table, a batch costs as much as its keys.
            "select r.principal, r.method, r.request_id, r.fingerprint, r.receipt
             from unnest($2::text[], $3::text[], $4::text[]) k (principal, method, request_id) cross join lateral (
                 select * from idempotency
                 where tenant_id = $1 and principal = k.principal and method = k.method and request_id = k.request_id
                 limit 1) r",
            tenant.as_str(),
            &principals,
            &methods,
            &ids,
        )
        .fetch_all(&mut **tx)
        .await?;
        for row in rows {
            found.insert((row.principal, row.method, row.request_id), (row.fingerprint, row.receipt));
        }
    }
    let answers = calls.iter().map(|ctx| {
        let Some(key) = &ctx.request else { return Ok(None) };
        match found.get(&(principal(ctx), key.method.to_owned(), key.request_id.clone())) {
            None => Ok(None),
            Some((fingerprint, receipt)) if *fingerprint == key.fingerprint => {
                R::deserialize(receipt).map(Some).map_err(Error::internal)
            }
            Some(_) => Err(Refusal::new(
                Reason::RequestIdReused,
                "this request_id came with another request before; use a new one for a new request",
            )
            .into()),
        }
    });
    Ok(answers.collect())
}

/// Keeps the receipt of this call.
pub async fn keep<R: Serialize + Sync>(tx: &mut Tx, ctx: &Ctx, receipt: &R) -> Result<()> {
    keep_all(tx, &[(ctx, receipt)]).await
}

/// Keeps the receipts of calls that are written together.
pub async fn keep_all<R: Serialize + Sync>(tx: &mut Tx, calls: &[(&Ctx, &R)]) -> Result<()> {
    let keyed: Vec<_> =
        calls.iter().filter_map(|(ctx, r)| ctx.request.as_ref().map(|key| (*ctx, key, *r))).collect();
    if keyed.is_empty() {
        return Ok(());
    }
    let principals: Vec<String> = keyed.iter().map(|(ctx, ..)| principal(ctx)).collect();
    let methods: Vec<String> = keyed.iter().map(|(_, key, _)| key.method.to_owned()).collect();
    let ids: Vec<String> = keyed.iter().map(|(_, key, _)| key.request_id.clone()).collect();
    let fingerprints: Vec<Vec<u8>> = keyed.iter().map(|(_, key, _)| key.fingerprint.clone()).collect();
    let receipts = keyed
        .iter()
        .map(|(.., r)| serde_json::to_value(r))
        .collect::<Result<Vec<_>, _>>()
        .map_err(Error::internal)?;
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "insert into idempotency (tenant_id, principal, method, request_id, fingerprint, receipt, create_time)
         select $1, p, m, r, f, j, $7
         from unnest($2::text[], $3::text[], $4::text[], $5::bytea[], $6::jsonb[]) as k (p, m, r, f, j)",
        tenant.as_str(),
        &principals,
        &methods,
        &ids,
        &fingerprints,
        &receipts,
        keyed[0].0.recorded as _,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A call under a request_id, as the event that it led to knows it.
#[derive(Clone, Debug)]
pub struct Known {
    pub kind: ActorKind,
    pub id: String,
    pub request_id: String,
}

/// Writes these fields over those beside the receipts of calls; says how many there were. What was answered stays
/// answered.
pub async fn overwrite(tx: &mut Tx, methods: &[&str], calls: &[Known], fields: &Value) -> Result<u64> {
    let principals: Vec<String> = calls.iter().map(|call| named(call.kind, &call.id)).collect();
    let ids: Vec<String> = calls.iter().map(|call| call.request_id.clone()).collect();
    let tenant = tx.tenant().clone();
    let done = sqlx::query!(
        "update idempotency r set receipt = jsonb_set(r.receipt, '{extra}', (r.receipt -> 'extra') || $5)
         from (select distinct * from unnest($3::text[], $4::text[])) k (principal, request_id)
         where r.tenant_id = $1 and r.principal = k.principal and r.method = any($2) and r.request_id = k.request_id
           and r.receipt -> 'extra' ?& array(select jsonb_object_keys($5))",
        tenant.as_str(),
        methods as &[&str],
        &principals,
        &ids,
        fields,
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Forgets what a caller did; says how many receipts there were.
pub async fn forget(tx: &mut Tx, kind: ActorKind, id: &str) -> Result<u64> {
    let tenant = tx.tenant().clone();
    let gone = sqlx::query!(
        "delete from idempotency where tenant_id = $1 and principal = $2",
        tenant.as_str(),
        named(kind, id),
    )
    .execute(&mut **tx)
    .await?;
    Ok(gone.rows_affected())
}

/// Two callers may use the same request_id without meeting.
fn principal(ctx: &Ctx) -> String {
    named(ctx.actor.kind, &ctx.actor.id)
}

fn named(kind: ActorKind, id: &str) -> String {
    format!("{kind:?}:{id}")
}

/// One tick of the job that forgets: at most `limit` receipts that are old enough, the oldest first. Looks across tenants.
pub async fn purge(app: &App, limit: usize) -> Result<Report> {
    let gone = sqlx::query!(
        "delete from idempotency
         where (tenant_id, principal, method, request_id) in (
             select tenant_id, principal, method, request_id from idempotency
             where create_time < $1 order by create_time limit $2 for update skip locked)",
        app.clock.now().before(KEPT) as Time,
        limit as i64,
    )
    .execute(app.db.across())
    .await?;
    let done = gone.rows_affected() as usize;
    Ok(Report::of(done, done, limit))
}
