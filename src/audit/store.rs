//! The only SQL that names `audit`, `audit_heads` and `audit_people`.

use sqlx::{PgPool, QueryBuilder};

use super::{
    chain::Head,
    model::{Entry, Person, Shown},
};
use crate::{
    ctx::{ActorKind, Ctx},
    db::Tx,
    error::Result,
    filter::{Expr, Scope},
    ids::{Id, TenantId},
    seal::Page,
    time::Time,
};

/// Where a page of the list ends.
pub type Place = (Time, Id);

/// Adds entries that have no place yet.
pub async fn insert(tx: &mut Tx, entries: &[Entry]) -> Result<()> {
    let tenant = tx.tenant().clone();
    let texts = |of: fn(&Entry) -> &String| entries.iter().map(|it| of(it).clone()).collect::<Vec<_>>();
    let ids: Vec<Id> = entries.iter().map(|entry| entry.id).collect();
    let times: Vec<Time> = entries.iter().map(|entry| entry.time).collect();
    let kinds: Vec<ActorKind> = entries.iter().map(|entry| entry.actor_kind).collect();
    let before: Vec<Option<Vec<u8>>> = entries.iter().map(|entry| entry.before.clone()).collect();
    let after: Vec<Option<Vec<u8>>> = entries.iter().map(|entry| entry.after.clone()).collect();
    sqlx::query!(
        "insert into audit (tenant_id, id, time, actor_kind, actor_id, action, target, request_id, before, after)
         select $1, * from unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
             $8::text[], $9::bytea[], $10::bytea[])",
        tenant.as_str(),
        &ids as _,
        &times as _,
        &kinds as _,
        &texts(|entry| &entry.actor_id),
        &texts(|entry| &entry.action),
        &texts(|entry| &entry.target),
        &texts(|entry| &entry.request_id),
        &before as _,
        &after as _,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The tenants of the first `limit` entries that wait for a place. Looks across tenants.
pub async fn waiting_tenants(pool: &PgPool, limit: i64) -> Result<Vec<TenantId>> {
    let tenants = sqlx::query_scalar!(
        r#"select distinct tenant_id as "tenant_id: TenantId" from (
               select tenant_id from audit where link is null order by tenant_id limit $1) waiting"#,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(tenants)
}

/// The tenants that have entries, by name. Looks across tenants.
pub async fn tenants(pool: &PgPool) -> Result<Vec<TenantId>> {
    let tenants = sqlx::query_scalar!(
        r#"select tenant_id as "tenant_id!: TenantId" from audit_heads
           union select tenant_id from audit order by 1"#,
    )
    .fetch_all(pool)
    .await?;
    Ok(tenants)
}

/// The end of the tenant's chain, locked until the transaction ends; `None`: another has it.
pub async fn lock_head(tx: &mut Tx) -> Result<Option<Head>> {
    let tenant = tx.tenant().clone();
    let start = Head::default();
    sqlx::query!(
        "insert into audit_heads (tenant_id, position, link) values ($1, $2, $3) on conflict do nothing",
        tenant.as_str(),
        start.position,
        &start.link,
    )
    .execute(&mut **tx)
    .await?;
    let head = sqlx::query_as!(
        Head,
        "select position, link from audit_heads where tenant_id = $1 for update skip locked",
        tenant.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(head)
}

/// Entries that wait for a place, the oldest first.
pub async fn waiting(tx: &mut Tx, limit: i64) -> Result<Vec<Entry>> {
    let tenant = tx.tenant().clone();
    let entries = sqlx::query_as!(
        Entry,
        "select * from audit where tenant_id = $1 and link is null order by time, id limit $2",
        tenant.as_str(),
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(entries)
}

/// Gives entries their places, and the chain its new end.
pub async fn extend(tx: &mut Tx, entries: &[Entry], head: &Head) -> Result<()> {
    let tenant = tx.tenant().clone();
    let ids: Vec<Id> = entries.iter().map(|entry| entry.id).collect();
    let positions: Vec<i64> = entries.iter().filter_map(|entry| entry.position).collect();
    let links: Vec<Vec<u8>> = entries.iter().filter_map(|entry| entry.link.clone()).collect();
    sqlx::query!(
        "update audit a set position = chained.position, link = chained.link
         from unnest($2::uuid[], $3::bigint[], $4::bytea[]) chained (id, position, link)
         where a.tenant_id = $1 and a.id = chained.id",
        tenant.as_str(),
        &ids as _,
        &positions,
        &links,
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "update audit_heads set position = $2, link = $3 where tenant_id = $1",
        tenant.as_str(),
        head.position,
        &head.link,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Where the tenant's chain ends.
pub async fn head(tx: &mut Tx) -> Result<Head> {
    let tenant = tx.tenant().clone();
    let head =
        sqlx::query_as!(Head, "select position, link from audit_heads where tenant_id = $1", tenant.as_str())
            .fetch_optional(&mut **tx)
            .await?;
    Ok(head.unwrap_or_default())
}

/// How many entries wait for a place, counted as far as `limit`.
pub async fn count_waiting(tx: &mut Tx, limit: i64) -> Result<i64> {
    let tenant = tx.tenant().clone();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!"
           from (select from audit where tenant_id = $1 and link is null limit $2) waiting"#,
        tenant.as_str(),
        limit,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(count)
}

/// The entries behind one, in the order of the chain. Two that claim one place are both there.
pub async fn chained(tx: &mut Tx, after: (i64, Id), limit: i64) -> Result<Vec<Entry>> {
    let tenant = tx.tenant().clone();
    let entries = sqlx::query_as!(
        Entry,
        "select * from audit where tenant_id = $1 and position is not null and (position, id) > ($2, $3)
         order by position, id limit $4",
        tenant.as_str(),
        after.0,
        after.1 as _,
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(entries)
}

/// A page of entries, the newest first.
pub async fn list(tx: &mut Tx, ctx: &Ctx, filter: Option<&Expr>, page: &Page<Place>) -> Result<Vec<Shown>> {
    let mut query = QueryBuilder::new(
        "select * from (
             select entry.*, coalesce(actor.key, entry.actor_id) as shown_actor,
                    coalesce('tenants/' || entry.tenant_id || '/contacts/' || contact.key, entry.target)
                        as shown_target
             from audit entry
             left join audit_people actor
                 on actor.tenant_id = entry.tenant_id and entry.actor_kind = 'CUSTOMER'
                 and actor.pseudonym = entry.actor_id
             left join audit_people contact
                 on contact.tenant_id = entry.tenant_id and split_part(entry.target, '/', 3) = 'contacts'
                 and contact.pseudonym = split_part(entry.target, '/', 4)
         ) shown where tenant_id = ",
    );
    query.push_bind(ctx.tenant.as_str());
    if let Some(filter) = filter {
        query.push(" and ");
        filter.push_sql(&mut query, &Scope { now: *ctx.now, me: &ctx.actor.id });
    }
    if let Some((time, id)) = &page.after {
        query.push(" and (time, id) < (").push_bind(*time).push(", ").push_bind(*id).push(")");
    }
    query.push(" order by time desc, id desc limit ").push_bind(page.limit());
    Ok(query.build_query_as().fetch_all(&mut **tx).await?)
}

pub async fn find_person(tx: &mut Tx, key: &str) -> Result<Option<Person>> {
    let tenant = tx.tenant().clone();
    let person = sqlx::query_as!(
        Person,
        "select key, salt, pseudonym from audit_people where tenant_id = $1 and key = $2",
        tenant.as_str(),
        key,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(person)
}

/// People behind a key, in the order of the keys.
pub async fn people(tx: &mut Tx, after: &str, limit: i64) -> Result<Vec<Person>> {
    let tenant = tx.tenant().clone();
    let people = sqlx::query_as!(
        Person,
        "select key, salt, pseudonym from audit_people where tenant_id = $1 and key > $2 order by key limit $3",
        tenant.as_str(),
        after,
        limit,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(people)
}

/// Names a person, unless somebody else has.
pub async fn insert_person(tx: &mut Tx, person: &Person) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "insert into audit_people (tenant_id, key, salt, pseudonym) values ($1, $2, $3, $4)
         on conflict (tenant_id, key) do nothing",
        tenant.as_str(),
        person.key,
        person.salt,
        person.pseudonym,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub async fn delete_person(tx: &mut Tx, key: &str) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!("delete from audit_people where tenant_id = $1 and key = $2", tenant.as_str(), key)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
