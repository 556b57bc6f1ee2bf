//! What applying a document changes: the differences to the one in force by path, whom they touch, and what is allowed but
//! looks unintended.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{Document, Keyed, Team, path, validate::sla::unreached};
use crate::{agents::Member, tickets::Standing};

/// What applying a document does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In the document's order.
    pub changes: Vec<Change>,
    pub affected_ticket_count: i64,
    pub affected_agent_count: i64,
    pub warnings: Vec<String>,
}

/// One difference. Absent before: it is new; absent after: it is gone.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub path: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// The places of tickets that change or go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    pub levels: Vec<String>,
    pub teams: Vec<String>,
    pub queues: Vec<String>,
}

/// The differences, in the order of the document: of the new one for what stays or comes, then what goes.
pub fn differences(before: &Document, after: &Document) -> Vec<Change> {
    let json = |document| serde_json::to_value(document).expect("a document has text keys only");
    let mut changes = Vec::new();
    compare("", &json(before), &json(after), &mut changes);
    changes
}

/// What tickets stand in that is not the same afterwards.
pub fn touched(before: &Document, after: &Document) -> Touched {
    fn keys<T: Keyed + PartialEq>(before: &[T], after: &[T]) -> Vec<String> {
        let after: HashMap<&str, &T> = after.iter().map(|item| (item.key(), item)).collect();
        let differs = |item: &&T| after.get(item.key()) != Some(item);
        before.iter().filter(differs).map(|item| item.key().to_owned()).collect()
    }
    Touched {
        levels: keys(&before.levels, &after.levels),
        teams: keys(&before.teams, &after.teams),
        queues: keys(&before.queues, &after.queues),
    }
}

/// What is allowed but looks unintended. `standing` are the live tickets in places that change or go, `members` every
/// agent.
pub fn warnings(
    before: &Document,
    after: &Document,
    standing: &[Standing],
    members: &[Member],
) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut gone = |list: &str, keys: Vec<&str>, place: fn(&Standing) -> &str| {
        for key in keys {
            let count: i64 = standing.iter().filter(|it| place(it) == key).map(|it| it.count).sum();
            if count > 0 {
                let path = path::by_key(list, key);
                warnings.push(format!("{path}: goes while live tickets stand in it ({count}); move them"));
            }
        }
    };
    gone("levels", missing(&before.levels, &after.levels), |it| &it.level);
    gone("teams", missing(&before.teams, &after.teams), |it| &it.team);
    gone("queues", missing(&before.queues, &after.queues), |it| &it.queue);
    if let Some(lowest) = after.levels.first().filter(|level| !level.customer_contact) {
        let path = path::by_key("levels", &lowest.key);
        warnings.push(format!("{path}.customer_contact: the lowest level cannot answer the customer"));
    }
    // Whoever has no agents at all is still setting up.
    let staffed: HashSet<&String> = members.iter().flat_map(|member| &member.teams).collect();
    let idle = |team: &&Team| !staffed.contains(&team.key) && !before.teams.contains(team);
    for team in after.teams.iter().filter(|_| !staffed.is_empty()).filter(idle) {
        warnings.push(format!("{}: nobody is a member", path::by_key("teams", &team.key)));
    }
    let mut rules = after.routing_rules.iter();
    if let Some(always) = rules.find(|rule| rule.condition.trim().is_empty()) {
        warnings.extend(rules.map(|rule| {
            let path = path::by_key("routing_rules", &rule.key);
            format!("{path}: is never reached, since {:?} before it always matches", always.key)
        }));
    }
    warnings.extend(unreached(&after.sla_policies).into_iter().map(|(key, always)| {
        format!(
            "{}: is never reached, since {always:?} before it always holds",
            path::by_key("sla_policies", key)
        )
    }));
    warnings
}

fn missing<'a, T: Keyed>(before: &'a [T], after: &[T]) -> Vec<&'a str> {
    let kept: HashSet<&str> = after.iter().map(Keyed::key).collect();
    before.iter().map(Keyed::key).filter(|key| !kept.contains(key)).collect()
}

fn compare(path: &str, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Value::Object(before), Value::Object(after)) => {
            for (field, value) in after {
                let path = if path.is_empty() { field.clone() } else { format!("{path}.{field}") };
                compare(&path, before.get(field).unwrap_or(&Value::Null), value, changes);
            }
        }
        (Value::Array(before), Value::Array(after)) => match (keyed(before), keyed(after)) {
            (Some(before), Some(after)) => lists(path, &before, &after, changes),
            _ => push(path, present_list(before), present_list(after), changes),
        },
        (before, after) => push(path, present(before), present(after), changes),
    }
}

/// Items with how each is found: `[key="billing"]`.
type Items<'a> = Vec<(String, &'a Value)>;

/// Compares lists whose items are found by key: what stays or comes in the new order, then what goes, then the order of
/// what stays.
fn lists(path: &str, before: &Items, after: &Items, changes: &mut Vec<Change>) {
    let (old, new): (HashMap<_, _>, HashMap<_, _>) =
        (before.iter().cloned().collect(), after.iter().cloned().collect());
    for (selector, value) in after {
        let path = format!("{path}{selector}");
        match old.get(selector) {
            Some(before) => compare(&path, before, value, changes),
            None => push(&path, None, Some((*value).clone()), changes),
        }
    }
    for (selector, value) in before {
        if !new.contains_key(selector) {
            push(&format!("{path}{selector}"), Some((*value).clone()), None, changes);
        }
    }
    let stay = |items: &Items, other: &HashMap<String, &Value>| -> Vec<Value> {
        let selectors = items.iter().map(|(selector, _)| selector);
        selectors.filter(|it| other.contains_key(*it)).map(|it| Value::from(it.as_str())).collect()
    };
    let (was, is) = (stay(before, &new), stay(after, &old));
    if was != is {
        push(path, Some(was.into()), Some(is.into()), changes);
    }
}

fn push(path: &str, before: Option<Value>, after: Option<Value>, changes: &mut Vec<Change>) {
    changes.push(Change { path: path.to_owned(), before, after });
}

/// Null and empty text are how the document says nothing.
fn present(value: &Value) -> Option<Value> {
    (!value.is_null() && value != "").then(|| value.clone())
}

fn present_list(values: &[Value]) -> Option<Value> {
    (!values.is_empty()).then(|| Value::from(values))
}

/// The items by their keys; `None` when they have none.
fn keyed(list: &[Value]) -> Option<Items<'_>> {
    let one = |place: usize, item: &Value| {
        let text = |field: &str| item.get(field).and_then(Value::as_str);
        match (text("key"), text("date"), text("impact"), text("urgency")) {
            (Some(key), ..) => Some(path::by_key("", key)),
            (None, Some(date), ..) => Some(path::dated("", place, date)),
            (None, None, Some(impact), Some(urgency)) => Some(path::cell("", impact, urgency)),
            _ => None,
        }
    };
    list.iter().enumerate().map(|(place, item)| Some((one(place, item)?, item))).collect()
}
