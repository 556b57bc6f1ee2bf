//! The only SQL that names `attachments` and `attachment_removals`.

use sqlx::{PgConnection, PgPool};

use super::{Attachment, model::LONGEST_UPLOAD};
use crate::{
    db::Tx,
    error::Result,
    ids::{Id, TenantId},
    seal::Page,
    tickets::Person,
    time::Time,
};

pub async fn insert(tx: &mut Tx, attachment: &Attachment) -> Result<()> {
    sqlx::query!(
        "insert into attachments (tenant_id, ticket_id, id, version, state, visibility, file_name, media_type, byte_count,
             sha256, comment_id, author_kind, author_id, create_time, expire_time)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        attachment.tenant_id.as_str(),
        attachment.ticket_id as Id,
        attachment.id as Id,
        attachment.version,
        attachment.state as _,
        attachment.visibility as _,
        attachment.file_name,
        attachment.media_type,
        attachment.byte_count,
        attachment.sha256,
        attachment.comment_id as Option<Id>,
        attachment.author_kind as _,
        attachment.author_id,
        attachment.create_time as Time,
        attachment.expire_time as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Writes what may change of one that the transaction has locked.
pub async fn put(tx: &mut Tx, attachment: &Attachment) -> Result<()> {
    sqlx::query!(
        "update attachments set version = $4, state = $5, file_name = $6, media_type = $7, sha256 = $8, complete_time = $9,
             delete_time = $10
         where tenant_id = $1 and ticket_id = $2 and id = $3",
        attachment.tenant_id.as_str(),
        attachment.ticket_id as Id,
        attachment.id as Id,
        attachment.version,
        attachment.state as _,
        attachment.file_name,
        attachment.media_type,
        attachment.sha256,
        attachment.complete_time as Option<Time>,
        attachment.delete_time as Option<Time>,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The attachment, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, ticket: Id, id: Id) -> Result<Option<Attachment>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Attachment,
        "select * from attachments where tenant_id = $1 and ticket_id = $2 and id = $3 for update",
        tenant.as_str(),
        ticket as Id,
        id as Id,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found)
}

