//! How a place in the document is written: `teams[key="billing"].level`, or `teams[3].level` where the key is no help.

use super::parse_date;

/// Longest key, characters.
pub const MAX_KEY: usize = 64;

/// 1 to 64 characters, none of them a control character, no blanks at either end.
pub fn is_key(key: &str) -> bool {
    (1..=MAX_KEY).contains(&key.chars().count()) && key.trim() == key && !key.chars().any(char::is_control)
}

pub fn by_key(list: &str, key: &str) -> String {
    format!("{list}[key={key:?}]")
}

pub fn by_place(list: &str, place: usize) -> String {
    format!("{list}[{place}]")
}

/// By key, if it is one.
pub fn item(list: &str, place: usize, key: &str) -> String {
    if is_key(key) { by_key(list, key) } else { by_place(list, place) }
}

/// By its date, if it has one.
pub fn dated(list: &str, place: usize, date: &str) -> String {
    if parse_date(date).is_some() { format!("{list}[date={date:?}]") } else { by_place(list, place) }
}

/// A cell of a matrix.
pub fn cell(list: &str, impact: &str, urgency: &str) -> String {
    format!("{list}[impact={impact:?},urgency={urgency:?}]")
}
