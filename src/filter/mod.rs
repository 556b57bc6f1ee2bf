//! Decides what a list filter means: a checked expression that Postgres and memory answer alike.
//!
//! The language is a subset of AIP-160, described in docs/filter.md. `parse` checks a text against the fields of a
//! list; the `Expr` that it returns is either appended to a query (`push_sql`) or asked about a row at hand
//! (`matches`). Its `Display` is the canonical text: equal filters print alike, so it is the fingerprint that binds
//! a page token to its filter.

mod canon;
mod check;
mod lex;
mod matches;
mod parse;
mod sql;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

pub use matches::{Lookup, Value};
pub use parse::parse;

/// Longest filter, in bytes.
pub const MAX_BYTES: usize = 2048;
/// Most comparisons in one filter.
pub const MAX_TERMS: usize = 50;
/// Deepest nesting of parentheses.
pub const MAX_DEPTH: usize = 8;

/// What a field holds; it decides which operators and values the field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `text`, null or `''` when unset.
    Text,
    /// `text[]`.
    TextSet,
    /// `text` holding one of these upper-case names, null when unset.
    Enum(&'static [&'static str]),
    /// `integer` or `bigint`.
    Int,
    /// `boolean`.
    Bool,
    /// `timestamptz`.
    Time,
    /// `jsonb` object; its entries are filtered by key, as text.
    Json,
}

/// One field of a list that a filter may name.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// The name in the API, such as `create_time`.
    pub name: &'static str,
    /// The column, qualified if the query needs it, such as `t.created_at`. It goes into the SQL as it is.
    pub column: &'static str,
    pub kind: Kind,
}

/// The fields of one list.
#[derive(Debug, Clone, Copy)]
pub struct Schema(pub &'static [Field]);

/// What `now()` and `me()` stand for in this call.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    pub now: Timestamp,
    /// The id of the caller, as the text fields hold ids.
    pub me: &'a str,
}

/// A filter that is known to fit its schema. Every expression is either true or false of a row: a comparison with
/// something unset is false, so its negation is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Test(Test),
}

/// One comparison of a field. Only `parse` makes them, so `check` fits the kind of `field`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    field: &'static Field,
    /// The entry of a `Kind::Json` field; None for every other kind.
    key: Option<String>,
    check: Check,
}

/// What a comparison asks; `a != b` is the negation of `a = b`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Check {
    /// `field:*`: neither null nor empty; of a map, the key is there.
    Set,
    /// `field = ""`: null or empty text.
    Unset,
    Equal(Text),
    Prefix(String),
    /// `field:"part"`: holds the part, in any case.
    Contains(String),
    /// `field:"element"` of a set.
    Element(Text),
    Enum(&'static str),
    Int(Order, i64),
    Bool(bool),
    Time(Order, Instant),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Text {
    Literal(String),
    Me,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instant {
    At(Timestamp),
    Now,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    /// As the filter language writes it, which is also how SQL does.
    fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl Text {
    fn resolve<'a>(&'a self, scope: &Scope<'a>) -> &'a str {
        match self {
            Self::Literal(text) => text,
            Self::Me => scope.me,
        }
    }
}

impl Instant {
    fn resolve(self, scope: &Scope) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Now => scope.now,
        }
    }
}

/// Why a filter is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter, byte {at}: {problem}; {hint}")]
pub struct FilterError {
    /// Where, in bytes from the start of the filter.
    pub at: usize,
    /// What was expected and what is there instead.
    pub problem: String,
    /// What to write instead.
    pub hint: String,
}

impl FilterError {
    fn new(at: usize, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { at, problem: problem.into(), hint: hint.into() }
    }
}
