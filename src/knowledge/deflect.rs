//! Somebody found the answer in an article and asked nobody. Counted in one of several rows, so that a popular article has no
//! row for which everybody waits; who it was is nobody's business.

use super::{
    Reference,
    model::missing,
    sight::Sight,
    store_links,
    store_shown::{self, Which},
};
use crate::{
    app::App,
    call::retrying,
    ctx::Ctx,
    error::{Reason, Refusal, Result},
    idempotency,
    ids::Id,
};

/// Rows of one article.
const SHARDS: u8 = 16;

/// Whether an earlier call did it.
pub async fn deflect(app: &App, ctx: &Ctx, reference: Reference) -> Result<bool> {
    retrying(|| attempt(app, ctx, reference)).await
}

async fn attempt(app: &App, ctx: &Ctx, reference: Reference) -> Result<bool> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let sight = Sight::of(&mut tx, &configuration, ctx).await?;
    // A customer sees what is in use alone.
    let found = store_shown::find(&mut tx, ctx, &sight, reference, Which::Latest).await?;
    let article = found.ok_or_else(|| missing(&ctx.tenant, reference))?.article;
    if article.published_revision.is_none() {
        let text = format!("no revision of the article {} is in use", article.number);
        let refusal = Refusal::new(Reason::ArticleNotUsable, text);
        return Err(refusal.with("state", article.state.name()).into());
    }
    let article = article.id;
    if idempotency::recall::<Id>(&mut tx, ctx).await?.is_some() {
        return Ok(true);
    }
    store_links::deflect(&mut tx, article, shard(app.ids.next())).await?;
    idempotency::keep(&mut tx, ctx, &article).await?;
    tx.commit().await?;
    Ok(false)
}

fn shard(id: Id) -> i16 {
    (id.0.as_bytes()[15] % SHARDS).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::Ids;

    #[test]
    fn whoever_comes_goes_to_one_of_a_few_rows() {
        let ids = Ids::sequential();
        let mut shards: Vec<i16> = (0..64).map(|_| shard(ids.next())).collect();
        shards.sort_unstable();
        shards.dedup();
        assert_eq!(shards, (0..i16::from(SHARDS)).collect::<Vec<_>>());
    }
}
