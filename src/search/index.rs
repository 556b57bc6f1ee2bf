//! Texts into the index and out of it. What changes is compared with what is known, so that a text that is written again
//! costs what is new in it; a word that stands nowhere any more is forgotten with its last place.

use std::collections::{BTreeSet, HashMap};

use super::{
    model::{Bag, Corpus, Document, Passage, Read, Weight},
    store::{self, Place},
    store_find::{self, Lexed},
    words::{Grammar, cut, fewer, fold},
};
use crate::{db::Tx, error::Result, ids::Id};

/// What is read of a passage, bytes.
const LONGEST: usize = 1 << 17;
/// Words that are kept of a document.
const MOST_WORDS: usize = 5000;

/// The words of documents, whether the index has them or not.
pub async fn read_in(tx: &mut Tx, documents: &[Document]) -> Result<Vec<Read>> {
    let mut texts = Vec::new();
    let mut grammars = Vec::new();
    for document in documents {
        for passage in &document.passages {
            for grammar in Grammar::of(&document.language_code) {
                texts.push(cut(&passage.text, LONGEST).to_owned());
                grammars.push(grammar.name().to_owned());
            }
        }
    }
    let lexed = store_find::lex(tx, &texts, &grammars).await?;
    let mut lexed: HashMap<usize, Lexed> = lexed.into_iter().map(|it| (it.n as usize - 1, it)).collect();
    let mut place = 0;
    let read = documents.iter().map(|document| {
        let readings = Grammar::of(&document.language_code).len();
        let mut of = |_: &Passage| -> Vec<Option<Lexed>> {
            let of = (place..place + readings).map(|n| lexed.remove(&n)).collect();
            place += readings;
            of
        };
        let lexed: Vec<Vec<Option<Lexed>>> = document.passages.iter().map(&mut of).collect();
        Read { id: document.id, words: gather(&document.passages, &lexed) }
    });
    Ok(read.collect())
}

/// The words of a document, of which each passage was read by one grammar, or by two of which the better counts.
fn gather(passages: &[Passage], lexed: &[Vec<Option<Lexed>>]) -> Bag {
    let left = |grammar: usize| {
        let read = lexed.iter().filter_map(|readings| readings.get(grammar)?.as_ref());
        read.flat_map(|it| &it.counts).map(|count| *count as usize).sum::<usize>()
    };
    let two = lexed.first().is_some_and(|readings| readings.len() == 2);
    let chosen = if two { fewer([left(0), left(1)]) } else { None };
    let mut bag = Bag::new();
    for (passage, readings) in passages.iter().zip(lexed) {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for (grammar, read) in readings.iter().enumerate() {
            let Some(read) = read.as_ref().filter(|_| chosen.is_none_or(|chosen| chosen == grammar)) else {
                continue;
            };
            for (word, count) in read.words.iter().zip(&read.counts) {
                let Some(word) = fold(word) else { continue };
                let most = counts.entry(word).or_default();
                *most = (*count as usize).max(*most);
            }
        }
        for (word, count) in counts {
            bag.entry(word).or_default().add(passage.field, passage.hidden, count);
        }
    }
    if bag.len() > MOST_WORDS {
        let mut words: Vec<(String, Weight)> = bag.into_iter().collect();
        words.sort_by(|a, b| b.1.whole.cmp(&a.1.whole).then_with(|| a.0.cmp(&b.0)));
        words.truncate(MOST_WORDS);
        bag = words.into_iter().collect();
    }
    bag
}

/// Makes the index say what these documents say now, each once. One without words is not in it.
pub async fn index_in(tx: &mut Tx, corpus: Corpus, documents: &[Document]) -> Result<()> {
    if documents.is_empty() {
        return Ok(());
    }
    store::lock(tx, corpus).await?;
    let read = read_in(tx, documents).await?;
    replace(tx, corpus, &read).await
}

/// Takes these documents out of the index.
pub async fn forget_in(tx: &mut Tx, corpus: Corpus, ids: &[Id]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    store::lock(tx, corpus).await?;
    let gone: Vec<Read> = ids.iter().map(|id| Read { id: *id, words: Bag::new() }).collect();
    replace(tx, corpus, &gone).await
}

async fn replace(tx: &mut Tx, corpus: Corpus, read: &[Read]) -> Result<()> {
    let ids: Vec<Id> = read.iter().map(|it| it.id).collect();
    let known = store::known(tx, corpus, &ids).await?;
    let change = Difference::of(&known, read);
    if !change.new.is_empty() {
        let words: BTreeSet<&String> = change.new.iter().map(|(word, ..)| *word).collect();
        store::learn(tx, corpus, &words.into_iter().cloned().collect::<Vec<_>>()).await?;
        store::add_words(tx, corpus, &change.new).await?;
    }
    if !change.weighed.is_empty() {
        store::weigh_words(tx, corpus, &change.weighed).await?;
    }
    if !change.gone.is_empty() {
        store::drop_words(tx, corpus, &change.gone).await?;
    }
    if !change.documents.is_empty() {
        store::put_documents(tx, corpus, &change.documents).await?;
    }
    if !change.emptied.is_empty() {
        store::drop_documents(tx, corpus, &change.emptied).await?;
    }
    if change.more != 0 {
        store::count(tx, corpus, change.more).await?;
    }
    Ok(())
}

