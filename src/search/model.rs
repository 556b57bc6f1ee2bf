//! What is searched, what a search asks, and what it finds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::Id;

/// What is searched by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Corpus {
    Tickets,
    Articles,
}

impl Corpus {
    pub fn code(self) -> i16 {
        match self {
            Self::Tickets => 1,
            Self::Articles => 2,
        }
    }
}

/// Which part of a document a text is: a word in the title says more than one in a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Title,
    Body,
    Talk,
}

/// A text of a document.
#[derive(Clone, Debug)]
pub struct Passage {
    pub field: Field,
    /// Not for everybody who may see the document: found by those alone who may see all of it.
    pub hidden: bool,
    pub text: String,
}

/// What has an id, and texts.
#[derive(Clone, Debug)]
pub struct Document {
    pub id: Id,
    /// As BCP 47 says it; empty: guessed from the words.
    pub language_code: String,
    pub passages: Vec<Passage>,
}

/// How much a word says of a document: of what everybody may read, and of the whole. 0: it is not in there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    pub shown: i16,
    pub whole: i16,
}

/// The words of a document.
pub type Bag = BTreeMap<String, Weight>;

/// A document of which the words are known, whether the index has them or not.
#[derive(Clone, Debug)]
pub struct Read {
    pub id: Id,
    pub words: Bag,
}

/// How a search takes what it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wanted {
    /// Words that somebody typed to find just this: who has all of them comes before who has most.
    All,
    /// A text to which there may be something alike: the rarest of its words count.
    Any,
}

/// How a word of the index answers to one that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kin {
    Near,
    Part,
    Begins,
    Same,
}

/// A word of the index that answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    pub word: String,
    pub kin: Kin,
    /// Documents that have it, as far as they were counted.
    pub found: i64,
}

/// A word that was asked for, with what answers to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// As it was typed, folded.
    pub typed: String,
    /// What it is cut down to, in each language.
    pub forms: Vec<String>,
    /// Whether a word that only begins so is meant, too.
    pub open: bool,
    /// Whether it may be misspelt.
    pub near: bool,
    pub terms: Vec<Term>,
}

/// What a search looks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub corpus: Corpus,
    pub wanted: Wanted,
    /// Whether hidden passages count.
    pub hidden: bool,
    /// How many documents there were.
    pub documents: i64,
    pub groups: Vec<Group>,
}

impl Plan {
    /// Whether there was nothing to look for: no words, or only such as every text has.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Whether some words stand in more documents than a search looks at.
    pub fn has_common_words(&self) -> bool {
        self.groups.iter().flat_map(|group| &group.terms).any(|term| term.found >= COMMON)
    }
}

/// So many documents of a word are looked at, the newest, and no more.
pub const COMMON: i64 = 2000;

/// What was found, and how well it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hit {
    pub score: i64,
    pub id: Id,
}
