//! Reading articles: one, lists, revisions, and what tickets say of one.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::{
    Link, Reference,
    model::{FIELDS, PUBLIC_FIELDS, Usage, missing},
    sight::Sight,
    store::Shown,
    store_links,
    store_shown::{self, Which},
};
use crate::{app::App, ctx::Ctx, error::Result, filter, ids::Id, seal::Page, tickets};

/// An article with what came of it, which is the house's business.
#[derive(Clone, Debug)]
pub struct Told {
    pub shown: Shown,
    pub usage: Option<Usage>,
}

/// What this caller sees.
pub async fn sight(app: &App, db: &mut PgConnection, ctx: &Ctx) -> Result<Sight> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    Sight::of(db, &configuration, ctx).await
}

/// A revision of an article; 0: the newest, or of a customer the one in use.
pub async fn get(app: &App, ctx: &Ctx, reference: Reference, revision: i32) -> Result<Told> {
    let mut db = app.db.read(&ctx.tenant).await?;
    let sight = sight(app, &mut db, ctx).await?;
    let which = if revision == 0 { Which::Latest } else { Which::Number(revision) };
    let found = store_shown::find(&mut db, ctx, &sight, reference, which).await?;
    let shown = found.ok_or_else(|| missing(&ctx.tenant, reference))?;
    let told = tell(&mut db, ctx, vec![shown]).await?;
    db.keep();
    told.into_iter().next().ok_or_else(|| missing(&ctx.tenant, reference))
}

/// A page of a list, as the caller asks for it.
#[derive(Clone, Copy, Debug)]
pub struct List<'a> {
    pub page_size: i32,
    pub page_token: &'a str,
    pub filter: &'a str,
    pub translation_of: Option<Reference>,
}

/// A page of articles, the newest first, and where the next one begins.
pub async fn list(app: &App, ctx: &Ctx, list: List<'_>) -> Result<(Vec<Told>, String)> {
    let schema = if ctx.actor.is_customer() { &PUBLIC_FIELDS } else { &FIELDS };
    let filter = filter::parse(list.filter, schema)?;
    let canonical = filter.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut db = app.db.read(&ctx.tenant).await?;
    let sight = sight(app, &mut db, ctx).await?;
    let original = match list.translation_of {
        None => None,
        Some(reference) => {
            let found = store_shown::find(&mut db, ctx, &sight, reference, Which::Latest).await?;
            Some(found.ok_or_else(|| missing(&ctx.tenant, reference))?.article.id)
        }
    };
    let of = original.map(|id| id.to_string()).unwrap_or_default();
    let purpose = format!("{} ListArticles {} {of} {canonical}", ctx.tenant, bound(ctx));
    let page = Page::<Id>::parse(&app.sealer, &purpose, list.page_size, list.page_token)?;
    let found = store_shown::list(&mut db, ctx, &sight, filter.as_ref(), original, &page).await?;
    let (found, next) = page.finish(&app.sealer, &purpose, found, |it| it.article.id)?;
    let told = tell(&mut db, ctx, found).await?;
    db.keep();
    Ok((told, next))
}

/// A page of an article's revisions, the newest first, and where the next one begins.
pub async fn revisions(
    app: &App,
    ctx: &Ctx,
    reference: Reference,
    size: i32,
    token: &str,
) -> Result<(Vec<Told>, String)> {
    let mut db = app.db.read(&ctx.tenant).await?;
    let sight = sight(app, &mut db, ctx).await?;
    let found = store_shown::find(&mut db, ctx, &sight, reference, Which::Latest).await?;
    let article = found.ok_or_else(|| missing(&ctx.tenant, reference))?.article.id;
    let purpose = format!("{} ListArticleRevisions {article} {}", ctx.tenant, bound(ctx));
    let page = Page::<i32>::parse(&app.sealer, &purpose, size, token)?;
    let found = store_shown::revisions(&mut db, ctx, &sight, article, &page).await?;
    let (found, next) = page.finish(&app.sealer, &purpose, found, |it| it.revision.revision)?;
    db.keep();
    Ok((found.into_iter().map(|shown| Told { shown, usage: None }).collect(), next))
}

/// A page of what tickets say of an article, without those that the caller may not see, and where the next one begins.
pub async fn links(
    app: &App,
    ctx: &Ctx,
    reference: Reference,
    size: i32,
    token: &str,
) -> Result<(Vec<Link>, String)> {
    let mut db = app.db.read(&ctx.tenant).await?;
    let sight = sight(app, &mut db, ctx).await?;
    let found = store_shown::find(&mut db, ctx, &sight, reference, Which::Latest).await?;
    let article = found.ok_or_else(|| missing(&ctx.tenant, reference))?.article.id;
    let purpose = format!("{} ListArticleLinks {article} {}", ctx.tenant, bound(ctx));
    let page = Page::<(Id, i64)>::parse(&app.sealer, &purpose, size, token)?;
    let found = store_links::list(&mut db, &ctx.tenant, article, &page).await?;
    let (mut links, next) =
        page.finish(&app.sealer, &purpose, found, |link| (link.ticket_id, link.version))?;
    let tickets: Vec<Id> = links.iter().map(|link| link.ticket_id).collect();
    let hidden = tickets::hidden(&mut db, ctx, &tickets).await?;
    links.retain(|link| !hidden.contains(&link.ticket_id));
    db.keep();
    Ok((links, next))
}

/// With what came of them, unless the caller is a customer.
pub async fn tell(db: &mut PgConnection, ctx: &Ctx, shown: Vec<Shown>) -> Result<Vec<Told>> {
    if ctx.actor.is_customer() {
        return Ok(shown.into_iter().map(|shown| Told { shown, usage: None }).collect());
    }
    let ids: Vec<Id> = shown.iter().map(|it| it.article.id).collect();
    let mut usage: HashMap<Id, Usage> = store_links::usage(db, &ctx.tenant, &ids).await?;
    let told = shown.into_iter().map(|shown| {
        let usage = usage.remove(&shown.article.id).unwrap_or_default();
        Told { shown, usage: Some(usage) }
    });
    Ok(told.collect())
}

/// What binds a page token to whoever sees as much.
fn bound(ctx: &Ctx) -> String {
    format!("{:?}:{}", ctx.actor.kind, ctx.actor.id)
}
