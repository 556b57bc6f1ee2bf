//! The SQL that reads articles for callers: who sees which is one condition for one, many and lists. Put together at run
//! time, because filters are; what callers wrote is bound, never part of the text.

use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::{
    model::Reference,
    sight::{Levels, Sight},
    store::Shown,
};
use crate::{
    ctx::Ctx,
    error::Result,
    filter::{Expr, Scope},
    ids::Id,
    seal::Page,
};

/// Which revision of an article is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Latest,
    /// The one in use; an article of which none is, is not shown.
    Published,
    Number(i32),
}

/// As [`Which`], without what is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Title,
    Full,
}

/// One article, if the caller sees this revision of it.
pub async fn find(
    db: &mut PgConnection,
    ctx: &Ctx,
    sight: &Sight,
    reference: Reference,
    which: Which,
) -> Result<Option<Shown>> {
    let mut query = select(ctx, sight, which, View::Full);
    match reference {
        Reference::Id(id) => query.push(" and a.id = ").push_bind(id),
        Reference::Number(number) => query.push(" and a.number = ").push_bind(number),
    };
    Ok(query.build_query_as().fetch_optional(db).await?)
}

/// Those of these articles that the caller sees, in no order.
pub async fn find_all(
    db: &mut PgConnection,
    ctx: &Ctx,
    sight: &Sight,
    ids: &[Id],
    which: Which,
) -> Result<Vec<Shown>> {
    let mut query = select(ctx, sight, which, View::Title);
    query.push(" and a.id = any(").push_bind(ids.to_vec()).push(")");
    Ok(query.build_query_as().fetch_all(db).await?)
}

/// The newest of those in use that are for a category, of those that the caller sees.
pub async fn of_category(
    db: &mut PgConnection,
    ctx: &Ctx,
    sight: &Sight,
    category: &str,
    limit: i64,
) -> Result<Vec<Shown>> {
    let mut query = select(ctx, sight, Which::Published, View::Title);
    query.push(" and r.issue_time is not null and r.category = ").push_bind(category.to_owned());
    query.push(" order by r.article_id desc limit ").push_bind(limit);
    Ok(query.build_query_as().fetch_all(db).await?)
}

/// The next articles behind one, the newest first.
pub async fn list(
    db: &mut PgConnection,
    ctx: &Ctx,
    sight: &Sight,
    filter: Option<&Expr>,
    translation_of: Option<Id>,
    page: &Page<Id>,
) -> Result<Vec<Shown>> {
    let mut query = select(ctx, sight, Which::Latest, View::Title);
    if let Some(filter) = filter {
        query.push(" and ");
        filter.push_sql(&mut query, &Scope { now: *ctx.now, me: &ctx.actor.id });
    }
    if let Some(original) = translation_of {
        query.push(" and a.translation_of = ").push_bind(original);
    }
    if let Some(after) = page.after {
        query.push(" and a.id < ").push_bind(after);
    }
    query.push(" order by a.id desc limit ").push_bind(page.limit());
    Ok(query.build_query_as().fetch_all(db).await?)
}

/// The revisions of an article, the newest first.
pub async fn revisions(
    db: &mut PgConnection,
    ctx: &Ctx,
    sight: &Sight,
    article: Id,
    page: &Page<i32>,
) -> Result<Vec<Shown>> {
    let mut query = begin(View::Title);
    query.push(" where a.tenant_id = ").push_bind(ctx.tenant.as_str().to_owned());
    push_sight(&mut query, sight);
    query.push(" and a.id = ").push_bind(article);
    if let Some(after) = page.after {
        query.push(" and r.revision < ").push_bind(after);
    }
    query.push(" order by r.revision desc limit ").push_bind(page.limit());
    Ok(query.build_query_as().fetch_all(db).await?)
}

fn select(ctx: &Ctx, sight: &Sight, which: Which, view: View) -> QueryBuilder<Postgres> {
    let mut query = begin(view);
    query.push(" where a.tenant_id = ").push_bind(ctx.tenant.as_str().to_owned());
    match which {
        // A customer's latest is what is in use.
        Which::Latest if *sight != Sight::Customer => query.push(" and r.revision = a.latest_revision"),
        Which::Latest | Which::Published => query.push(" and r.revision = a.published_revision"),
        Which::Number(number) => query.push(" and r.revision = ").push_bind(number),
    };
    push_sight(&mut query, sight);
    query
}

fn begin(view: View) -> QueryBuilder<Postgres> {
    let body = if view == View::Full { "r.body" } else { "''" };
    QueryBuilder::new(format!(
        "select a.*, r.article_id, r.revision, r.kind, r.audience, r.lowest_level, r.category, r.product, r.title,
                {body} as body, r.unrevised, r.source_revision, r.author_kind, r.author_id, r.revise_time, r.issue_time,
                coalesce(o.published_revision > r.source_revision, false) as outdated
         from articles a
         join article_revisions r on r.tenant_id = a.tenant_id and r.article_id = a.id
         left join articles o on o.tenant_id = a.tenant_id and o.id = a.translation_of"
    ))
}

/// [`Sight::covers`], as SQL.
fn push_sight(query: &mut QueryBuilder<Postgres>, sight: &Sight) {
    match sight {
        Sight::Customer => {
            query.push(" and r.revision = a.published_revision and r.audience in ('CUSTOMER', 'PUBLIC')");
        }
        Sight::House { levels: Levels::All, .. } => {}
        Sight::House { levels: Levels::These(levels), kind, id } => {
            query.push(" and (r.lowest_level = any(").push_bind(levels.clone());
            query.push(") or (r.author_kind = ").push_bind(*kind);
            query.push(" and r.author_id = ").push_bind(id.clone()).push("))");
        }
    }
}
