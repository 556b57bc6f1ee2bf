//! What a search looks for: the words that were typed, in each grammar, and the words of the index that answer to them.

use std::collections::HashSet;

use uuid::Uuid;

use super::{
    grams,
    model::{COMMON, Corpus, Group, Kin, Plan, Term, Wanted},
    rank, store_find,
    words::{GRAMMARS, cut, fold, spans},
};
use crate::{db::Tx, error::Result, ids::Id};

/// Words of a search that are looked for.
pub const MOST_WORDS: usize = 16;
/// Words of a text to which something alike is looked for, and how many of them, the rarest, count.
const MOST_OF_A_TEXT: usize = 64;
const RAREST: usize = 12;
/// Bytes of it that are looked at.
const LONGEST: usize = 1 << 13;
/// Words that begin so, or contain it, or are near it.
const MOST_ALIKE: usize = 12;
const MOST_NEAR: usize = 4;
/// Fewer documents than this, and the word may be misspelt.
const FEW: i64 = 3;
/// How far documents are counted; all above are common.
const COUNTED: i64 = COMMON;
const COUNTED_OF_A_TEXT: i64 = 300;
/// Letters after which a word may go on.
const BEGINNING: usize = 2;

/// What answers to this text. Empty, if it has no word that means anything.
pub async fn plan_in(tx: &mut Tx, corpus: Corpus, text: &str, wanted: Wanted, hidden: bool) -> Result<Plan> {
    let documents = store_find::documents(tx, corpus).await?;
    let all = |most| Counted { among: None, hidden, most };
    let mut groups = typed(tx, text, wanted).await?;
    match wanted {
        Wanted::All => {
            widen(tx, corpus, &mut groups).await?;
            count(tx, corpus, &mut groups, all(COUNTED)).await?;
            approach(tx, corpus, &mut groups, all(COUNTED)).await?;
        }
        Wanted::Any => {
            count(tx, corpus, &mut groups, all(COUNTED_OF_A_TEXT)).await?;
            groups.retain(|group| !group.terms.is_empty());
            groups.sort_by_key(rank::rarity);
            groups.truncate(RAREST);
        }
    }
    Ok(Plan { corpus, wanted, hidden, documents, groups })
}

/// What answers to this text among these documents, by what everybody may read of them; nothing of others has a part in it.
pub async fn plan_among_in(tx: &mut Tx, corpus: Corpus, text: &str, among: &[Id]) -> Result<Plan> {
    let among = Counted { among: Some(among), hidden: false, most: COUNTED };
    let mut groups = typed(tx, text, Wanted::All).await?;
    widen(tx, corpus, &mut groups).await?;
    count(tx, corpus, &mut groups, among).await?;
    approach(tx, corpus, &mut groups, among).await?;
    let documents = among.among.map_or(0, |among| among.len() as i64);
    Ok(Plan { corpus, wanted: Wanted::All, hidden: false, documents, groups })
}

/// Of which documents it is counted who has a word.
#[derive(Clone, Copy, Debug)]
struct Counted<'a> {
    among: Option<&'a [Id]>,
    hidden: bool,
    most: i64,
}

/// The words that were typed and mean anything, each with what it is cut down to.
async fn typed(tx: &mut Tx, text: &str, wanted: Wanted) -> Result<Vec<Group>> {
    let most = if wanted == Wanted::All { MOST_WORDS } else { MOST_OF_A_TEXT };
    let text = cut(text, LONGEST);
    let mut seen = HashSet::new();
    let words: Vec<&str> = text
        .split_whitespace()
        .filter(|word| fold(word).is_some_and(|it| seen.insert(it)))
        .take(most)
        .collect();
    let texts: Vec<String> = words.iter().flat_map(|word| GRAMMARS.map(|_| (*word).to_owned())).collect();
    let grammars: Vec<String> =
        words.iter().flat_map(|_| GRAMMARS.map(|grammar| grammar.name().to_owned())).collect();
    let mut read: Vec<Vec<String>> = vec![Vec::new(); texts.len()];
    for lexed in store_find::lex(tx, &texts, &grammars).await? {
        read[lexed.n as usize - 1] = lexed.words;
    }
    let whole = text.ends_with(char::is_whitespace) || wanted == Wanted::Any;
    let groups = words.iter().zip(read.chunks(GRAMMARS.len())).enumerate().filter_map(|(n, (word, read))| {
        let mut group = group(word, read)?;
        group.open = !whole && n + 1 == words.len() && group.typed.chars().count() >= BEGINNING;
        Some(group)
    });
    let mut groups: Vec<Group> = groups.collect();
    let mut known = HashSet::new();
    groups.retain(|group| known.insert(group.forms.clone()));
    Ok(groups)
}

/// A word as each grammar reads it. `None`: to one of them it means nothing.
fn group(word: &str, read: &[Vec<String>]) -> Option<Group> {
    if read.iter().any(Vec::is_empty) {
        return None;
    }
    let (begin, _) = spans(word).next()?;
    let (_, end) = spans(word).last()?;
    let typed = fold(&word[begin..end])?;
    let mut forms: Vec<String> = read.iter().flatten().filter_map(|it| fold(it)).collect();
    forms.sort();
    forms.dedup();
    // Of E-Mail, the mail.
    if forms.iter().any(|form| form.chars().count() > 1) {
        forms.retain(|form| form.chars().count() > 1);
    }
    let terms = forms.iter().map(|form| Term { word: form.clone(), kin: Kin::Same, found: 0 }).collect();
    (!forms.is_empty()).then_some(Group { typed, forms, terms, ..Group::default() })
}

