//! Words that are not the same and still meant: parts of compounds, and what is misspelt. Three letters in a row lead to
//! them; letter by letter it is decided.

use std::collections::BTreeSet;

use super::model::{Group, Kin};

/// Shorter ones are part of too many words, and one letter away from too many others.
const SHORTEST: usize = 4;

/// The three letters in a row of a word, with its beginning and its end.
pub fn grams(word: &str) -> BTreeSet<String> {
    windows(&format!("  {word} "))
}

/// Those of all these words: word for word, and beside each the letters.
pub fn of_all(words: &[String]) -> (Vec<String>, Vec<String>) {
    words.iter().flat_map(|word| grams(word).into_iter().map(|gram| (word.clone(), gram))).unzip()
}

/// Those that every word has that contains this one.
pub fn inner(word: &str) -> BTreeSet<String> {
    if word.chars().count() < SHORTEST { BTreeSet::new() } else { windows(word) }
}

fn windows(text: &str) -> BTreeSet<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.windows(3).map(|three| three.iter().collect()).collect()
}

/// How many letters of a word may be wrong.
fn slack(word: &str) -> usize {
    match word.chars().count() {
        ..SHORTEST => 0,
        SHORTEST..6 => 1,
        _ => 2,
    }
}

/// How far a word of the index is from one that may be misspelt. `None`: too far.
pub fn distance(group: &Group, word: &str) -> Option<usize> {
    if word.chars().any(|letter| letter.is_ascii_digit()) {
        return None;
    }
    let near = group.forms.iter().filter_map(|form| {
        let distance = strsim::osa_distance(form, word);
        (distance <= slack(form)).then_some(distance)
    });
    near.min()
}

/// How a word answers to one that was asked for, if it does.
pub fn kin(group: &Group, word: &str) -> Option<Kin> {
    let long = |form: &&String| form.chars().count() >= SHORTEST;
    if group.forms.iter().any(|form| form == word) {
        return Some(Kin::Same);
    }
    if group.open && word.starts_with(&group.typed) {
        return Some(Kin::Begins);
    }
    if group.forms.iter().filter(long).any(|form| word.contains(form.as_str())) {
        return Some(Kin::Part);
    }
    (group.near && distance(group, word).is_some()).then_some(Kin::Near)
}

/// How a compound answers, the best first: the word stands at its end or its beginning, and little stands beside it.
pub fn fit(group: &Group, word: &str) -> (bool, usize) {
    let outside = |form: &String| word.starts_with(form.as_str()) || word.ends_with(form.as_str());
    (!group.forms.iter().any(outside), word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(typed: &str, forms: &[&str]) -> Group {
        Group {
            typed: typed.to_owned(),
            forms: forms.iter().map(|it| (*it).to_owned()).collect(),
            ..Group::default()
        }
    }

    #[test]
    fn three_letters_in_a_row() {
        assert_eq!(grams("vpn").into_iter().collect::<Vec<_>>(), ["  v", " vp", "pn ", "vpn"]);
        assert_eq!(inner("druck").into_iter().collect::<Vec<_>>(), ["dru", "ruc", "uck"]);
        assert!(inner("vpn").is_empty(), "part of too much");
        assert!(inner("druck").is_subset(&inner("netzwerkdruck")));
    }

    #[test]
    fn kin_is_the_same_or_begins_so_or_contains_it_or_is_near() {
        let printer = group("drucker", &["druck", "drucker"]);
        assert_eq!(kin(&printer, "druck"), Some(Kin::Same));
        assert_eq!(kin(&printer, "netzwerkdruck"), Some(Kin::Part));
        assert_eq!(kin(&printer, "trucker"), None, "not asked for");
        let open = Group { open: true, ..group("netzw", &["netzw"]) };
        assert_eq!(kin(&open, "netzwerk"), Some(Kin::Begins));
        let misspelt = Group { near: true, ..group("druker", &["druker", "druk"]) };
        assert_eq!(kin(&misspelt, "druck"), Some(Kin::Near));
        assert_eq!(kin(&misspelt, "passwort"), None);
        let swapped = Group { near: true, ..group("passwrot", &["passwrot"]) };
        assert_eq!(distance(&swapped, "passwort"), Some(1));
        let short = Group { near: true, ..group("vpm", &["vpm"]) };
        assert_eq!(kin(&short, "vpn"), None, "too short to tell");
        let number = Group { near: true, ..group("inc1234", &["inc1234"]) };
        assert_eq!(kin(&number, "inc1235"), None, "another number is another thing");
    }

    #[test]
    fn compounds_at_an_edge_come_first() {
        let printer = group("drucker", &["druck"]);
        let mut found = vec!["eindruckend", "netzwerkdruck", "druckserv"];
        found.sort_by_key(|word| fit(&printer, word));
        assert_eq!(found, ["druckserv", "netzwerkdruck", "eindruckend"]);
    }
}
