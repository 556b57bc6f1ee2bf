//! Holds the filter language to its laws: no text breaks the parser, what is printed is read back, memory and SQL agree.

use proptest::prelude::*;
use serde_json::json;
use sqlx::{Postgres, QueryBuilder};

use super::*;

/// Few enough that rows and filters meet often, nasty enough to try LIKE.
const TEXTS: [&str; 9] = ["", "a", "A", "ab", "a%b", "a_", r"a\", "Σς*", "agent-7"];
const KEYS: [&str; 4] = ["serial", "a b", "AND", "-x"];

fn some_text() -> impl Strategy<Value = String> {
    prop_oneof![4 => prop::sample::select(&TEXTS[..]).prop_map(String::from), 1 => "[^\0]{0,6}"]
}

fn some_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![Just(-1), Just(0), Just(1), -62_135_596_800_000_000..253_370_764_800_000_000_i64]
        .prop_map(|micros| Timestamp::from_microsecond(micros).expect("in range"))
}

fn some_map() -> impl Strategy<Value = serde_json::Value> {
    let entry = prop_oneof![
        some_text().prop_map(|text| json!(text)),
        Just(json!(null)),
        Just(json!(true)),
        (-2..3).prop_map(|number| json!(number)),
    ];
    prop::collection::btree_map(prop::sample::select(&KEYS[..]), entry, 0..4).prop_map(|map| json!(map))
}

fn some_row() -> impl Strategy<Value = Row> {
    let status = prop::option::of(prop::sample::select(&["NEW", "OPEN", "RESOLVED"][..]));
    let text = || prop::option::of(some_text());
    (
        (status.prop_map(|name| name.map(String::from)), text(), text()).prop_map(|(a, b, c)| [a, b, c]),
        prop::option::of(prop::collection::vec(some_text(), 0..3)),
        prop::option::of(-2..3_i64),
        prop::option::of(any::<bool>()),
        prop::option::of(some_time()),
        [prop::option::of(some_map()), prop::option::of(some_map())],
    )
        .prop_map(|(texts, tags, priority, paused, create_time, maps)| Row {
            texts,
            tags,
            priority,
            paused,
            create_time,
            maps,
        })
}

fn some_test() -> impl Strategy<Value = Expr> {
    let text = || prop_oneof![4 => some_text().prop_map(Text::Literal), 1 => Just(Text::Me)];
    let filled = || some_text().prop_filter("empty", |text| !text.is_empty());
    let equal = move || {
        prop_oneof![
            Just(Check::Set),
            filled().prop_map(Check::Prefix),
            text().prop_map(|text| match text {
                Text::Literal(text) if text.is_empty() => Check::Unset,
                text => Check::Equal(text),
            }),
        ]
    };
    let order = prop::sample::select(vec![
        Order::Equal,
        Order::Less,
        Order::LessOrEqual,
        Order::Greater,
        Order::GreaterOrEqual,
    ]);
    let instant = prop_oneof![Just(Instant::Now), some_time().prop_map(Instant::At)];
    let plain = |(field, check): (usize, Check)| (&FIELDS[field], None, check);
    let leaf = prop_oneof![
        prop_oneof![prop::sample::select(vec!["NEW", "OPEN"]).prop_map(Check::Enum), Just(Check::Set)]
            .prop_map(move |check| plain((0, check))),
        (1..3_usize, prop_oneof![equal(), filled().prop_map(Check::Contains)]).prop_map(plain),
        prop_oneof![text().prop_map(Check::Element), Just(Check::Set)].prop_map(move |c| plain((3, c))),
        (order.clone(), prop_oneof![-2..3_i64, any::<i64>()])
            .prop_map(move |(order, number)| plain((4, Check::Int(order, number)))),
        any::<bool>().prop_map(move |value| plain((5, Check::Bool(value)))),
        (order, instant).prop_map(move |(order, time)| plain((6, Check::Time(order, time)))),
        (
            7..9_usize,
            prop_oneof![prop::sample::select(&KEYS[..]).prop_map(String::from), some_text()],
            equal()
        )
            .prop_map(|(field, key, check)| (&FIELDS[field], Some(key), check)),
    ];
    leaf.prop_map(|(field, key, check)| Expr::Test(Test { field, key, check }))
}

fn some_expr() -> impl Strategy<Value = Expr> {
    some_test().prop_recursive(4, 16, 3, |inner| {
        let terms = || prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            terms().prop_map(Expr::And),
            terms().prop_map(Expr::Or),
            inner.clone().prop_map(|inner| Expr::Not(Box::new(inner))),
        ]
    })
}

/// What SQL says of the row, in its three values and by its own words, from what `push_sql` writes.
fn reference(expr: &Expr, row: &Row) -> Option<bool> {
    match expr {
        Expr::And(terms) => joined(terms, row, false),
        Expr::Or(terms) => joined(terms, row, true),
        Expr::Not(inner) => Some(reference(inner, row) != Some(true)),
        Expr::Test(leaf) => reference_of_leaf(leaf, row),
    }
}

/// AND is decided by one false, OR by one true; else null goes before the rest.
fn joined(terms: &[Expr], row: &Row, decides: bool) -> Option<bool> {
    let answers: Vec<_> = terms.iter().map(|term| reference(term, row)).collect();
    if answers.contains(&Some(decides)) {
        return Some(decides);
    }
    if answers.contains(&None) { None } else { Some(!decides) }
}

