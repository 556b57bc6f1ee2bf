//! The way of every change of one article: lock, recall, check the etag, decide, write, keep. Who may not see it finds nothing.

use serde::{Deserialize, Serialize};

use super::{
    Article, Audience, Reference, Revision,
    model::missing,
    sight::Sight,
    store::{self, Shown},
};
use crate::{
    app::App,
    audit,
    call::retrying,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Error, Result},
    idempotency,
    search::{self, Corpus, Document, Field, Passage},
};

/// Which article, as the caller saw it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub article: Reference,
    /// `None`: whatever it is now.
    pub version: Option<i64>,
}

/// An article with its latest revision, locked.
#[derive(Clone, Debug)]
pub struct Locked {
    pub article: Article,
    pub latest: Revision,
}

/// What becomes of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub article: Article,
    /// A revision that is new, or came into use.
    pub revision: Option<Revision>,
}

impl From<Article> for Outcome {
    fn from(article: Article) -> Self {
        Self { article, revision: None }
    }
}

/// What it is now, and whether an earlier call with the same request_id did it.
#[derive(Clone, Debug)]
pub struct Written {
    pub shown: Shown,
    pub replayed: bool,
}

/// How it stood after the call. What was written does not change, so the revision's number is enough.
#[derive(Serialize, Deserialize)]
struct Receipt {
    article: Article,
    revision: i32,
}

/// Changes one article by this rule.
pub async fn write(
    app: &App,
    ctx: &Ctx,
    target: Target,
    decide: impl Fn(&Configuration, &Locked) -> Result<Outcome> + Send + Sync,
) -> Result<Written> {
    retrying(|| attempt(app, ctx, target, &decide)).await
}

async fn attempt(
    app: &App,
    ctx: &Ctx,
    target: Target,
    decide: &(impl Fn(&Configuration, &Locked) -> Result<Outcome> + Send + Sync),
) -> Result<Written> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let locked = lock_in(&mut tx, &configuration, ctx, target.article).await?;
    if let Some(written) = recall_in(&mut tx, ctx).await? {
        return Ok(written);
    }
    locked.article.require(target.version)?;
    let Outcome { article, revision } = decide(&configuration, &locked)?;
    store::put(&mut tx, &article).await?;
    if let Some(revision) = &revision {
        store::put_revision(&mut tx, revision).await?;
    }
    if article.published_revision != locked.article.published_revision {
        index_in(&mut tx, &article).await?;
    }
    let name = audit::Target::Named(article.name());
    audit::act_in(app, &mut tx, ctx, name, [Some(&locked.article), Some(&article)]).await?;
    let revision = revision.unwrap_or(locked.latest);
    let written = keep_in(&mut tx, ctx, article, revision).await?;
    tx.commit().await?;
    Ok(written)
}

/// The article, locked until the transaction ends, if the caller may see its latest revision.
pub async fn lock_in(
    tx: &mut Tx,
    configuration: &Configuration,
    ctx: &Ctx,
    reference: Reference,
) -> Result<Locked> {
    let missing = || missing(&ctx.tenant, reference);
    let article = store::lock(tx, reference).await?.ok_or_else(missing)?;
    let latest = store::revision(tx, article.id, article.latest_revision).await?;
    let latest = latest.ok_or_else(|| Error::internal("an article without its revision"))?;
    let sight = Sight::of(tx, configuration, ctx).await?;
    if !sight.covers(&article, &latest) {
        return Err(missing());
    }
    Ok(Locked { article, latest })
}

/// A new article and its first revision, as part of the caller's transaction.
pub async fn begin_in(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    article: Article,
    first: Revision,
) -> Result<Written> {
    store::insert(tx, &article).await?;
    store::put_revision(tx, &first).await?;
    audit::act_in(app, tx, ctx, audit::Target::Named(article.name()), [None, Some(&article)]).await?;
    keep_in(tx, ctx, article, first).await
}

/// Lets the revision in use be found by its words, or nothing where none is.
async fn index_in(tx: &mut Tx, article: &Article) -> Result<()> {
    let published = match article.published_revision {
        Some(revision) => store::revision(tx, article.id, revision).await?,
        None => None,
    };
    let Some(revision) = published else {
        return search::forget_in(tx, Corpus::Articles, &[article.id]).await;
    };
    let hidden = revision.audience == Audience::Internal;
    let passage = |field, text| Passage { field, hidden, text };
    let passages = vec![passage(Field::Title, revision.title), passage(Field::Body, revision.body)];
    let document = Document { id: article.id, language_code: article.language_code.clone(), passages };
    search::index_in(tx, Corpus::Articles, &[document]).await
}

/// What an earlier call answered, if this is a repetition.
pub async fn recall_in(tx: &mut Tx, ctx: &Ctx) -> Result<Option<Written>> {
    let Some(Receipt { article, revision }) = idempotency::recall::<Receipt>(tx, ctx).await? else {
        return Ok(None);
    };
    let revision = store::revision(tx, article.id, revision).await?;
    let revision = revision.ok_or_else(|| Error::internal("a receipt without its revision"))?;
    Ok(Some(Written { shown: Shown::of(article, revision), replayed: true }))
}

async fn keep_in(tx: &mut Tx, ctx: &Ctx, article: Article, revision: Revision) -> Result<Written> {
    let receipt = Receipt { article, revision: revision.revision };
    idempotency::keep(tx, ctx, &receipt).await?;
    Ok(Written { shown: Shown::of(receipt.article, revision), replayed: false })
}
