//! The only SQL that names `subscriptions` and `deliveries`.

use sqlx::{PgConnection, PgExecutor, PgPool, QueryBuilder};

use super::model::{Attempt, Delivery, DeliveryState, Key, State, Subscription, Wanted, Why};
use crate::{
    db::Tx,
    error::Result,
    events::Notice,
    filter::{Expr, Scope},
    ids::{Id, TenantId},
    tickets::Json,
    time::Time,
};

pub async fn find(db: impl PgExecutor<'_>, tenant: &TenantId, id: Id) -> Result<Option<Subscription>> {
    let found = sqlx::query_as!(
        Subscription,
        "select * from subscriptions where tenant_id = $1 and id = $2",
        tenant.as_str(),
        id as Id,
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

pub async fn find_in(tx: &mut Tx, id: Id) -> Result<Option<Subscription>> {
    let tenant = tx.tenant().clone();
    find(&mut **tx, &tenant, id).await
}

/// The subscription, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, id: Id) -> Result<Option<Subscription>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Subscription,
        "select * from subscriptions where tenant_id = $1 and id = $2 for update",
        tenant.as_str(),
        id as Id,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found)
}

/// As [`lock`], but nothing when somebody else has it.
pub async fn lock_free(tx: &mut Tx, id: Id) -> Result<Option<Subscription>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Subscription,
        "select * from subscriptions where tenant_id = $1 and id = $2 for update skip locked",
        tenant.as_str(),
        id as Id,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found)
}

