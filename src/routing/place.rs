//! Where in a condition a fault is: line and column, counted in characters, from 1.

use cel::{
    common::ast::{CallExpr, Expr, SourceInfo},
    parser::{Expression, ParseError, PrattParser},
};

use super::bounds::MAX_DEPTH;

/// What is wrong with a part of a condition.
#[derive(Debug, PartialEq)]
pub struct Fault {
    /// The id of the part.
    node: u64,
    /// The name in the part that is at fault, if it is not the part itself: a field stands behind its dot, a function
    /// before its parenthesis.
    name: Option<Name>,
    text: String,
}

#[derive(Debug, PartialEq)]
enum Name {
    Behind(String),
    Before(String),
}

impl Fault {
    /// A fault of the part as a whole, which begins where the first of what it is made of does; a comparison or a sum
    /// stands at its sign.
    pub fn of(part: &Expression, text: impl Into<String>) -> Self {
        Self { node: first(part).id, name: None, text: text.into() }
    }

    /// A fault of the field that the part selects.
    pub fn of_field(part: &Expression, name: &str, text: impl Into<String>) -> Self {
        Self { node: part.id, name: Some(Name::Behind(name.to_owned())), text: text.into() }
    }

    /// A fault of the function that the part calls.
    pub fn of_function(part: &Expression, name: &str, text: impl Into<String>) -> Self {
        Self { node: part.id, name: Some(Name::Before(name.to_owned())), text: text.into() }
    }

    /// The fault with its place.
    pub fn told(&self, condition: &str) -> String {
        let offset = with_places(condition, |places| self.offset(condition, places)).unwrap_or(0);
        told_at(condition, offset, &self.text)
    }

    fn offset(&self, condition: &str, places: &SourceInfo) -> Option<usize> {
        let (start, end) = places.offset_for(self.node)?;
        let (start, end) = (start as usize, end as usize);
        match &self.name {
            // Behind the dot; or somewhere behind `has`, which stands for its whole call.
            Some(Name::Behind(name)) => word(condition.get(end..)?, name).map(|place| end + place),
            Some(Name::Before(name)) if condition.get(start..)?.starts_with('(') => {
                condition.get(..start)?.rfind(name.as_str())
            }
            None | Some(Name::Before(_)) => Some(start),
        }
    }
}

fn first(part: &Expression) -> &Expression {
    match &part.expr {
        Expr::Select(select) if !select.test => first(&select.operand),
        Expr::Call(CallExpr { target: Some(target), .. }) => first(target),
        Expr::Call(call) if call.func_name == "_[_]" => call.args.first().map_or(part, first),
        Expr::Comprehension(it) => first(&it.iter_range),
        _ => part,
    }
}

/// How a condition is read.
pub fn parser() -> PrattParser {
    PrattParser::new().max_recursion_depth(MAX_DEPTH)
}

/// A fault of the grammar. One of the whole, such as too many parentheses, stands at the beginning.
pub fn syntax(condition: &str, error: &ParseError) -> String {
    let (line, column) = error.pos;
    let line = usize::try_from(line - 1).unwrap_or(0);
    let before: usize = condition.split_inclusive('\n').take(line).map(str::len).sum();
    let offset = before + usize::try_from(column - 1).unwrap_or(0);
    told_at(condition, offset.min(condition.len()), &plain(&error.msg))
}

/// The parser's words, where a hint helps more than they do.
fn plain(message: &str) -> String {
    let message = message.trim_start_matches("Syntax error: ");
    match message {
        "mismatched input '<EOF>' expecting expression" => "ends where a value is due".to_owned(),
        "mismatched input '=' expecting <EOF>" => "a single =; write == to compare".to_owned(),
        _ if message.contains("recursion limit") => too_deep(),
        _ => match message.strip_prefix("mismatched input ") {
            Some(found) => format!("did not expect {}", found.replace(" expecting ", " here, but ")),
            None => message.to_owned(),
        },
    }
}

pub fn too_deep() -> String {
    format!("is nested more than {MAX_DEPTH} deep; split the rule")
}

fn told_at(condition: &str, offset: usize, text: &str) -> String {
    let before = condition.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}: {text}")
}

/// Where a name stands, and is no part of another.
fn word(text: &str, name: &str) -> Option<usize> {
    let within = |c: char| c.is_alphanumeric() || c == '_';
    let whole = |(place, _): &(usize, &str)| {
        !text[..*place].ends_with(within) && !text[place + name.len()..].starts_with(within)
    };
    text.match_indices(name).find(whole).map(|(place, _)| place)
}

/// The parser tells the places of the parts with an error only. The same text with a parenthesis too many has the same
/// parts by the same ids, and an error.
fn with_places<T>(condition: &str, read: impl FnOnce(&SourceInfo) -> Option<T>) -> Option<T> {
    let errors = parser().parse(&format!("{condition}\n)")).err()?;
    read(errors.errors.iter().find_map(|error| error.source_info.as_deref())?)
}
