//! Words: how they are written alike, by which grammar a text is cut into them, and where they stand in it. Stemming and
//! words without meaning are PostgreSQL's.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Longer ones are no words: keys, hashes, lines.
const LONGEST: usize = 64;

/// PostgreSQL's grammars, as far as they are used; in the order of [`GRAMMARS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    German,
    English,
    Simple,
}

pub const GRAMMARS: [Grammar; 3] = [Grammar::German, Grammar::English, Grammar::Simple];

impl Grammar {
    pub fn name(self) -> &'static str {
        match self {
            Self::German => "pg_catalog.german",
            Self::English => "pg_catalog.english",
            Self::Simple => "pg_catalog.simple",
        }
    }

    /// By which a text of this language is read; what is not known is guessed between the first two.
    pub fn of(language_code: &str) -> &'static [Self] {
        let language = language_code.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        match language.as_str() {
            "" | "und" => &[Self::German, Self::English],
            "de" => &[Self::German],
            "en" => &[Self::English],
            _ => &[Self::Simple],
        }
    }
}

/// A word as the index has it: small letters without marks; `ue` is `u` as `ü` is, unless it is something else (`neue`,
/// `quer`). `None`: it is none.
pub fn fold(word: &str) -> Option<String> {
    let mut folded = String::with_capacity(word.len());
    for letter in word.nfd().flat_map(char::to_lowercase) {
        match letter {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push('a'),
            'ø' | 'œ' => folded.push('o'),
            'e' if ends_in_umlaut(&folded) => {}
            letter if is_combining_mark(letter) => {}
            letter => folded.push(letter),
        }
        if folded.len() > LONGEST {
            return None;
        }
    }
    folded.chars().any(char::is_alphanumeric).then_some(folded)
}

/// Whether an `e` behind it makes an umlaut of the last letter.
fn ends_in_umlaut(word: &str) -> bool {
    let mut back = word.chars().rev();
    let last = back.next();
    let before = back.next();
    matches!(last, Some('a' | 'o' | 'u')) && !matches!(before, Some('a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'q'))
}

/// Which of two grammars a text follows by how many words each leaves of it: words without meaning are left by the other.
/// `None`: it cannot be told.
pub fn fewer(left: [usize; 2]) -> Option<usize> {
    match left[0].cmp(&left[1]) {
        std::cmp::Ordering::Less => Some(0),
        std::cmp::Ordering::Greater => Some(1),
        std::cmp::Ordering::Equal => None,
    }
}

/// The words of a text with the bytes from which and up to which each stands.
pub fn spans(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (begin, first) = rest.find(|(_, letter)| letter.is_alphanumeric())?;
        let mut end = begin + first.len_utf8();
        while let Some((at, letter)) =
            rest.next_if(|(_, letter)| letter.is_alphanumeric() || is_combining_mark(*letter))
        {
            end = at + letter.len_utf8();
        }
        Some((begin, end))
    })
}

/// The text up to `most` bytes.
pub fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn umlauts_are_alike_however_they_are_written() {
        let folded = |word| fold(word).unwrap_or_default();
        for (left, right) in [
            ("zurücksetz", "zuruecksetz"),
            ("zurücksetz", "zurucksetz"),
            ("Straße", "STRASSE"),
            ("Öffnen", "oeffnen"),
            ("u\u{308}ber", "über"),
            ("Ändern", "aendern"),
            ("café", "cafe"),
            ("smørrebrød", "smorrebrod"),
        ] {
            assert_eq!(folded(left), folded(right), "{left} {right}");
        }
        for word in ["neue", "steuer", "quer", "blauer", "bauen"] {
            assert_eq!(folded(word), word, "no umlaut");
        }
        assert_eq!((fold("--"), fold(&"x".repeat(65))), (None, None));
    }

    #[test]
    fn a_text_follows_the_grammar_that_leaves_less_of_it() {
        assert_eq!(fewer([3, 5]), Some(0));
        assert_eq!(fewer([5, 3]), Some(1));
        assert_eq!(fewer([4, 4]), None);
        assert_eq!(Grammar::of("de-AT"), [Grammar::German]);
        assert_eq!(Grammar::of("EN"), [Grammar::English]);
        assert_eq!(Grammar::of("fr"), [Grammar::Simple]);
        assert_eq!(Grammar::of("").len(), 2);
    }

    #[test]
    fn words_stand_where_they_stand() {
        let text = "Größe: 3, u\u{308}ber-all!";
        let words: Vec<&str> = spans(text).map(|(begin, end)| &text[begin..end]).collect();
        assert_eq!(words, ["Größe", "3", "u\u{308}ber", "all"]);
        assert_eq!(spans("").count() + spans("- !").count(), 0);
        assert_eq!(cut("äh", 1), "");
        assert_eq!(cut("äh", 9), "äh");
    }
}
