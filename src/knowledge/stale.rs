//! When an article does not hold any more: too many of the tickets that its revision in use solved were opened again.

use super::{Article, store, store_links};
use crate::{configuration::KnowledgePolicy, db::Tx, error::Result, ids::Id, time::Time};

/// The rule.
fn decide(policy: &KnowledgePolicy, used: i64, reopened: i64) -> bool {
    policy.stale_reopen_count > 0
        && reopened >= i64::from(policy.stale_reopen_count)
        && reopened * 100 >= used * i64::from(policy.stale_reopen_percent)
}

/// These tickets were opened again, in this transaction: what solved them did not. Whoever opens another one that the same
/// article solved waits here, so that none of them counts without the other.
pub async fn reopened_in(tx: &mut Tx, policy: &KnowledgePolicy, tickets: &[Id], now: Time) -> Result<()> {
    let mut articles = store_links::reopen(tx, tickets, now).await?;
    articles.sort_unstable();
    articles.dedup();
    if articles.is_empty() {
        return Ok(());
    }
    for article in store::lock_all(tx, &articles).await? {
        let Some(revision) = article.published_revision.filter(|_| article.stale_time.is_none()) else {
            continue;
        };
        let (used, reopened) = store_links::tally(tx, article.id, revision).await?;
        if decide(policy, used, reopened) {
            let version = article.version + 1;
            store::put(tx, &Article { version, update_time: now, stale_time: Some(now), ..article }).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_so_many_and_so_many_of_a_hundred() {
        let policy =
            |count, percent| KnowledgePolicy { stale_reopen_count: count, stale_reopen_percent: percent };
        for (count, percent, used, reopened, stale) in [
            (3, 25, 12, 3, true),
            (3, 25, 13, 3, false),
            (3, 25, 2, 2, false),
            (3, 25, 3, 3, true),
            (1, 1, 100, 1, true),
            (1, 1, 101, 1, false),
            (1, 100, 1, 1, true),
            (0, 1, 9, 9, false),
        ] {
            assert_eq!(
                decide(&policy(count, percent), used, reopened),
                stale,
                "{count} {percent} {used} {reopened}"
            );
        }
        assert!(!decide(&KnowledgePolicy::default(), 0, 0));
    }
}
