//! Decides whether a row at hand passes a filter, as Postgres would decide it.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{Check, Expr, Order, Scope, Test};

/// A field of a row in memory.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// Of `Kind::Text` and `Kind::Enum`.
    Text(&'a str),
    TextSet(&'a [String]),
    Int(i64),
    Bool(bool),
    /// To the microsecond, as the database keeps it.
    Time(Timestamp),
    Json(&'a serde_json::Value),
}

/// A row in memory, read by the names in its schema.
pub trait Lookup {
    /// None if the field is unset. The value is of the field's kind.
    fn get(&self, field: &str) -> Option<Value<'_>>;
}

impl Expr {
    /// Whether the row passes. Letters are folded by Unicode's simple rules, by Postgres' by its locale.
    pub fn matches(&self, row: &impl Lookup, scope: &Scope) -> bool {
        match self {
            Self::And(terms) => terms.iter().all(|term| term.matches(row, scope)),
            Self::Or(terms) => terms.iter().any(|term| term.matches(row, scope)),
            Self::Not(inner) => !inner.matches(row, scope),
            Self::Test(test) => test.matches(row.get(test.field.name), scope),
        }
    }
}

impl Test {
    fn matches(&self, value: Option<Value>, scope: &Scope) -> bool {
        let text = || self.text(value);
        match (&self.check, value) {
            (Check::Set, Some(value)) => match value {
                Value::Text(text) => !text.is_empty(),
                Value::TextSet(set) => !set.is_empty(),
                Value::Json(map) => self.key.as_ref().is_some_and(|key| map.get(key).is_some()),
                Value::Int(_) | Value::Bool(_) | Value::Time(_) => true,
            },
            (Check::Unset, _) => text().is_none_or(|it| it.is_empty()),
            (Check::Equal(other), _) => text().is_some_and(|it| it == other.resolve(scope)),
            (Check::Enum(name), _) => text().is_some_and(|it| it == *name),
            (Check::Prefix(start), _) => text().is_some_and(|it| it.starts_with(start)),
            (Check::Contains(part), _) => text().is_some_and(|it| fold(&it).contains(&fold(part))),
            (Check::Element(element), Some(Value::TextSet(set))) => {
                let element = element.resolve(scope);
                set.iter().any(|it| it == element)
            }
            (Check::Int(order, other), Some(Value::Int(it))) => order.holds(&it, other),
            (Check::Bool(other), Some(Value::Bool(it))) => it == *other,
            (Check::Time(order, other), Some(Value::Time(it))) => order.holds(&it, &other.resolve(scope)),
            (_, None) => false,
            (_, Some(other)) => {
                self.mistaken(other);
                false
            }
        }
    }

    /// The text of the field, or that of its entry as `->>` gives it.
    fn text<'a>(&self, value: Option<Value<'a>>) -> Option<Cow<'a, str>> {
        match (value?, &self.key) {
            (Value::Text(text), None) => Some(text.into()),
            (Value::Json(map), Some(key)) => match map.get(key)? {
                serde_json::Value::Null => None,
                serde_json::Value::String(text) => Some(text.into()),
                // An instant, as text.
                serde_json::Value::Object(value) if value.contains_key("time") => {
                    Some(value["time"].as_str()?.into())
                }
                other => Some(other.to_string().into()),
            },
            (other, _) => {
                self.mistaken(other);
                None
            }
        }
    }

    /// A `Lookup` that breaks its promise fails in tests; in service its field counts as unset.
    fn mistaken(&self, value: Value) {
        debug_assert!(false, "the row has {value:?} in `{}`, a {:?}", self.field.name, self.field.kind);
    }
}

impl Order {
    fn holds<T: Ord>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

/// Letter by letter: `str::to_lowercase` writes a Greek sigma by its place in the word.
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}
