//! Decides which operators and values a field takes, by its kind.

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;

use super::lex::{Operand, Operator};
use super::{Check, Expr, Field, FilterError, Instant, Kind, Order, Test, Text};

/// A comparison as written, before it is known to make sense.
pub(super) struct Comparison<'a> {
    pub field: &'static Field,
    pub key: Option<String>,
    pub operator: Operator,
    pub operator_at: usize,
    pub operand: &'a Operand,
    pub operand_at: usize,
}

impl Comparison<'_> {
    pub(super) fn check(self) -> Result<Expr, FilterError> {
        use Operator::{Equal, Has, NotEqual};
        let check = match (self.field.kind, self.operator) {
            (_, Has) if self.is_star() => Check::Set,
            (Kind::Text, Equal | NotEqual) | (Kind::Json, Equal | NotEqual | Has) => self.equal()?,
            (Kind::Text, Has) => self.contains()?,
            (Kind::TextSet, Has) => Check::Element(self.text()?),
            (Kind::Enum(names), Equal | NotEqual) => Check::Enum(self.name_of(names)?),
            (Kind::Bool, Equal | NotEqual) => Check::Bool(self.bool()?),
            (Kind::Int, operator) if operator != Has => Check::Int(order(operator), self.int()?),
            (Kind::Time, operator) if operator != Has => Check::Time(order(operator), self.time()?),
            _ => return Err(self.wrong_operator()),
        };
        let test = Expr::Test(Test { field: self.field, key: self.key, check });
        Ok(if self.operator == NotEqual { Expr::Not(Box::new(test)) } else { test })
    }

    fn is_star(&self) -> bool {
        matches!(self.operand, Operand::Literal { text, star: true, .. } if text.is_empty())
    }

    fn expected(&self, what: &str, hint: impl Into<String>) -> FilterError {
        let problem = format!("expected {what} for `{}`", self.field.name);
        FilterError::new(self.operand_at, problem, hint)
    }

    fn wrong_operator(&self) -> FilterError {
        let name = self.field.name;
        let (operators, hint) = match self.field.kind {
            Kind::Text => ("=, != or :", "text has no order".into()),
            Kind::TextSet => (":", format!("`{name}:x` finds an element, `NOT {name}:x` its absence")),
            Kind::Enum(_) => {
                ("=, != or :*", format!("join several values with OR: `{name} = X OR {name} = Y`"))
            }
            Kind::Int | Kind::Time => ("=, !=, <, <=, >, >= or :*", format!("compare with `{name} >= …`")),
            Kind::Bool => ("=, != or :*", format!("write `{name} = true`")),
            Kind::Json => ("=, != or :", "an entry is compared as text, which has no order".into()),
        };
        FilterError::new(self.operator_at, format!("expected {operators} after `{name}`"), hint)
    }

    fn equal(&self) -> Result<Check, FilterError> {
        match self.operand {
            Operand::Literal { text, star: true, .. } if text.is_empty() => {
                Err(self.expected("text before the `*`", "`field:*` asks whether a field is set"))
            }
            Operand::Literal { text, star: true, .. } => Ok(Check::Prefix(text.clone())),
            Operand::Literal { text, .. } if text.is_empty() => Ok(Check::Unset),
            _ => Ok(Check::Equal(self.text()?)),
        }
    }

    fn contains(&self) -> Result<Check, FilterError> {
        match self.operand {
            Operand::Literal { text, star: false, .. } if text.is_empty() => {
                Err(self.expected("some text", "`field = \"\"` finds what is unset"))
            }
            Operand::Literal { text, star: false, .. } => Ok(Check::Contains(text.clone())),
            Operand::Literal { .. } => Err(self.expected(
                "text without a wildcard",
                "`:` finds text anywhere; for a prefix use `field = text*`",
            )),
            Operand::Now | Operand::Me => Err(self.expected("text", "compare with `field = me()`")),
        }
    }

    fn text(&self) -> Result<Text, FilterError> {
        match self.operand {
            Operand::Literal { text, star: false, .. } => Ok(Text::Literal(text.clone())),
            Operand::Literal { .. } => Err(self.expected(
                "a whole element",
                "elements are compared whole; write a star itself as \\* in quotes",
            )),
            Operand::Me => Ok(Text::Me),
            Operand::Now => Err(self.expected("text", "now() is a time; write text in quotes")),
        }
    }

    fn name_of(&self, names: &'static [&'static str]) -> Result<&'static str, FilterError> {
        let Operand::Literal { text, star: false, .. } = self.operand else {
            return Err(self.expected("one of its values", list("values", names)));
        };
        let known = names.iter().find(|name| *name == text).copied();
        known.ok_or_else(|| self.expected("one of its values", suggest(text, "values", names)))
    }

    /// The text of an unquoted word.
    fn bare(&self) -> Option<&str> {
        match self.operand {
            Operand::Literal { text, star: false, quoted: false } => Some(text),
            _ => None,
        }
    }

    fn bool(&self) -> Result<bool, FilterError> {
        self.bare()
            .and_then(|word| word.parse().ok())
            .ok_or_else(|| self.expected("true or false", "write it in lower case, without quotes"))
    }

    fn int(&self) -> Result<i64, FilterError> {
        self.bare().and_then(|word| word.parse().ok()).ok_or_else(|| {
            self.expected("a whole number", "write digits without quotes; 64 bits are the limit")
        })
    }

    fn time(&self) -> Result<Instant, FilterError> {
        match self.operand {
            Operand::Now => Some(Instant::Now),
            Operand::Literal { text, star: false, .. } => read_time(text).map(Instant::At),
            _ => None,
        }
        .ok_or_else(|| {
            let hint = "write RFC 3339 such as 2026-01-31T09:00:00Z, years 0001 to 9999, or now()";
            self.expected("a time", hint)
        })
    }
}

/// `Has` has no order; the callers exclude it.
fn order(operator: Operator) -> Order {
    match operator {
        Operator::Equal | Operator::NotEqual | Operator::Has => Order::Equal,
        Operator::Less => Order::Less,
        Operator::LessOrEqual => Order::LessOrEqual,
        Operator::Greater => Order::Greater,
        Operator::GreaterOrEqual => Order::GreaterOrEqual,
    }
}

/// Cut to microseconds, as the database keeps times; years as in google.protobuf.Timestamp, all of which Postgres has.
fn read_time(text: &str) -> Option<Timestamp> {
    let first = TimeZone::UTC.to_timestamp(date(1, 1, 1).at(0, 0, 0, 0)).ok()?;
    let time = Timestamp::from_microsecond(text.parse::<Timestamp>().ok()?.as_microsecond()).ok()?;
    (time >= first).then_some(time)
}

/// The candidate nearest to what was written, if any is near, and all of them.
pub(super) fn suggest(written: &str, what: &str, candidates: &[&str]) -> String {
    let written = written.to_lowercase();
    let distance = |name: &str| strsim::osa_distance(&written, &name.to_lowercase());
    let nearest = candidates.iter().min_by_key(|name| distance(name));
    let all = list(what, candidates);
    match nearest {
        Some(name) if 2 * distance(name) <= name.len() => format!("did you mean `{name}`? {all}"),
        _ => all,
    }
}

fn list(what: &str, candidates: &[&str]) -> String {
    format!("the {what} are {}", candidates.join(", "))
}

/// A piece of the filter, short enough for a message.
pub(super) fn excerpt(text: &str) -> String {
    format!("`{}`", clip(text))
}

pub(super) fn clip(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}
