//! The SQL that writes `articles` and `article_revisions`, and what erasure and retention take of them.

use super::{Article, Reference, Revision};
use crate::{
    db::Tx,
    error::{Error, Result},
    ids::Id,
    tickets::ERASED,
    time::Time,
};

/// An article with one of its revisions, as a caller is shown it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Shown {
    #[sqlx(flatten)]
    pub article: Article,
    #[sqlx(flatten)]
    pub revision: Revision,
    /// Of a translation: whether the original was published anew since.
    pub outdated: bool,
}

impl Shown {
    /// As a write leaves it.
    pub fn of(article: Article, revision: Revision) -> Self {
        Self { article, revision, outdated: false }
    }
}

pub async fn insert(tx: &mut Tx, article: &Article) -> Result<()> {
    let row = serde_json::to_string(article).map_err(Error::internal)?;
    sqlx::query!(
        "insert into articles select * from json_populate_record(null::articles, $1::text::json)",
        row
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Writes what may change of one that the transaction has locked.
pub async fn put(tx: &mut Tx, article: &Article) -> Result<()> {
    sqlx::query!(
        "update articles set version = $3, state = $4, latest_revision = $5, published_revision = $6, review_note = $7,
             update_time = $8, publish_time = $9, stale_time = $10
         where tenant_id = $1 and id = $2",
        article.tenant_id.as_str(),
        article.id as Id,
        article.version,
        article.state as _,
        article.latest_revision,
        article.published_revision,
        article.review_note,
        article.update_time as Time,
        article.publish_time as Option<Time>,
        article.stale_time as Option<Time>,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Writes a new revision, or that one came into use: nothing else of it ever changes.
pub async fn put_revision(tx: &mut Tx, revision: &Revision) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "insert into article_revisions (tenant_id, article_id, revision, kind, audience, lowest_level, category, product,
             title, body, unrevised, source_revision, author_kind, author_id, revise_time, issue_time)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
         on conflict (tenant_id, article_id, revision) do update set issue_time = excluded.issue_time",
        tenant.as_str(),
        revision.article_id as Id,
        revision.revision,
        revision.kind as _,
        revision.audience as _,
        revision.lowest_level,
        revision.category,
        revision.product,
        revision.title,
        revision.body,
        revision.unrevised,
        revision.source_revision,
        revision.author_kind as _,
        revision.author_id,
        revision.revise_time as Time,
        revision.issue_time as Option<Time>,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The article, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, reference: Reference) -> Result<Option<Article>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Article,
        "select * from articles where tenant_id = $1 and (id = $2 or number = $3) for no key update",
        tenant.as_str(),
        reference.id() as Option<Id>,
        reference.number(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found)
}

/// The article, not locked.
pub async fn find(tx: &mut Tx, reference: Reference) -> Result<Option<Article>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Article,
        "select * from articles where tenant_id = $1 and (id = $2 or number = $3)",
        tenant.as_str(),
        reference.id() as Option<Id>,
        reference.number(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found)
}

/// These articles, locked in the order of their ids until the transaction ends.
pub async fn lock_all(tx: &mut Tx, ids: &[Id]) -> Result<Vec<Article>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Article,
        "select * from articles where tenant_id = $1 and id = any($2) order by id for no key update",
        tenant.as_str(),
        ids as &[Id],
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(found)
}

pub async fn revision(tx: &mut Tx, article: Id, revision: i32) -> Result<Option<Revision>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Revision,
        "select article_id, revision, kind, audience, lowest_level, category, product, title, body, unrevised,
                source_revision, author_kind, author_id, revise_time, issue_time
         from article_revisions where tenant_id = $1 and article_id = $2 and revision = $3",
        tenant.as_str(),
        article as Id,
        revision,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found)
}

/// The translation of an article into a language.
pub async fn translation(tx: &mut Tx, original: Id, language_code: &str) -> Result<Option<Id>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_scalar!(
        "select id from articles where tenant_id = $1 and translation_of = $2 and language_code = $3",
        tenant.as_str(),
        original as Id,
        language_code,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found)
}

/// Takes the words out of what was written from these tickets and never came into use; says how many articles that were. One
/// that was never in use is archived, for nothing is left of it.
pub async fn erase(tx: &mut Tx, tickets: &[Id], now: Time) -> Result<u64> {
    let tenant = tx.tenant().clone();
    let gone = sqlx::query_scalar!(
        "update article_revisions r set title = $3, body = $3, unrevised = true
         where r.tenant_id = $1 and r.issue_time is null and r.body <> $3 and r.article_id in (
             select article_id from article_links
             where tenant_id = $1 and ticket_id = any($2) and relation = 'CREATED_FROM')
         returning r.article_id",
        tenant.as_str(),
        tickets as &[Id],
        ERASED,
    )
    .fetch_all(&mut **tx)
    .await?;
    let done = sqlx::query!(
        "update articles a set version = version + 1, update_time = $3, review_note = '',
             state = case when published_revision is null then 'ARCHIVED' when state = 'REVIEW' then 'DRAFT' else state end
         where tenant_id = $1 and id = any($2)",
        tenant.as_str(),
        &gone as &[Id],
        now as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// What these tickets said of articles, which go with them, and the drafts that were made of their words.
pub async fn forget(tx: &mut Tx, tickets: &[Id], now: Time) -> Result<()> {
    erase(tx, tickets, now).await?;
    super::store_links::forget(tx, tickets).await
}