fn reference_of_leaf(leaf: &Test, row: &Row) -> Option<bool> {
    let value = row.get(leaf.field.name);
    let text = match (value, &leaf.key) {
        (Some(Value::Text(text)), _) => Some(text.to_owned()),
        (Some(Value::Json(map)), Some(key)) => match &map[key] {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        },
        _ => None,
    };
    let literal = |text: &Text| match text {
        Text::Literal(text) => text.clone(),
        Text::Me => SCOPE.me.into(),
    };
    let ordered = |order: &Order, ordering: std::cmp::Ordering| match order {
        Order::Equal => ordering.is_eq(),
        Order::Less => ordering.is_lt(),
        Order::LessOrEqual => ordering.is_le(),
        Order::Greater => ordering.is_gt(),
        Order::GreaterOrEqual => ordering.is_ge(),
    };
    match (&leaf.check, value) {
        (Check::Unset, _) => Some(text.is_none_or(|text| text.is_empty())),
        (Check::Set, Some(Value::Json(map))) => {
            Some(map.as_object()?.contains_key(leaf.key.as_deref().expect("a map is filtered by key")))
        }
        (Check::Set, value) => match value? {
            Value::Text("") => Some(false),
            Value::TextSet(set) => Some(!set.is_empty()),
            _ => Some(true),
        },
        (Check::Equal(other), _) => Some(text? == literal(other)),
        (Check::Enum(name), _) => Some(text? == *name),
        (Check::Prefix(start), _) => Some(is_like(&text?, &format!("{}%", sql::like(start)))),
        (Check::Contains(part), _) => {
            let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
            Some(is_like(&lower(&text?), &lower(&format!("%{}%", sql::like(part)))))
        }
        (Check::Element(element), value) => match value? {
            Value::TextSet(set) => Some(set.contains(&literal(element))),
            other => panic!("{other:?}"),
        },
        (Check::Int(order, other), value) => match value? {
            Value::Int(it) => Some(ordered(order, it.cmp(other))),
            other => panic!("{other:?}"),
        },
        (Check::Bool(other), value) => match value? {
            Value::Bool(it) => Some(it == *other),
            other => panic!("{other:?}"),
        },
        (Check::Time(order, other), value) => match (value?, other) {
            (Value::Time(it), Instant::Now) => Some(ordered(order, it.cmp(&SCOPE.now))),
            (Value::Time(it), Instant::At(time)) => Some(ordered(order, it.cmp(time))),
            other => panic!("{other:?}"),
        },
    }
}

/// SQL's LIKE, slowly.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut rest = pattern.chars();
    let mut tail = text.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('%') => text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .any(|at| is_like(&text[at..], rest.as_str())),
        Some('_') => tail.next().is_some() && is_like(tail.as_str(), rest.as_str()),
        Some('\\') => tail.next() == rest.next() && is_like(tail.as_str(), rest.as_str()),
        Some(c) => tail.next() == Some(c) && is_like(tail.as_str(), rest.as_str()),
    }
}

fn some_soup() -> impl Strategy<Value = String> {
    let pieces = [
        "status",
        "subject",
        "tags",
        "priority",
        "paused",
        "create_time",
        "custom_fields",
        "annotations",
        ".",
        "=",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        ":",
        "(",
        ")",
        "-",
        "AND",
        "OR",
        "NOT",
        "and",
        "NEW",
        "true",
        "7",
        "\"x\"",
        "'y*'",
        "\"",
        "\\",
        "*",
        "ab*",
        "me()",
        "now()",
        "now(",
        "2026-01-31T09:00:00Z",
        "é",
        "\0",
        " ",
        "\n",
    ];
    let term = prop::sample::select(vec![
        "status = NEW",
        "subject:x",
        "-tags:y",
        "priority > 1",
        "(paused = true)",
        "custom_fields.a:*",
    ]);
    let piece = prop_oneof![1 => prop::sample::select(pieces.to_vec()), 2 => term];
    (prop::collection::vec(piece, 0..14), prop_oneof![Just(""), Just(" "), Just(" AND ")])
        .prop_map(|(pieces, space)| pieces.join(space))
}

/// Never a panic; a refusal points into the text; what is read is read again from its canonical text.
fn is_sound(text: &str) -> Result<(), TestCaseError> {
    match parse(text, &SCHEMA) {
        Ok(None) => prop_assert!(text.trim().is_empty()),
        Ok(Some(expr)) => prop_assert_eq!(parse(&expr.to_string(), &SCHEMA), Ok(Some(expr))),
        Err(error) => {
            prop_assert!(error.at <= text.len(), "{}", error);
            prop_assert!(error.to_string().len() < 1024, "{}", error);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        is_sound(&text)?;
    }

    #[test]
    fn any_soup_is_answered(text in some_soup()) {
        is_sound(&text)?;
    }

    #[test]
    fn what_is_printed_is_read_back(expr in some_expr()) {
        prop_assert_eq!(parse(&expr.to_string(), &SCHEMA), Ok(Some(expr)));
    }

    #[test]
    fn memory_agrees_with_sql(
        expr in prop_oneof![some_test(), some_expr()],
        rows in prop::collection::vec(some_row(), 50),
    ) {
        for row in rows {
            prop_assert_eq!(expr.matches(&row, &SCOPE), reference(&expr, &row) == Some(true), "{} {:?}", expr, row);
        }
    }

    #[test]
    fn every_filter_becomes_balanced_sql(expr in some_expr()) {
        let mut query = QueryBuilder::<Postgres>::new("");
        expr.push_sql(&mut query, &SCOPE);
        let sql = query.into_string();
        prop_assert!(sql.starts_with('(') && sql.ends_with(')'));
        prop_assert_eq!(sql.matches('(').count(), sql.matches(')').count());
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "()[]{}$_.,'<>=@?- ".contains(c);
        prop_assert!(sql.chars().all(known), "{}", sql);
    }
}
