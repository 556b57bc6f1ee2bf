//! The only SQL that names `comments`.

use sqlx::PgConnection;

use super::{Comment, Visibility};
use crate::{
    db::Tx,
    error::{Error, Result},
    ids::{Id, TenantId},
    seal::Page,
    tickets::Person,
    time::Time,
};

/// What is searched of what was said on a ticket, bytes.
const MOST_TEXTS: i64 = 1 << 18;

pub async fn insert(tx: &mut Tx, comment: &Comment) -> Result<()> {
    let row = serde_json::to_string(comment).map_err(Error::internal)?;
    sqlx::query!(
        "insert into comments select * from json_populate_record(null::comments, $1::text::json)",
        row
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Removes the text for good.
pub async fn redact(tx: &mut Tx, comment: &Comment, now: Time) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "update comments set text = '', redact_time = $4 where tenant_id = $1 and ticket_id = $2 and version = $3",
        tenant.as_str(),
        comment.ticket_id as Id,
        comment.version,
        now as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Removes the texts of a person's tickets for good (`whole`), and on other tickets what the person said. Says how many there
/// were. The transaction has locked the tickets.
pub async fn erase(tx: &mut Tx, tickets: &[Id], whole: &[Id], person: &Person, now: Time) -> Result<u64> {
    let tenant = tx.tenant().clone();
    let done = sqlx::query!(
        "update comments set text = '', redact_time = coalesce(redact_time, $6),
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
    Ok(done.rows_affected())
}

/// The comment, read under the lock of its ticket.
pub async fn find_in(tx: &mut Tx, ticket: Id, id: Id) -> Result<Option<Comment>> {
    let tenant = tx.tenant().clone();
    let comment = sqlx::query_as!(
        Comment,
        "select * from comments where tenant_id = $1 and ticket_id = $2 and id = $3",
        tenant.as_str(),
        ticket as Id,
        id as Id,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(comment)
}

pub async fn find(db: &mut PgConnection, tenant: &TenantId, ticket: Id, id: Id) -> Result<Option<Comment>> {
    let comment = sqlx::query_as!(
        Comment,
        "select * from comments where tenant_id = $1 and ticket_id = $2 and id = $3",
        tenant.as_str(),
        ticket as Id,
        id as Id,
    )
    .fetch_optional(db)
    .await?;
    Ok(comment)
}

/// A ticket's comments, oldest first; the public ones alone, or the internal ones too.
pub async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    ticket: Id,
    internal: bool,
    page: &Page<i64>,
) -> Result<Vec<Comment>> {
    let comments = sqlx::query_as!(
        Comment,
        "select * from comments
         where tenant_id = $1 and ticket_id = $2 and version > $3 and ($4 or visibility = 'PUBLIC')
         order by version limit $5",
        tenant.as_str(),
        ticket as Id,
        page.after.unwrap_or_default(),
        internal,
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    Ok(comments)
}

/// What was said on a ticket.
#[derive(Clone, Debug)]
pub struct Text {
    pub ticket_id: Id,
    pub id: Id,
    pub visibility: Visibility,
    pub text: String,
}

/// What was said on these tickets and is still there, the newest first; of each the last [`MOST_TEXTS`] bytes, about.
pub async fn texts(tx: &mut Tx, tickets: &[Id]) -> Result<Vec<Text>> {
    let tenant = tx.tenant().clone();
    let texts = sqlx::query_as!(
        Text,
        r#"select ticket_id as "ticket_id: Id", id as "id: Id", visibility as "visibility: Visibility", text
           from (select ticket_id, version, id, visibility, text, sum(octet_length(text)) over (
                     partition by ticket_id order by version desc rows unbounded preceding) as sum
                 from comments where tenant_id = $1 and ticket_id = any($2) and text <> '') said
           where sum <= $3 order by ticket_id, version desc"#,
        tenant.as_str(),
        tickets as &[Id],
        MOST_TEXTS,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(texts)
}

/// What was said on these tickets.
pub async fn forget(tx: &mut Tx, tickets: &[Id]) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "delete from comments where tenant_id = $1 and ticket_id = any($2)",
        tenant.as_str(),
        tickets as &[Id],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