pub async fn find(
    db: &mut PgConnection,
    tenant: &TenantId,
    ticket: Id,
    id: Id,
) -> Result<Option<Attachment>> {
    let found = sqlx::query_as!(
        Attachment,
        "select * from attachments where tenant_id = $1 and ticket_id = $2 and id = $3",
        tenant.as_str(),
        ticket as Id,
        id as Id,
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// A ticket's attachments, oldest first; the public ones alone, or the internal ones too.
pub async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    tickets: &[Id],
    internal: bool,
    page: &Page<Id>,
) -> Result<Vec<Attachment>> {
    let found = sqlx::query_as!(
        Attachment,
        "select * from attachments
         where tenant_id = $1 and ticket_id = any($2) and ($3::uuid is null or id > $3) and ($4 or visibility = 'PUBLIC')
         order by id limit $5",
        tenant.as_str(),
        tickets as &[Id],
        page.after as Option<Id>,
        internal,
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// How many a ticket has that are not deleted.
pub async fn count(tx: &mut Tx, ticket: Id) -> Result<i64> {
    let tenant = tx.tenant().clone();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from attachments where tenant_id = $1 and ticket_id = $2 and state <> 'DELETED'"#,
        tenant.as_str(),
        ticket as Id,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(count)
}

/// Those that were announced and not completed in time. Looks across tenants.
pub async fn lapsed(pool: &PgPool, now: Time, limit: i64) -> Result<Vec<(TenantId, Id)>> {
    let due = sqlx::query!(
        "select tenant_id, id from attachments where state = 'PENDING' and expire_time <= $1 order by expire_time limit $2",
        now as Time,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(due.into_iter().map(|it| (it.tenant_id, it.id)).collect())
}

/// Forgets those of them that are still not completed; says which.
pub async fn delete_pending(tx: &mut Tx, ids: &[Id], now: Time) -> Result<Vec<Id>> {
    let tenant = tx.tenant().clone();
    let gone = sqlx::query_scalar!(
        "delete from attachments where tenant_id = $1 and id = any($2) and state = 'PENDING' and expire_time <= $3
         returning id",
        tenant.as_str(),
        ids as &[Id],
        now as Time,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(gone)
}

/// Removes the files of a person's tickets for good (`whole`), and on other tickets what the person added. Says how many
/// there were. The transaction has locked the tickets.
pub async fn erase(tx: &mut Tx, tickets: &[Id], whole: &[Id], person: &Person, now: Time) -> Result<u64> {
    let tenant = tx.tenant().clone();
    let gone = sqlx::query!(
        "insert into attachment_removals (tenant_id, id, due_time, last_time, failures)
         select tenant_id, id, $5::timestamptz, greatest($5::timestamptz, expire_time + make_interval(secs => $6)), 0 from attachments
         where tenant_id = $1 and ticket_id = any($2) and state <> 'DELETED'
           and (ticket_id = any($3) or (author_kind = 'CUSTOMER' and author_id = $4))
         on conflict do nothing",
        tenant.as_str(),
        tickets as &[Id],
        whole as &[Id],
        person.key,
        now as Time,
        LONGEST_UPLOAD.as_secs_f64(),
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "update attachments set file_name = '', media_type = '', sha256 = '',
             version = version + (state <> 'DELETED')::int, state = 'DELETED', delete_time = coalesce(delete_time, $6),
             author_id = case when author_kind = 'CUSTOMER' and author_id = $4 then $5 else author_id end
         where tenant_id = $1 and ticket_id = any($2)
           and (ticket_id = any($3) or (author_kind = 'CUSTOMER' and author_id = $4))",
        tenant.as_str(),
        tickets as &[Id],
        whole as &[Id],
        person.key,
        person.alias,
        now as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(gone.rows_affected())
}

/// The files of these tickets, which go.
pub async fn forget(tx: &mut Tx, tickets: &[Id], now: Time) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "with gone as (
             delete from attachments where tenant_id = $1 and ticket_id = any($2) returning id, state, expire_time)
         insert into attachment_removals (tenant_id, id, due_time, last_time, failures)
         select $1, id, $3::timestamptz, greatest($3::timestamptz, expire_time + make_interval(secs => $4)), 0 from gone where state <> 'DELETED'
         on conflict do nothing",
        tenant.as_str(),
        tickets as &[Id],
        now as Time,
        LONGEST_UPLOAD.as_secs_f64(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Has these objects removed, and until `last` once more.
pub async fn remove(tx: &mut Tx, ids: &[Id], now: Time, last: Time) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "insert into attachment_removals (tenant_id, id, due_time, last_time, failures)
         select $1, id, $3::timestamptz, greatest($3::timestamptz, $4), 0 from unnest($2::uuid[]) id
         on conflict do nothing",
        tenant.as_str(),
        ids as &[Id],
        now as Time,
        last as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The objects that are to be removed now. Looks across tenants.
pub async fn removals_due(pool: &PgPool, now: Time, limit: i64) -> Result<Vec<(TenantId, Id)>> {
    let due = sqlx::query!(
        "select tenant_id, id from attachment_removals where due_time <= $1 order by due_time limit $2",
        now as Time,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(due.into_iter().map(|it| (it.tenant_id, it.id)).collect())
}

/// How many objects are to be removed, now or later. Looks across tenants.
pub async fn waiting(pool: &PgPool) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"select count(id) as "count!" from attachment_removals"#)
        .fetch_one(pool)
        .await?)
}

/// The object is gone. As long as a request might put it there again, the row stays, due at the end of that time.
pub async fn removed(tx: &mut Tx, id: Id, now: Time) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "delete from attachment_removals where tenant_id = $1 and id = $2 and last_time <= $3",
        tenant.as_str(),
        id as Id,
        now as Time,
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "update attachment_removals set due_time = last_time, failures = 0 where tenant_id = $1 and id = $2",
        tenant.as_str(),
        id as Id,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// One more attempt failed; says how many in a row that are.
pub async fn failed(tx: &mut Tx, id: Id) -> Result<i32> {
    let tenant = tx.tenant().clone();
    let failures = sqlx::query_scalar!(
        "update attachment_removals set failures = failures + 1 where tenant_id = $1 and id = $2 returning failures",
        tenant.as_str(),
        id as Id,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(failures.unwrap_or(1))
}

/// It is tried again then.
pub async fn put_off(tx: &mut Tx, id: Id, due: Time) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "update attachment_removals set due_time = $3 where tenant_id = $1 and id = $2",
        tenant.as_str(),
        id as Id,
        due as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