/// Behind an id, by id.
pub async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    after: Option<Id>,
    limit: i64,
) -> Result<Vec<Subscription>> {
    let found = sqlx::query_as!(
        Subscription,
        "select * from subscriptions where tenant_id = $1 and ($2::uuid is null or id > $2) order by id limit $3",
        tenant.as_str(),
        after as Option<Id>,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// Every subscription that is served, with its place in the stream. Looks across tenants.
pub async fn active(pool: &PgPool) -> Result<Vec<(TenantId, Id, i64)>> {
    let active = sqlx::query!("select tenant_id, id, position from subscriptions where state = 'ACTIVE'")
        .fetch_all(pool)
        .await?;
    Ok(active.into_iter().map(|it| (it.tenant_id, it.id, it.position)).collect())
}

/// Writes a subscription that the transaction has locked, or a new one.
pub async fn put(tx: &mut Tx, subscription: &Subscription) -> Result<()> {
    sqlx::query!(
        "insert into subscriptions (tenant_id, id, version, display_name, url, wanted, state, disable_reason, keys,
             position, last_success_time, last_failure_time, failing_since_time, consecutive_failures, create_time,
             update_time)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
         on conflict (tenant_id, id) do update set
             version = excluded.version, display_name = excluded.display_name, url = excluded.url,
             wanted = excluded.wanted, state = excluded.state, disable_reason = excluded.disable_reason,
             keys = excluded.keys, position = excluded.position, last_success_time = excluded.last_success_time,
             last_failure_time = excluded.last_failure_time, failing_since_time = excluded.failing_since_time,
             consecutive_failures = excluded.consecutive_failures, update_time = excluded.update_time",
        subscription.tenant_id.as_str(),
        subscription.id as Id,
        subscription.version,
        subscription.display_name,
        subscription.url,
        &subscription.wanted as &Json<Wanted>,
        subscription.state as State,
        subscription.disable_reason as Option<Why>,
        &subscription.keys as &Json<Vec<Key>>,
        subscription.position,
        subscription.last_success_time as Option<Time>,
        subscription.last_failure_time as Option<Time>,
        subscription.failing_since_time as Option<Time>,
        subscription.consecutive_failures,
        subscription.create_time as Time,
        subscription.update_time as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// With its deliveries.
pub async fn delete(tx: &mut Tx, id: Id) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!("delete from subscriptions where tenant_id = $1 and id = $2", tenant.as_str(), id as Id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What waits for a subscriber.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// At most 1,000.
    pub count: i64,
    pub oldest_time: Option<Time>,
}

/// What waits for each of these subscribers, in their order.
pub async fn backlogs(db: &mut PgConnection, tenant: &TenantId, ids: &[Id]) -> Result<Vec<Backlog>> {
    let found = sqlx::query_as!(
        Backlog,
        r#"select backlog.count as "count!", backlog.oldest_time
           from unnest($2::uuid[]) with ordinality s (id, place) cross join lateral (
               select count(*) as count, min(create_time) as oldest_time from (
                   select create_time from deliveries
                   where tenant_id = $1 and subscription_id = s.id and state = 'PENDING' order by create_time limit 1000
               ) waiting
           ) backlog
           order by s.place"#,
        tenant.as_str(),
        ids as &[Id],
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// Every subscription of the tenant, locked until the transaction ends: nothing is added to their deliveries meanwhile.
pub async fn lock_all(tx: &mut Tx) -> Result<Vec<Id>> {
    let tenant = tx.tenant().clone();
    let ids = sqlx::query_scalar!(
        r#"select id as "id: Id" from subscriptions where tenant_id = $1 order by id for update"#,
        tenant.as_str(),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(ids)
}

/// Where an event stands among the deliveries of a subscription.
#[derive(Clone, Copy, Debug)]
pub struct Carried {
    pub subscription_id: Id,
    pub ticket_id: Id,
    pub version: i64,
    pub position: i64,
}

/// Which deliveries there are of these tickets.
pub async fn carried(tx: &mut Tx, subscriptions: &[Id], tickets: &[Id]) -> Result<Vec<Carried>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Carried,
        "select subscription_id, ticket_id, version, position from deliveries
         where tenant_id = $1 and subscription_id = any($2) and ticket_id = any($3)",
        tenant.as_str(),
        subscriptions as &[Id],
        tickets as &[Id],
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(found)
}

/// Gives deliveries another body and forgets what was answered to the one before. What is on its way with it is sent
/// again, as the number of its attempt is no longer good.
pub async fn overwrite(tx: &mut Tx, bodies: &[(Carried, String)]) -> Result<()> {
    let tenant = tx.tenant().clone();
    let subscriptions: Vec<Id> = bodies.iter().map(|(it, _)| it.subscription_id).collect();
    let tickets: Vec<Id> = bodies.iter().map(|(it, _)| it.ticket_id).collect();
    let versions: Vec<i64> = bodies.iter().map(|(it, _)| it.version).collect();
    let bodies: Vec<String> = bodies.iter().map(|(_, body)| body.clone()).collect();
    sqlx::query!(
        r#"update deliveries d set
             body = n.body, attempt = d.attempt + (d.claim_until_time is not null)::int, claim_until_time = null,
             attempts = coalesce(
                 (select jsonb_agg(one || '{"answer": ""}' order by place)
                  from jsonb_array_elements(d.attempts) with ordinality of (one, place)), '[]')
         from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::text[]) n (subscription_id, ticket_id, version, body)
         where d.tenant_id = $1 and d.subscription_id = n.subscription_id and d.ticket_id = n.ticket_id
           and d.version = n.version"#,
        tenant.as_str(),
        &subscriptions as &[Id],
        &tickets as &[Id],
        &versions,
        &bodies,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A delivery to make.
#[derive(Debug)]
pub struct New {
    pub notice: Notice,
    pub body: String,
}

/// How many subscriptions the tenant has; until the transaction ends nobody else makes one.
pub async fn count(tx: &mut Tx) -> Result<i64> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('subscriptions ' || $1, 0))",
        tenant.as_str()
    )
    .execute(&mut **tx)
    .await?;
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from subscriptions where tenant_id = $1"#,
        tenant.as_str(),
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(count)
}

/// Makes deliveries, due at once, or with what holds their ticket back; those that are there already stay as they are.
pub async fn add_deliveries(tx: &mut Tx, id: Id, new: &[New], now: Time) -> Result<()> {
    let tenant = tx.tenant().clone();
    let tickets: Vec<Id> = new.iter().map(|it| it.notice.ticket_id).collect();
    let versions: Vec<i64> = new.iter().map(|it| it.notice.version).collect();
    let kinds: Vec<String> = new.iter().map(|it| it.notice.kind.name().to_owned()).collect();
    let positions: Vec<i64> = new.iter().map(|it| it.notice.position).collect();
    let bodies: Vec<String> = new.iter().map(|it| it.body.clone()).collect();
    sqlx::query!(
        "insert into deliveries (tenant_id, subscription_id, ticket_id, version, type, position, state, body, attempt,
             tries, due_time, attempts, create_time)
         select $1, $2, t, v, k, p, 'PENDING', b, 0, 0,
                greatest($8, (select max(d.due_time) from deliveries d
                              where d.tenant_id = $1 and d.subscription_id = $2 and d.ticket_id = t
                                and d.version < v and d.state = 'PENDING')), '[]', $8
         from unnest($3::uuid[], $4::bigint[], $5::text[], $6::bigint[], $7::text[]) n (t, v, k, p, b)
         on conflict do nothing",
        tenant.as_str(),
        id as Id,
        &tickets as &[Id],
        &versions,
        &kinds,
        &positions,
        &bodies,
        now as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Subscriptions that are served and have something due that nobody is at, any `limit` of them. Looks across tenants.
pub async fn subscriptions_due(pool: &PgPool, now: Time, limit: i64) -> Result<Vec<(TenantId, Id)>> {
    let due = sqlx::query!(
        "select tenant_id, id from subscriptions s
         where state = 'ACTIVE' and exists (
             select 1 from deliveries d
             where d.tenant_id = s.tenant_id and d.subscription_id = s.id and d.state = 'PENDING'
               and d.due_time <= $1 and (d.claim_until_time is null or d.claim_until_time <= $1))
         order by random() limit $2",
        now as Time,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(due.into_iter().map(|it| (it.tenant_id, it.id)).collect())
}

/// Claims at most `share` deliveries that are due, as long as not more than `most` are on their way. Of a ticket, only
/// the lowest version that is pending; it holds back the others until it is settled.
pub async fn claim(
    tx: &mut Tx,
    id: Id,
    now: Time,
    until: Time,
    share: i64,
    most: i64,
) -> Result<Vec<Delivery>> {
    let tenant = tx.tenant().clone();
    let claimed = sqlx::query_as!(
        Delivery,
        r#"with due as materialized (
             select ticket_id, version from deliveries c
             where tenant_id = $1 and subscription_id = $2 and state = 'PENDING' and due_time <= $3
               and (claim_until_time is null or claim_until_time <= $3)
               and not exists (
                   select 1 from deliveries o
                   where o.tenant_id = c.tenant_id and o.subscription_id = c.subscription_id
                     and o.ticket_id = c.ticket_id and o.version < c.version and o.state = 'PENDING')
             order by due_time, position
             limit greatest(0, least($5, $6 - (
                 select count(*) from deliveries
                 where tenant_id = $1 and subscription_id = $2 and state = 'PENDING' and claim_until_time > $3)))
             for update skip locked)
         update deliveries d
         set attempt = d.attempt + 1, tries = d.tries + 1, claim_until_time = $4
         from due
         where d.tenant_id = $1 and d.subscription_id = $2 and d.ticket_id = due.ticket_id and d.version = due.version
         returning d.tenant_id, d.subscription_id, d.ticket_id, d.version, d.type as kind, d.position, d.state, d.body,
             d.attempt, d.tries, d.due_time, d.claim_until_time, d.attempts, d.create_time, d.settle_time"#,
        tenant.as_str(),
        id as Id,
        now as Time,
        until as Time,
        share,
        most,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(claimed)
}

/// A delivery, locked until the transaction ends.
pub async fn lock_delivery(tx: &mut Tx, id: Id, ticket: Id, version: i64) -> Result<Option<Delivery>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Delivery,
        "select tenant_id, subscription_id, ticket_id, version, type as kind, position, state, body, attempt, tries,
             due_time, claim_until_time, attempts, create_time, settle_time
         from deliveries where tenant_id = $1 and subscription_id = $2 and ticket_id = $3 and version = $4 for update",
        tenant.as_str(),
        id as Id,
        ticket as Id,
        version,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found)
}

/// Writes what became of a delivery that the transaction has locked.
pub async fn settle(tx: &mut Tx, delivery: &Delivery) -> Result<()> {
    sqlx::query!(
        "update deliveries set state = $5, attempt = $6, tries = $7, due_time = $8, claim_until_time = $9, attempts = $10,
             settle_time = $11
         where tenant_id = $1 and subscription_id = $2 and ticket_id = $3 and version = $4",
        delivery.tenant_id.as_str(),
        delivery.subscription_id as Id,
        delivery.ticket_id as Id,
        delivery.version,
        delivery.state as DeliveryState,
        delivery.attempt,
        delivery.tries,
        delivery.due_time as Time,
        delivery.claim_until_time as Option<Time>,
        &delivery.attempts as &Json<Vec<Attempt>>,
        delivery.settle_time as Option<Time>,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Lets what waits behind a delivery that was put off wait as long: it would be looked at in vain each time that something is
/// due.
pub async fn hold_back(tx: &mut Tx, delivery: &Delivery) -> Result<()> {
    sqlx::query!(
        "update deliveries set due_time = $5
         where tenant_id = $1 and subscription_id = $2 and ticket_id = $3 and version > $4 and state = 'PENDING'
           and claim_until_time is null and due_time < $5",
        delivery.tenant_id.as_str(),
        delivery.subscription_id as Id,
        delivery.ticket_id as Id,
        delivery.version,
        delivery.due_time as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Makes due what was put off.
pub async fn hurry(tx: &mut Tx, id: Id, now: Time) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "update deliveries set due_time = $3
         where tenant_id = $1 and subscription_id = $2 and state = 'PENDING' and due_time > $3",
        tenant.as_str(),
        id as Id,
        now as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Makes every delivery behind a place in the stream due again, whatever became of it.
pub async fn send_again(tx: &mut Tx, id: Id, position: i64, now: Time) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "update deliveries set state = 'PENDING', attempt = attempt + 1, tries = 0, due_time = $4,
             claim_until_time = null, settle_time = null
         where tenant_id = $1 and subscription_id = $2 and position > $3",
        tenant.as_str(),
        id as Id,
        position,
        now as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A subscription's deliveries that pass the filter, newest first, before a place in the stream.
pub async fn list_deliveries(
    db: &mut PgConnection,
    tenant: &TenantId,
    id: Id,
    before: Option<i64>,
    filter: Option<&Expr>,
    scope: &Scope<'_>,
    limit: i64,
) -> Result<Vec<Delivery>> {
    let mut query = QueryBuilder::new("select * from deliveries where tenant_id = ");
    query.push_bind(tenant.as_str()).push(" and subscription_id = ").push_bind(id);
    if let Some(before) = before {
        query.push(" and position < ").push_bind(before);
    }
    if let Some(filter) = filter {
        query.push(" and ");
        filter.push_sql(&mut query, scope);
    }
    query.push(" order by position desc limit ").push_bind(limit);
    Ok(query.build_query_as().fetch_all(db).await?)
}

/// Forgets at most `limit` deliveries that were done before a time, the oldest first. Looks across tenants.
pub async fn forget(pool: &PgPool, before: Time, limit: i64) -> Result<u64> {
    let gone = sqlx::query!(
        "delete from deliveries
         where (tenant_id, subscription_id, ticket_id, version) in (
             select tenant_id, subscription_id, ticket_id, version from deliveries
             where state = 'DELIVERED' and settle_time < $1 order by settle_time limit $2 for update skip locked)",
        before as Time,
        limit,
    )
    .execute(pool)
    .await?;
    Ok(gone.rows_affected())
}

/// What was to be told of these tickets, and was.
pub async fn forget_of(tx: &mut Tx, tickets: &[Id]) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "delete from deliveries where tenant_id = $1 and ticket_id = any($2)",
        tenant.as_str(),
        tickets as &[Id],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
