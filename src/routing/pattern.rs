//! The patterns of `matches`: written out, so that they are compiled once and what they cost is known. CEL itself compiles
//! a pattern at each call, which takes milliseconds for a single `\w+`, and one made of a ticket's text could be anything.

use std::sync::LazyLock;

use cel::{
    Env, ExecutionError,
    common::{
        ast::Expr,
        types::{CelBool, CelString, STRING_TYPE, Type},
        value::{CowVal, StaticVal, Val},
    },
    parser::Expression,
};
use regex::{Regex, RegexBuilder};
use regex_automata::dfa::dense;

/// Largest that the compiled patterns of a condition may be, bytes; several `\w` fit. Compiling this much takes 10 ms.
pub const MAX_SIZE: usize = 256 * 1024;
/// Largest automaton of a pattern that counts as quick; the matcher's own memory holds twice as much.
const MAX_AUTOMATON: usize = 256 * 1024;

static PATTERN: LazyLock<Type> = LazyLock::new(|| Type::new_opaque_type("pattern"));

/// A compiled pattern; a value that only `matches` takes.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    /// Bytes, compiled.
    size: u64,
    /// Matching reads each byte of a text once. Otherwise, which is so with `\b` and with patterns like `(a|b)*a(a|b){50}`,
    /// some text makes the matcher go through the whole pattern at each byte.
    quick: bool,
}

impl Pattern {
    pub fn compile(pattern: &str) -> Result<Self, String> {
        let size = sizes().find(|size| RegexBuilder::new(pattern).size_limit(*size).build().is_ok());
        let regex = RegexBuilder::new(pattern).size_limit(MAX_SIZE).build().map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                "is too large a pattern; repeat less, or write [a-z] for \\w and [0-9] for \\d".to_owned()
            }
            error => {
                let told = error.to_string();
                let last = told.lines().last().unwrap_or_default();
                format!("is no pattern: {}", last.trim_start_matches("error: "))
            }
        })?;
        let limits = dense::Config::new()
            .dfa_size_limit(Some(MAX_AUTOMATON))
            .determinize_size_limit(Some(MAX_AUTOMATON));
        let quick = dense::Builder::new().configure(limits).build(pattern).is_ok();
        Ok(Self { regex, size: size.unwrap_or(MAX_SIZE) as u64, quick })
    }

    /// Puts the compiled pattern in the place of its text in a condition: a name that nobody can write.
    pub fn stand_in(place: usize) -> Expr {
        Expr::Ident(format!("@{place}"))
    }

    /// The place of the pattern that this part stands for.
    pub fn place(part: &Expression) -> Option<usize> {
        match &part.expr {
            Expr::Ident(name) => Self::place_of(name),
            _ => None,
        }
    }

    pub fn place_of(name: &str) -> Option<usize> {
        name.strip_prefix('@')?.parse().ok()
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// What matching a text of so many bytes costs at most, in bytes that are read. Measured: up to 0.3 ns for each byte of
    /// the text and of the pattern where it is not quick, else 3 ns for a byte of the text.
    pub fn cost(&self, text: u64) -> u64 {
        if self.quick { text } else { text.saturating_mul(1 + self.size / 8) }
    }
}

/// Where the size of a pattern is looked for.
fn sizes() -> impl Iterator<Item = usize> {
    (0..).map(|step| 512 << step).take_while(|size| *size <= MAX_SIZE)
}

/// Lets `matches` take a compiled pattern.
pub fn register(env: &mut Env) {
    let types = vec![(*PATTERN).to_owned()];
    let added = env.add_member_overload("matches", "matches_pattern", STRING_TYPE, types, matches);
    debug_assert!(added.is_ok(), "the library has no such type");
}

fn matches<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let found = match args.as_slice() {
        [text, pattern] => text.downcast_ref::<CelString>().zip(pattern.downcast_ref::<Pattern>()),
        _ => None,
    };
    let (text, pattern) = found.ok_or(ExecutionError::MissingArgumentOrTarget)?;
    Ok(CowVal::owned(CelBool::from(pattern.regex.is_match(text.inner()))))
}

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        &PATTERN
    }

    fn cel_type() -> &'static Type {
        &PATTERN
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}
