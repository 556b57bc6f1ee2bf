//! The SQL of `article_links` and `article_deflections`: what came of articles.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::{Link, Relation, model::Usage};
use crate::{
    db::Tx,
    error::Result,
    ids::{Id, TenantId},
    seal::Page,
    time::Time,
};

pub async fn insert(tx: &mut Tx, link: &Link) -> Result<()> {
    sqlx::query!(
        "insert into article_links (tenant_id, ticket_id, version, article_id, relation, revision, author_kind, author_id,
             create_time)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        link.tenant_id.as_str(),
        link.ticket_id as Id,
        link.version,
        link.article_id as Id,
        link.relation as _,
        link.revision,
        link.author_kind as _,
        link.author_id,
        link.create_time as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What a ticket says of an article, in its order. Read under the ticket's lock.
pub async fn of(tx: &mut Tx, ticket: Id, article: Id) -> Result<Vec<Link>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Link,
        "select * from article_links where tenant_id = $1 and ticket_id = $2 and article_id = $3 order by version",
        tenant.as_str(),
        ticket as Id,
        article as Id,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(found)
}

/// The link that this event of a ticket told of.
pub async fn at(tx: &mut Tx, ticket: Id, version: i64) -> Result<Option<Link>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Link,
        "select * from article_links where tenant_id = $1 and ticket_id = $2 and version = $3",
        tenant.as_str(),
        ticket as Id,
        version,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found)
}

/// What tickets say of an article, by ticket; a page of them.
pub async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    article: Id,
    page: &Page<(Id, i64)>,
) -> Result<Vec<Link>> {
    let (ticket, version) = page.after.unzip();
    let found = sqlx::query_as!(
        Link,
        "select * from article_links
         where tenant_id = $1 and article_id = $2 and ($3::uuid is null or (ticket_id, version) > ($3, $4))
         order by ticket_id, version limit $5",
        tenant.as_str(),
        article as Id,
        ticket as Option<Id>,
        version,
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// These tickets were opened again: what solved them did not. Says which articles that concerns.
pub async fn reopen(tx: &mut Tx, tickets: &[Id], now: Time) -> Result<Vec<Id>> {
    let tenant = tx.tenant().clone();
    let articles = sqlx::query_scalar!(
        "update article_links set reopen_time = $3
         where tenant_id = $1 and ticket_id = any($2) and relation = 'USED' and reopen_time is null returning article_id",
        tenant.as_str(),
        tickets as &[Id],
        now as Time,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(articles)
}

/// How often this revision of an article solved a ticket, and how often one of those was opened again.
pub async fn tally(tx: &mut Tx, article: Id, revision: i32) -> Result<(i64, i64)> {
    let tenant = tx.tenant().clone();
    let row = sqlx::query!(
        r#"select count(*) as "used!", count(reopen_time) as "reopened!" from article_links
           where tenant_id = $1 and article_id = $2 and revision = $3 and relation = 'USED'"#,
        tenant.as_str(),
        article as Id,
        revision,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok((row.used, row.reopened))
}

/// What came of these articles; of which nothing did, is not in it.
pub async fn usage(db: &mut PgConnection, tenant: &TenantId, articles: &[Id]) -> Result<HashMap<Id, Usage>> {
    if articles.is_empty() {
        return Ok(HashMap::new());
    }
    let links = sqlx::query!(
        r#"select l.article_id, l.relation as "relation: Relation", count(*) as "count!",
                  count(l.reopen_time) as "reopened!",
                  count(*) filter (where not exists (
                      select from article_links c
                      where c.tenant_id = l.tenant_id and c.article_id = l.article_id and c.ticket_id = l.ticket_id
                        and c.relation = 'CREATED_FROM')) as "elsewhere!"
           from article_links l where l.tenant_id = $1 and l.article_id = any($2) and l.relation <> 'CREATED_FROM'
           group by l.article_id, l.relation"#,
        tenant.as_str(),
        articles as &[Id],
    )
    .fetch_all(&mut *db)
    .await?;
    let mut usage: HashMap<Id, Usage> = HashMap::new();
    for row in links {
        let of = usage.entry(row.article_id).or_default();
        match row.relation {
            Relation::Used => {
                (of.used, of.reused, of.reopened) = (row.count, row.elsewhere, row.reopened);
            }
            Relation::DidNotHelp => of.did_not_help = row.count,
            Relation::CreatedFrom => {}
        }
    }
    let found = sqlx::query!(
        r#"select article_id, sum(count)::bigint as "count!" from article_deflections
           where tenant_id = $1 and article_id = any($2) group by article_id"#,
        tenant.as_str(),
        articles as &[Id],
    )
    .fetch_all(db)
    .await?;
    for row in found {
        usage.entry(row.article_id).or_default().deflections = row.count;
    }
    Ok(usage)
}

/// Once more, somebody found the answer.
pub async fn deflect(tx: &mut Tx, article: Id, shard: i16) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "insert into article_deflections as d (tenant_id, article_id, shard, count) values ($1, $2, $3, 1)
         on conflict (tenant_id, article_id, shard) do update set count = d.count + 1",
        tenant.as_str(),
        article as Id,
        shard,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub async fn forget(tx: &mut Tx, tickets: &[Id]) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "delete from article_links where tenant_id = $1 and ticket_id = any($2)",
        tenant.as_str(),
        tickets as &[Id],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
