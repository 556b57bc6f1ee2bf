//! Which documents a plan finds. Of each word the newest documents are looked at, so that no word costs more than another;
//! whether a document that another word found has a common word, too, is looked up.

use uuid::Uuid;

use super::{
    grams,
    model::{COMMON, Group, Hit, Kin, Plan, Read, Term},
    rank::Board,
    store_find,
};
use crate::{db::Tx, error::Result, ids::Id};

/// Documents that are looked at for a word that only answers to one that was asked for.
const BOUND_ALIKE: i64 = 500;
/// Documents in which common words are looked up.
const LOOKED_UP: usize = 500;

/// Where to look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// Among these alone; `None`: among all.
    pub among: Option<&'a [Id]>,
    /// None that is newer.
    pub until: Option<Id>,
    /// What the index may say otherwise, or not know yet: it is as it is here.
    pub read: &'a [Read],
}

/// The documents that answer, the best first; among equals the newest.
pub async fn find_in(tx: &mut Tx, plan: &Plan, scope: Scope<'_>, limit: usize) -> Result<Vec<Hit>> {
    let terms: Vec<(usize, &Term)> = plan
        .groups
        .iter()
        .enumerate()
        .flat_map(|(n, group)| group.terms.iter().map(move |term| (n, term)))
        .collect();
    let mut board = Board::new(plan);
    match scope.among {
        Some(ids) => {
            let before = vec![Id(Uuid::max()); terms.len()];
            look_up(tx, plan, &terms, &before, ids, &mut board).await?;
        }
        None => look(tx, plan, &terms, scope.until, &mut board).await?,
    }
    for read in scope.read {
        board.clear(read.id);
        if scope.among.is_none_or(|ids| ids.contains(&read.id)) {
            note(plan, read, &mut board);
        }
    }
    let mut hits = board.hits();
    hits.retain(|hit| scope.until.is_none_or(|until| hit.id <= until));
    hits.truncate(limit);
    Ok(hits)
}

/// The newest that have each term; what has some of the words, and may have a common one, too, is looked up.
async fn look(
    tx: &mut Tx,
    plan: &Plan,
    terms: &[(usize, &Term)],
    until: Option<Id>,
    board: &mut Board<'_>,
) -> Result<()> {
    if terms.is_empty() {
        return Ok(());
    }
    let words: Vec<String> = terms.iter().map(|(_, term)| term.word.clone()).collect();
    let bound = |term: &Term| if term.kin == Kin::Same { COMMON } else { BOUND_ALIKE };
    let bounds: Vec<i64> = terms.iter().map(|(_, term)| bound(term)).collect();
    let until = until.unwrap_or(Id(Uuid::max()));
    let found = store_find::postings(tx, plan.corpus, &words, &bounds, plan.hidden, until).await?;
    let (mut cut, mut before) = (Vec::new(), Vec::new());
    for (((group, term), bound), postings) in terms.iter().zip(&bounds).zip(&found) {
        for (id, weight) in postings.ids.iter().zip(&postings.weights) {
            board.note(*group, term, *id, *weight);
        }
        if postings.ids.len() as i64 == *bound {
            // From the oldest of them on, it is known who has it.
            before.extend(postings.ids.iter().min());
            cut.push((*group, *term));
        }
    }
    if cut.is_empty() || plan.groups.len() < 2 {
        return Ok(());
    }
    let best: Vec<Id> = board.hits().iter().take(LOOKED_UP).map(|hit| hit.id).collect();
    look_up(tx, plan, &cut, &before, &best, board).await
}

/// Which of these documents have which terms, each before the id at the same place.
async fn look_up(
    tx: &mut Tx,
    plan: &Plan,
    terms: &[(usize, &Term)],
    before: &[Id],
    ids: &[Id],
    board: &mut Board<'_>,
) -> Result<()> {
    if terms.is_empty() || ids.is_empty() {
        return Ok(());
    }
    let words: Vec<String> = terms.iter().map(|(_, term)| term.word.clone()).collect();
    for place in store_find::places(tx, plan.corpus, &words, before, ids, plan.hidden).await? {
        let (group, term) = terms[place.n as usize - 1];
        board.note(group, term, place.id, place.weight);
    }
    Ok(())
}

/// What is read of a document answers as the index would, had it been asked.
fn note(plan: &Plan, read: &Read, board: &mut Board<'_>) {
    for (n, group) in plan.groups.iter().enumerate() {
        for (word, weight) in &read.words {
            if let Some(term) = answer(group, word) {
                board.note(n, &term, read.id, weight.seen(plan.hidden));
            }
        }
    }
}

fn answer(group: &Group, word: &str) -> Option<Term> {
    let known = group.terms.iter().find(|term| term.word == *word).cloned();
    known.or_else(|| Some(Term { word: word.to_owned(), kin: grams::kin(group, word)?, found: 1 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::{Bag, Corpus, Wanted, model::Weight};

    #[test]
    fn what_the_index_does_not_know_yet_answers_like_the_rest() {
        let group = |typed: &str, forms: &[&str]| Group {
            typed: typed.to_owned(),
            forms: forms.iter().map(|it| (*it).to_owned()).collect(),
            ..Group::default()
        };
        let plan = Plan {
            corpus: Corpus::Tickets,
            wanted: Wanted::All,
            hidden: false,
            documents: 0,
            groups: vec![group("drucker", &["druck"]), group("papier", &["papi"])],
        };
        let read = |n, words: &[(&str, i16)]| Read {
            id: Id(Uuid::from_u128(n)),
            words: words
                .iter()
                .map(|(word, shown)| ((*word).to_owned(), Weight { shown: *shown, whole: 40 }))
                .collect::<Bag>(),
        };
        let mut board = Board::new(&plan);
        for read in [
            read(1, &[("druck", 40), ("papi", 0)]),
            read(2, &[("netzwerkdruck", 40), ("papi", 40)]),
            read(3, &[("maus", 40)]),
        ] {
            note(&plan, &read, &mut board);
        }
        let found: Vec<u128> = board.hits().iter().map(|hit| hit.id.0.as_u128()).collect();
        assert_eq!(found, [2, 1], "a part of a compound, and nothing by a hidden word");
    }
}
