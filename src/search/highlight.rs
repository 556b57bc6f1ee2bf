//! Where in a text the words stand that were asked for, and which piece of it shows them best.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    grams,
    model::{Group, Kin, Plan},
    store_find,
    words::{cut, fold, spans},
};
use crate::{db::Tx, error::Result};

/// Characters of a snippet.
const LENGTH: usize = 200;
/// Characters before its first word that was found.
const BEFORE: usize = 40;
/// Bytes of a text in which is looked.
const LONGEST: usize = 1 << 16;
/// Words that are marked in a snippet.
const MOST_MARKS: usize = 20;

/// A piece of a text. Places count characters, as Unicode counts them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    pub text: String,
    /// Where it begins in the whole.
    pub begin: usize,
    /// From where to where in the piece a word stands that was asked for.
    pub marks: Vec<(usize, usize)>,
}

/// For each text, the piece that shows what was asked for; `None`: nothing of it is in there.
pub async fn highlight_in(tx: &mut Tx, plan: &Plan, texts: &[&str]) -> Result<Vec<Option<Snippet>>> {
    let texts: Vec<&str> = texts.iter().map(|text| cut(text, LONGEST)).collect();
    let mut words = BTreeSet::new();
    for text in &texts {
        let all = spans(text).map(|(begin, end)| &text[begin..end]);
        words.extend(all.filter(|word| may_answer(plan, word)));
    }
    let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    let mut meant: HashMap<String, bool> = HashMap::new();
    if !words.is_empty() {
        for found in store_find::stems(tx, &words).await? {
            let folded = fold(&found.word);
            let forms: Vec<String> = found.stems.iter().filter_map(|stem| fold(stem)).chain(folded).collect();
            meant.insert(found.word, forms.iter().any(|form| plan.groups.iter().any(|it| answers(it, form))));
        }
    }
    let meant: HashSet<&str> =
        meant.iter().filter(|(_, meant)| **meant).map(|(word, _)| word.as_str()).collect();
    Ok(texts.iter().map(|text| snippet(text, |word| meant.contains(word))).collect())
}

/// Whether it is worth to have the word cut down: stems begin as their words do.
fn may_answer(plan: &Plan, word: &str) -> bool {
    let Some(word) = fold(word) else { return false };
    let begin: String = word.chars().take(3).collect();
    plan.groups.iter().any(|group| {
        let all = group.forms.iter().chain(group.terms.iter().map(|term| &term.word));
        let mut all = all.filter(|it| !it.is_empty());
        all.any(|it| it.starts_with(&begin) || word.contains(it.as_str()))
            || group.near && answers(group, &word)
    })
}

fn answers(group: &Group, form: &str) -> bool {
    group.terms.iter().any(|term| term.word == form)
        || match grams::kin(group, form) {
            Some(Kin::Same | Kin::Begins | Kin::Part) => true,
            // What is near is marked only where nothing nearer was found.
            Some(Kin::Near) => group.terms.is_empty(),
            None => false,
        }
}

/// The piece of the text with the most words that are meant, not too long, cut between words.
fn snippet(text: &str, meant: impl Fn(&str) -> bool) -> Option<Snippet> {
    let mut at = 0;
    let mut from = 0;
    // Places in characters, found in one pass.
    let mut place = |byte: usize| {
        at += text[from..byte].chars().count();
        from = byte;
        at
    };
    let words: Vec<(usize, usize, bool)> =
        spans(text).map(|(begin, end)| (place(begin), place(end), meant(&text[begin..end]))).collect();
    let marks: Vec<(usize, usize)> = words.iter().filter(|it| it.2).map(|it| (it.0, it.1)).collect();
    let window =
        |begin: usize| marks.iter().filter(move |it| it.0 >= begin && it.1 <= begin + LENGTH - BEFORE);
    // Of two that show as many, the first.
    let best = marks.iter().map(|it| it.0).rev().max_by_key(|begin| window(*begin).count())?;
    let begin = words.iter().map(|it| it.0).find(|begin| best - begin.min(&best) <= BEFORE).unwrap_or(best);
    let begin = if best <= BEFORE { 0 } else { begin };
    let last = words.iter().take_while(|it| it.1 <= begin + LENGTH).last().map_or(best, |it| it.1);
    let whole = text.chars().count();
    let end = if whole <= begin + LENGTH { whole } else { last.max(best + 1) };
    let piece = text.chars().skip(begin).take((end - begin).min(LENGTH)).collect();
    let inside = marks.iter().filter(|it| it.0 >= begin && it.1 <= end.min(begin + LENGTH));
    let marks: Vec<(usize, usize)> = inside.take(MOST_MARKS).map(|it| (it.0 - begin, it.1 - begin)).collect();
    Some(Snippet { text: piece, begin, marks })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marked(text: &str, word: &str) -> Option<(String, Vec<String>)> {
        let found = snippet(text, |it| it == word)?;
        let chars: Vec<char> = found.text.chars().collect();
        let marks = found.marks.iter().map(|(begin, end)| chars[*begin..*end].iter().collect()).collect();
        Some((found.text, marks))
    }

    #[test]
    fn a_short_text_is_shown_whole() {
        let text = "Der Drucker, ein großer Drucker.";
        assert_eq!(marked(text, "Drucker"), Some((text.to_owned(), vec!["Drucker".to_owned(); 2])));
        assert_eq!(marked(text, "Maus"), None);
        assert_eq!(marked("", "Maus"), None);
    }

    #[test]
    fn of_a_long_text_the_piece_with_most_is_shown() {
        let filler = "Wörter ohne Belang ".repeat(40);
        let text = format!("Maus {filler} Maus und Maus {filler}");
        let (piece, marks) = marked(&text, "Maus").expect("found");
        assert_eq!(marks.len(), 2);
        assert!(piece.chars().count() <= LENGTH && piece.contains("Maus und Maus"), "{piece}");
    }

    proptest! {
        /// Whatever the text, marks are words that are meant, and the piece is a piece of the text.
        #[test]
        fn marks_are_where_words_are(text in "([a-c]{1,4}[ ,.ä]{0,3}){0,120}") {
            if let Some(found) = snippet(&text, |word| word.starts_with("ab")) {
                let chars: Vec<char> = found.text.chars().collect();
                prop_assert!(!found.marks.is_empty());
                for (begin, end) in &found.marks {
                    let word: String = chars[*begin..*end].iter().collect();
                    prop_assert!(word.starts_with("ab"));
                }
                let whole: String = text.chars().skip(found.begin).take(chars.len()).collect();
                prop_assert_eq!(whole, found.text);
            }
        }
    }
}
