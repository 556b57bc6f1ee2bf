//! Filters of lists: a refusal points into the text; what is read reads again from its canonical text, asks the database
//! the same, and answers the same of a row in memory. Nothing that a caller wrote becomes SQL.

use serde_json::json;
use sqlx::{Postgres, QueryBuilder};
use ticketing::{
    filter::{Expr, Kind, Lookup, MAX_BYTES, Scope, Value, parse},
    tickets::fields::{FIELDS, PUBLIC_FIELDS},
};

const SCOPE: Scope = Scope { now: jiff::Timestamp::UNIX_EPOCH, me: "anna" };

pub fn read(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let read = parse(text, &FIELDS);
    if let Ok(public) = parse(text, &PUBLIC_FIELDS) {
        assert_eq!(read, Ok(public), "a customer's filter means what it means to everybody");
    }
    match read {
        Ok(None) => assert!(text.trim().is_empty()),
        Ok(Some(expr)) => holds(&expr, text),
        Err(error) => {
            assert!(error.at <= text.len(), "{error}");
            assert!(error.to_string().len() < 1024, "{error}");
        }
    }
}

fn holds(expr: &Expr, text: &str) {
    let asked = sql(expr);
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "()[]{}$_.,'<>=@?- ".contains(c);
    assert!(asked.chars().all(known), "{asked}");
    assert_eq!(asked.matches('(').count(), asked.matches(')').count(), "{asked}");
    let rows = [Row::bare(), Row::of(text)];
    let answers = rows.each_ref().map(|row| expr.matches(row, &SCOPE));

    let canonical = expr.to_string();
    if canonical.len() > MAX_BYTES {
        return; // signs that the caller left out made it longer than a filter may be
    }
    let again = parse(&canonical, &FIELDS).expect("the canonical text reads").expect("and is not blank");
    assert_eq!(again, *expr, "{canonical}");
    assert_eq!(again.to_string(), canonical);
    assert_eq!(sql(&again), asked);
    assert_eq!(rows.each_ref().map(|row| again.matches(row, &SCOPE)), answers, "{canonical}");
}

fn sql(expr: &Expr) -> String {
    let mut query = QueryBuilder::<Postgres>::new("");
    expr.push_sql(&mut query, &SCOPE);
    query.into_string()
}

/// A row that has nothing, or in every field something of the filter's own text.
struct Row {
    text: Option<String>,
    set: Vec<String>,
    map: serde_json::Value,
}

impl Row {
    fn bare() -> Self {
        Self { text: None, set: Vec::new(), map: json!({}) }
    }

    fn of(text: &str) -> Self {
        let words: Vec<&str> =
            text.split([' ', '"', '=', ':', '.']).filter(|word| !word.is_empty()).collect();
        let map = words.iter().enumerate().map(|(at, word)| {
            let value = match at % 4 {
                0 => json!(null),
                1 => json!({ "time": "1970-01-01T00:00:00Z" }),
                2 => json!(at),
                _ => json!(text),
            };
            ((*word).to_owned(), value)
        });
        Self {
            text: words.last().map(|word| (*word).to_owned()),
            set: words.iter().map(|word| (*word).to_owned()).collect(),
            map: map.collect(),
        }
    }
}

impl Lookup for Row {
    fn get(&self, field: &str) -> Option<Value<'_>> {
        let text = self.text.as_deref()?;
        let field = FIELDS.0.iter().find(|known| known.name == field).expect("filters name known fields");
        Some(match field.kind {
            Kind::Text => Value::Text(text),
            Kind::Enum(names) => Value::Text(names[text.len() % names.len()]),
            Kind::TextSet => Value::TextSet(&self.set),
            Kind::Int => Value::Int(text.len() as i64),
            Kind::Bool => Value::Bool(text.len().is_multiple_of(2)),
            Kind::Time => Value::Time(SCOPE.now),
            Kind::Json => Value::Json(&self.map),
        })
    }
}
