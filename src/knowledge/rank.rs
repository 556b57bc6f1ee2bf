//! Which articles suit a ticket best: by words, category, product and language, and by what came of them before.

use super::model::Usage;
use crate::{configuration::Configuration, ids::Id};

/// What each counts of 1.
const WORDS: f64 = 0.6;
const CATEGORY: f64 = 0.15;
const PRODUCT: f64 = 0.1;
const SUCCESS: f64 = 0.15;
/// What is left of an article in another language, and of one that does not hold any more.
const FOREIGN: f64 = 0.7;
const STALE: f64 = 0.5;

/// What is known of an article that may suit.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    pub id: Id,
    /// How well its words answer, of 1 for the best; 0: not at all.
    pub words: f64,
    /// How near its category is, of 1.
    pub category: f64,
    pub product: bool,
    pub foreign: bool,
    pub stale: bool,
    pub usage: Usage,
}

impl Candidate {
    /// The rule: a sum, of which as much is left as the article is to be trusted.
    pub fn score(&self) -> f64 {
        let sum = WORDS * self.words
            + CATEGORY * self.category
            + PRODUCT * f64::from(u8::from(self.product))
            + SUCCESS * success(&self.usage);
        sum * if self.foreign { FOREIGN } else { 1.0 } * if self.stale { STALE } else { 1.0 }
    }
}

/// How often it helped of how often it was tried, of 1. Of one that nobody tried nothing is known: a half.
fn success(usage: &Usage) -> f64 {
    let good = (usage.used - usage.reopened + usage.deflections).max(0) as f64;
    let bad = (usage.reopened + usage.did_not_help) as f64;
    (good + 1.0) / (good + bad + 2.0)
}

/// The candidates with their scores, the best first; among equals the newest.
pub fn rank(candidates: &[Candidate]) -> Vec<(f64, Id)> {
    let mut ranked: Vec<(f64, Id)> = candidates.iter().map(|it| (it.score(), it.id)).collect();
    ranked.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(y.cmp(x)));
    ranked
}

/// How near an article's category is to a ticket's: the same, or a node on the way up from it, half as near with each step.
/// An article of no category is for all, and near to none.
pub fn nearness(configuration: &Configuration, ticket: &str, article: &str) -> f64 {
    let mut near = 1.0;
    let mut at = ticket.to_owned();
    // A tree has no more steps than nodes, also one that is none.
    for _ in 0..=configuration.document.categories.len() {
        if at.is_empty() || article.is_empty() {
            return 0.0;
        }
        if at == article {
            return near;
        }
        at = configuration.category(&at).map(|node| node.parent.clone()).unwrap_or_default();
        near /= 2.0;
    }
    0.0
}

/// Whether two languages are as good as one: `de-AT` and `de` are.
pub fn alike(one: &str, other: &str) -> bool {
    let primary = |code: &str| code.split(['-', '_']).next().unwrap_or_default().to_lowercase();
    one.is_empty() || other.is_empty() || primary(one) == primary(other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tickets::fixture;

    fn plain(n: u128) -> Candidate {
        Candidate {
            id: fixture::id(n),
            words: 0.5,
            category: 0.0,
            product: false,
            foreign: false,
            stale: false,
            usage: Usage::default(),
        }
    }

    fn order(candidates: &[Candidate]) -> Vec<u128> {
        rank(candidates).into_iter().map(|(_, id)| id.0.as_u128()).collect()
    }

    #[test]
    fn each_thing_counts_when_all_else_is_equal() {
        let used = |used, reopened, did_not_help| Usage { used, reopened, did_not_help, ..Usage::default() };
        for better in [
            Candidate { words: 0.6, ..plain(1) },
            Candidate { category: 0.5, ..plain(1) },
            Candidate { product: true, ..plain(1) },
            Candidate { usage: used(3, 0, 0), ..plain(1) },
            Candidate { usage: Usage { deflections: 2, ..Usage::default() }, ..plain(1) },
        ] {
            assert_eq!(order(&[plain(2), better]), [1, 2], "{better:?}");
        }
        for worse in [
            Candidate { stale: true, ..plain(1) },
            Candidate { foreign: true, ..plain(1) },
            Candidate { usage: used(3, 3, 0), ..plain(1) },
            Candidate { usage: used(0, 0, 2), ..plain(1) },
        ] {
            assert_eq!(order(&[worse, plain(2)]), [2, 1], "{worse:?}");
        }
        assert_eq!(order(&[plain(1), plain(3), plain(2)]), [3, 2, 1], "among equals the newest");
    }

    #[test]
    fn words_weigh_more_than_all_else_together() {
        let proven = Usage { used: 1000, ..Usage::default() };
        let known = Candidate { words: 0.0, category: 1.0, product: true, usage: proven, ..plain(1) };
        let said = Candidate { words: 1.0, ..plain(2) };
        assert_eq!(order(&[known, said]), [2, 1]);
    }

    #[test]
    fn a_category_is_near_to_those_below_it() {
        let near = |ticket: &str, article: &str| {
            (100.0 * nearness(fixture::configuration(), ticket, article)).round() as i64
        };
        for (ticket, article, percent) in [
            ("software.error", "software.error", 100),
            ("software.error", "software", 50),
            ("software", "software.error", 0),
            ("network", "software", 0),
            ("", "", 0),
            ("network", "", 0),
            ("", "network", 0),
            ("gone", "gone", 100),
        ] {
            assert_eq!(near(ticket, article), percent, "{ticket} {article}");
        }
    }

    #[test]
    fn a_country_makes_no_other_language() {
        for (one, other, same) in [
            ("de", "de-AT", true),
            ("DE", "de", true),
            ("de", "en", false),
            ("", "en", true),
            ("en_GB", "en", true),
        ] {
            assert_eq!(alike(one, other), same, "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn a_score_is_a_share_and_more_success_is_never_worse(
            words in 0.0..=1.0, category in 0.0..=1.0, product: bool, foreign: bool, stale: bool,
            used in 0..1000i64, reopened in 0..1000i64, did_not_help in 0..1000i64, deflections in 0..1000i64,
        ) {
            let usage = Usage { used, reopened: reopened.min(used), did_not_help, deflections, reused: 0 };
            let candidate = Candidate { id: fixture::id(1), words, category, product, foreign, stale, usage };
            prop_assert!((0.0..=1.0).contains(&candidate.score()));
            let once_more = Candidate { usage: Usage { used: used + 1, ..usage }, ..candidate };
            prop_assert!(once_more.score() >= candidate.score());
        }
    }
}
