//! How well a document answers: by how rare its words are, by where they stand in it, and by how exactly they answer.

use std::collections::HashMap;

use super::model::{Field, Group, Hit, Kin, Plan, Term, Wanted, Weight};
use crate::ids::Id;

/// What each word that was asked for and is there at all counts, if all are wanted: more than any rarity.
const EACH: i64 = 1_000_000;
/// The weight at which a word has said half of what it can.
const HALF: f64 = 40.0;

impl Field {
    fn weight(self) -> f64 {
        match self {
            Self::Title => 40.0,
            Self::Body => 15.0,
            Self::Talk => 8.0,
        }
    }
}

impl Weight {
    /// With `count` more of the word in such a passage: twice as often is not twice as much.
    pub fn add(&mut self, field: Field, hidden: bool, count: usize) {
        let more = (field.weight() * (1.0 + (count.max(1) as f64).ln())).round() as i16;
        self.whole = self.whole.saturating_add(more);
        if !hidden {
            self.shown = self.shown.saturating_add(more);
        }
    }

    /// As far as the search may look.
    pub fn seen(self, hidden: bool) -> i16 {
        if hidden { self.whole } else { self.shown }
    }
}

impl Kin {
    fn share(self) -> f64 {
        match self {
            Self::Same => 1.0,
            Self::Begins => 0.8,
            Self::Part => 0.6,
            Self::Near => 0.5,
        }
    }
}

/// What a word adds that stands in a document with this weight.
fn gain(plan: &Plan, kin: Kin, found: i64, weight: i16) -> f64 {
    let rare = (1.0 + plan.documents.max(1) as f64 / found.max(1) as f64).ln();
    let weight = f64::from(weight);
    kin.share() * rare * weight / (weight + HALF)
}

/// The best gain of each document for each word that was asked for.
#[derive(Debug)]
pub struct Board<'a> {
    plan: &'a Plan,
    groups: Vec<HashMap<Id, f64>>,
}

impl<'a> Board<'a> {
    pub fn new(plan: &'a Plan) -> Self {
        Self { plan, groups: vec![HashMap::new(); plan.groups.len()] }
    }

    /// This document has this term.
    pub fn note(&mut self, group: usize, term: &Term, id: Id, weight: i16) {
        if weight > 0 {
            let gain = gain(self.plan, term.kin, term.found, weight);
            let best = self.groups[group].entry(id).or_insert(0.0);
            *best = best.max(gain);
        }
    }

    /// What is known of this document from elsewhere is not so.
    pub fn clear(&mut self, id: Id) {
        for group in &mut self.groups {
            group.remove(&id);
        }
    }

    /// All that have anything, the best first; among equals the newest.
    pub fn hits(&self) -> Vec<Hit> {
        let mut sums: HashMap<Id, i64> = HashMap::new();
        for group in &self.groups {
            for (id, gain) in group {
                *sums.entry(*id).or_default() += worth(self.plan.wanted, *gain);
            }
        }
        let mut hits: Vec<Hit> = sums.into_iter().map(|(id, score)| Hit { score, id }).collect();
        hits.sort_unstable_by(|a, b| b.cmp(a));
        hits
    }
}

/// Whole numbers: they add up the same in any order.
fn worth(wanted: Wanted, gain: f64) -> i64 {
    let gain = ((gain * 1000.0).round() as i64).clamp(1, EACH - 1);
    match wanted {
        Wanted::All => EACH + gain,
        Wanted::Any => gain,
    }
}

/// How rare a group's rarest exact word is; what nobody has says nothing.
pub fn rarity(group: &Group) -> i64 {
    group.terms.iter().map(|term| term.found).filter(|found| *found > 0).min().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::search::Corpus;

    fn id(n: u128) -> Id {
        Id(Uuid::from_u128(n))
    }

    fn term(kin: Kin, found: i64) -> Term {
        Term { word: String::new(), kin, found }
    }

    fn plan(wanted: Wanted, words: usize) -> Plan {
        Plan {
            corpus: Corpus::Tickets,
            wanted,
            hidden: true,
            documents: 100_000,
            groups: vec![Group::default(); words],
        }
    }

    fn order(hits: &[Hit]) -> Vec<u128> {
        hits.iter().map(|hit| hit.id.0.as_u128()).collect()
    }

    #[test]
    fn the_title_says_more_than_a_comment_and_twice_is_not_double() {
        let weight = |field, count| {
            let mut weight = Weight::default();
            weight.add(field, false, count);
            weight.whole
        };
        assert!(weight(Field::Title, 1) > weight(Field::Body, 1));
        assert!(weight(Field::Body, 1) > weight(Field::Talk, 1));
        assert!(weight(Field::Body, 2) < 2 * weight(Field::Body, 1));
        let mut hidden = Weight::default();
        hidden.add(Field::Talk, true, 3);
        assert_eq!((hidden.seen(false), hidden.seen(true) > 0), (0, true));
    }

    #[test]
    fn who_has_all_words_comes_before_who_has_the_rarest() {
        let plan = plan(Wanted::All, 2);
        let mut board = Board::new(&plan);
        board.note(0, &term(Kin::Same, 50_000), id(1), 8);
        board.note(1, &term(Kin::Near, 50_000), id(1), 8);
        board.note(0, &term(Kin::Same, 1), id(2), 300);
        assert_eq!(order(&board.hits()), [1, 2]);
        assert!(board.hits()[0].score < 4 * EACH);
    }

    #[test]
    fn of_a_text_the_rare_words_count() {
        let plan = plan(Wanted::Any, 2);
        let mut board = Board::new(&plan);
        board.note(0, &term(Kin::Same, 50_000), id(1), 8);
        board.note(1, &term(Kin::Same, 50_000), id(1), 8);
        board.note(0, &term(Kin::Same, 1), id(2), 300);
        assert_eq!(order(&board.hits()), [2, 1]);
    }

    #[test]
    fn exact_before_alike_and_newest_among_equals() {
        let plan = plan(Wanted::All, 1);
        let mut board = Board::new(&plan);
        for (n, kin) in [(1, Kin::Near), (2, Kin::Part), (3, Kin::Begins), (4, Kin::Same), (5, Kin::Same)] {
            board.note(0, &term(kin, 10), id(n), 40);
        }
        board.note(0, &term(Kin::Same, 10), id(9), 0);
        assert_eq!(order(&board.hits()), [5, 4, 3, 2, 1], "and not what is hidden from the search");
        board.clear(id(4));
        assert_eq!(order(&board.hits()), [5, 3, 2, 1]);
    }
}
