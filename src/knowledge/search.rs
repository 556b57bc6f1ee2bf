//! Finding articles in use by words. What a caller may not see is neither found nor counted: the words of what is internal do
//! not answer a customer, and what is found is looked at by the same rule as everywhere.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{
    read::{self, Told, sight},
    store::Shown,
    store_shown::{self, Which},
};
use crate::{
    app::App,
    ctx::Ctx,
    error::{Error, Reason, Result, Violation},
    ids::Id,
    seal::Page,
    search::{self, Corpus, Hit, Plan, Scope, Wanted},
};

/// Bytes of what is asked.
pub const MAX_QUERY: usize = 512;
/// Articles that are found at most; who needs more than these asks something else.
const MOST: usize = 1000;

/// Where a page ended. The next one is ranked as the first was.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Cursor {
    plan: Plan,
    last: Hit,
}

/// An article that was found, and how well it suits.
#[derive(Clone, Debug)]
pub struct Found {
    pub told: Told,
    pub score: f64,
}

/// A page of what answers, the best first, and where the next one begins.
pub async fn search(
    app: &App,
    ctx: &Ctx,
    query: &str,
    size: i32,
    token: &str,
) -> Result<(Vec<Found>, String)> {
    check(query)?;
    let mut tx = app.db.read(&ctx.tenant).await?;
    let sight = sight(app, &mut tx, ctx).await?;
    let purpose = format!("{} SearchArticles {:?}:{} {query}", ctx.tenant, ctx.actor.kind, ctx.actor.id);
    let page = Page::<Cursor>::parse(&app.sealer, &purpose, size, token)?;
    let hidden = !ctx.actor.is_customer();
    let plan = match &page.after {
        Some(cursor) => cursor.plan.clone(),
        None => search::plan_in(&mut tx, Corpus::Articles, query, Wanted::All, hidden).await?,
    };
    if plan.is_empty() {
        let text = "has no word that tells one text from another".to_owned();
        let violation = Violation { field: "query".to_owned(), text };
        return Err(Error::Invalid(Reason::QueryWithoutWords, vec![violation]));
    }
    let mut hits = search::find_in(&mut tx, &plan, Scope::default(), MOST).await?;
    if let Some(cursor) = &page.after {
        hits.retain(|hit| *hit < cursor.last);
    }
    let ids: Vec<Id> = hits.iter().map(|hit| hit.id).collect();
    let seen = store_shown::find_all(&mut tx, ctx, &sight, &ids, Which::Published).await?;
    let mut seen: HashMap<Id, Shown> = seen.into_iter().map(|it| (it.article.id, it)).collect();
    hits.retain(|hit| seen.contains_key(&hit.id));
    hits.truncate(page.limit() as usize);
    let (hits, next) =
        page.finish(&app.sealer, &purpose, hits, |hit| Cursor { plan: plan.clone(), last: *hit })?;
    let shown: Vec<Shown> = hits.iter().filter_map(|hit| seen.remove(&hit.id)).collect();
    let told = read::tell(&mut tx, ctx, shown).await?;
    tx.keep();
    let found = hits.iter().zip(told).map(|(hit, told)| Found { told, score: hit.score as f64 });
    Ok((found.collect(), next))
}

/// Refuses what cannot be asked.
fn check(query: &str) -> Result<()> {
    let fault = if query.trim().is_empty() {
        "is required"
    } else if query.len() > MAX_QUERY {
        "must be at most 512 bytes"
    } else if query.contains('\0') {
        "must not contain NUL"
    } else {
        return Ok(());
    };
    Err(Error::field("query", fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_has_words_and_an_end() {
        assert!(check("Passwort zurücksetzen").is_ok());
        assert!(check(&"ä".repeat(256)).is_ok());
        for bad in ["", " \n", "a\0b", &"ä".repeat(257)] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