/// Adds the words of the index that begin so or contain it.
async fn widen(tx: &mut Tx, corpus: Corpus, groups: &mut [Group]) -> Result<()> {
    if let Some(group) = groups.last_mut().filter(|group| group.open) {
        let mut found = store_find::beginning(tx, corpus, &group.typed, 200).await?;
        found.sort_by_key(String::len);
        add(group, found, Kin::Begins, MOST_ALIKE);
    }
    let mut asked = Vec::new();
    let mut forms = Vec::new();
    let mut whose = Vec::new();
    for (n, group) in groups.iter().enumerate() {
        for form in &group.forms {
            let grams = grams::inner(form);
            if !grams.is_empty() {
                asked.extend(grams.into_iter().map(|gram| (whose.len() as i32, gram)));
                forms.push(form.clone());
                whose.push(n);
            }
        }
    }
    if asked.is_empty() {
        return Ok(());
    }
    let alike = store_find::containing(tx, corpus, &asked, &forms, 500).await?;
    for (n, group) in groups.iter_mut().enumerate() {
        let of = alike.iter().filter(|it| whose[it.n as usize] == n).map(|it| it.word.clone());
        let mut found: Vec<String> = of.filter(|word| grams::kin(group, word) == Some(Kin::Part)).collect();
        found.sort_by_key(|word| grams::fit(group, word));
        add(group, found, Kin::Part, MOST_ALIKE);
    }
    Ok(())
}

/// Adds words that are nearly the same to what hardly anybody has.
async fn approach(tx: &mut Tx, corpus: Corpus, groups: &mut [Group], counted: Counted<'_>) -> Result<()> {
    let mut asked = Vec::new();
    let mut least = Vec::new();
    let mut whose = Vec::new();
    for (n, group) in groups.iter_mut().enumerate() {
        let found: i64 = group.terms.iter().map(|term| term.found).sum();
        group.near = found < FEW && group.typed.chars().all(char::is_alphabetic);
        if !group.near {
            continue;
        }
        let grams: HashSet<String> = group.forms.iter().flat_map(|form| grams::grams(form)).collect();
        asked.extend(grams.into_iter().map(|gram| (whose.len() as i32, gram)));
        least.push(2);
        whose.push(n);
    }
    if asked.is_empty() {
        return Ok(());
    }
    let alike = store_find::having(tx, corpus, &asked, &least, 400).await?;
    for (place, n) in whose.into_iter().enumerate() {
        let group = &mut groups[n];
        let mut near: Vec<(usize, String)> = alike
            .iter()
            .filter(|it| it.n as usize == place)
            .filter_map(|it| Some((grams::distance(group, &it.word)?, it.word.clone())))
            .filter(|(distance, _)| *distance > 0)
            .collect();
        // Stable: among those that are as near, who has most letters in a row in common.
        near.sort_by_key(|(distance, _)| *distance);
        let best = near.first().map(|it| it.0);
        let words = near.into_iter().take_while(|it| Some(it.0) == best).map(|it| it.1).collect();
        add(group, words, Kin::Near, MOST_NEAR);
    }
    count(tx, corpus, groups, counted).await
}

fn add(group: &mut Group, words: Vec<String>, kin: Kin, most: usize) {
    let new: Vec<String> = words
        .into_iter()
        .filter(|word| !group.terms.iter().any(|term| term.word == *word))
        .take(most)
        .collect();
    group.terms.extend(new.into_iter().map(|word| Term { word, kin, found: 0 }));
}

/// Counts who has what has not been counted; what nobody has answers to nothing.
async fn count(tx: &mut Tx, corpus: Corpus, groups: &mut [Group], counted: Counted<'_>) -> Result<()> {
    let uncounted = groups.iter().flat_map(|group| &group.terms).filter(|term| term.found == 0);
    let words: Vec<String> = uncounted.map(|term| term.word.clone()).collect();
    if words.is_empty() {
        return Ok(());
    }
    let Counted { among, hidden, most } = counted;
    let counts = match among {
        None => store_find::counts(tx, corpus, &words, hidden, most).await?,
        Some(ids) => {
            let mut counts = vec![0; words.len()];
            let before = vec![Id(Uuid::max()); words.len()];
            for place in store_find::places(tx, corpus, &words, &before, ids, hidden).await? {
                counts[place.n as usize - 1] += 1;
            }
            counts
        }
    };
    let mut counts = counts.into_iter();
    for group in groups {
        for term in group.terms.iter_mut().filter(|term| term.found == 0) {
            term.found = counts.next().unwrap_or(0);
        }
        group.terms.retain(|term| term.found > 0);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Vec<Vec<String>> {
        words.iter().map(|all| all.split_whitespace().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn a_word_is_what_each_grammar_makes_of_it() {
        let of = |word, grammars: &[&str]| group(word, &read(grammars)).map(|it| (it.typed, it.forms));
        let some = |typed: &str, forms: &[&str]| {
            Some((typed.to_owned(), forms.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()))
        };
        assert_eq!(of("Drucker,", &["druck", "drucker", "drucker"]), some("drucker", &["druck", "drucker"]));
        assert_eq!(of("nicht", &["", "nicht", "nicht"]), None, "means nothing in German");
        let mail = "e-mail e mail";
        assert_eq!(of("E-Mail", &[mail, mail, mail]), some("e-mail", &["e-mail", "mail"]));
        assert_eq!(of("--", &["", "", ""]), None);
    }
}