/// What must be written so that the index says something else of documents.
#[derive(Debug, Default)]
struct Difference<'a> {
    /// Words that a document did not have.
    new: Vec<Place<'a>>,
    /// Those that say something else of it than they did.
    weighed: Vec<Place<'a>>,
    gone: Vec<(String, Id)>,
    documents: Vec<&'a Read>,
    emptied: Vec<Id>,
    more: i64,
}

impl<'a> Difference<'a> {
    fn of(known: &HashMap<Id, Bag>, read: &'a [Read]) -> Self {
        let mut change = Self::default();
        let nothing = Bag::new();
        for document in read {
            let before = known.get(&document.id).unwrap_or(&nothing);
            if *before == document.words {
                continue;
            }
            for (word, weight) in &document.words {
                match before.get(word) {
                    None => change.new.push((word, document.id, *weight)),
                    Some(known) if known != weight => change.weighed.push((word, document.id, *weight)),
                    Some(_) => {}
                }
            }
            let gone = before.keys().filter(|word| !document.words.contains_key(*word));
            change.gone.extend(gone.map(|word| (word.clone(), document.id)));
            if document.words.is_empty() {
                change.emptied.push(document.id);
                change.more -= 1;
            } else {
                change.documents.push(document);
                change.more += i64::from(before.is_empty());
            }
        }
        change
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::search::Field;

    fn bag(words: &[(&str, i16)]) -> Bag {
        words.iter().map(|(word, whole)| ((*word).to_owned(), Weight { shown: 0, whole: *whole })).collect()
    }

    fn lexed(words: &[(&str, i32)]) -> Lexed {
        let (words, counts) = words.iter().map(|(word, count)| ((*word).to_owned(), *count)).unzip();
        Lexed { n: 1, words, counts }
    }

    #[test]
    fn what_is_the_same_is_not_written_again() {
        let id = |n: u128| Id(Uuid::from_u128(n));
        let known = HashMap::from([
            (id(1), bag(&[("a", 1), ("b", 1)])),
            (id(2), bag(&[("a", 1)])),
            (id(3), bag(&[("a", 1)])),
        ]);
        let read = [
            Read { id: id(1), words: bag(&[("a", 2), ("c", 1)]) },
            Read { id: id(2), words: bag(&[("a", 1)]) },
            Read { id: id(3), words: Bag::new() },
            Read { id: id(4), words: bag(&[("a", 1)]) },
        ];
        let change = Difference::of(&known, &read);
        let named = |places: &[Place<'_>]| -> Vec<(String, u128)> {
            places.iter().map(|it| (it.0.clone(), it.1.0.as_u128())).collect()
        };
        assert_eq!(named(&change.new), [("c".to_owned(), 1), ("a".to_owned(), 4)]);
        assert_eq!(named(&change.weighed), [("a".to_owned(), 1)]);
        assert_eq!(change.gone, [("b".to_owned(), id(1)), ("a".to_owned(), id(3))]);
        assert_eq!((change.emptied, change.more), (vec![id(3)], 0));
        assert_eq!(change.documents.iter().map(|it| it.id).collect::<Vec<_>>(), [id(1), id(4)]);
    }

    #[test]
    fn of_two_readings_the_better_counts_for_the_whole_document() {
        let passage = |field, hidden| Passage { field, hidden, text: String::new() };
        let passages = [passage(Field::Title, false), passage(Field::Talk, true)];
        // "Drucker", and then a sentence with small words that German leaves out.
        let lexed = [
            vec![Some(lexed(&[("druck", 1)])), Some(lexed(&[("drucker", 1)]))],
            vec![Some(lexed(&[("defekt", 1)])), Some(lexed(&[("der", 1), ("defekt", 1), ("ist", 1)]))],
        ];
        let words = gather(&passages, &lexed);
        assert_eq!(words.keys().collect::<Vec<_>>(), ["defekt", "druck"]);
        assert!(words["druck"].shown > 0 && words["defekt"].shown == 0 && words["defekt"].whole > 0);
        let told = gather(&passages[..1], &lexed[..1]);
        assert_eq!(told.keys().collect::<Vec<_>>(), ["druck", "drucker"], "both, where it cannot be told");
    }
}
