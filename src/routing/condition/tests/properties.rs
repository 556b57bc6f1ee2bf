//! Of conditions that are put together at random.

use proptest::{prelude::*, sample::select};

use super::{fields, ticket};
use crate::{
    routing::{
        condition::{Condition, ENV, Seen, compile, cost},
        view::{Sizes, View},
    },
    tickets::{FieldValue, Ticket},
};
use cel::{Context, ExecutionError, Value};
use std::sync::Arc;

fn tickets() -> impl Strategy<Value = Ticket> {
    let text = || select(vec!["", "a", "ab", "vip", "Störung im Netz", "2026-03-02T08:00:00Z", "12"]);
    let texts = prop::collection::vec(text(), 0..4);
    let lacks = any::<(bool, bool, bool, bool)>();
    (text(), text(), texts, any::<i64>(), lacks).prop_map(|(title, description, tags, seats, lacks)| {
        let mut ticket = ticket();
        ticket.title = title.to_owned();
        ticket.description = description.repeat(7);
        ticket.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        ticket.custom_fields.0.insert("seats".to_owned(), FieldValue::Int(seats));
        ticket.custom_fields.0.insert("serial".to_owned(), FieldValue::String(title.to_owned()));
        for (lacks, key) in [(lacks.0, "seats"), (lacks.1, "serial"), (lacks.2, "production")] {
            if lacks {
                ticket.custom_fields.0.remove(key);
            }
        }
        if lacks.3 {
            ticket.annotations.0.clear();
        }
        ticket
    })
}

/// Of no type in particular, and nothing whose type cannot be known.
fn wild() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        "true",
        "1",
        "2u",
        "1.5",
        "\"a\"",
        "\"HIGH\"",
        "b\"x\"",
        "null",
        "[]",
        "{}",
        "x",
        "ticket",
        "string",
        "ticket.title",
        "ticket.impact",
        "ticket.tags",
        "ticket.annotations",
        "ticket.custom_fields",
        "ticket.custom_fields.seats",
        "ticket.custom_fields.production",
        "ticket.custom_fields[\"since\"]",
        "timestamp(\"2026-01-01T00:00:00Z\")",
        "duration(\"1h\")",
        "has(ticket.annotations.crm)",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 24, 3, |inner| {
        let operator = select(vec!["==", "!=", "<", ">=", "+", "-", "*", "/", "%", "&&", "||", "in"]);
        let function = select(vec!["size", "int", "string", "type", "bool", "double", "uint", "bytes", "timestamp"]);
        let member = select(vec!["contains", "startsWith", "matches", "size", "getHours", "all", "exists"]);
        let looped = select(vec!["all", "exists", "exists_one", "map", "filter"]);
        prop_oneof![
            4 => (inner.clone(), operator, inner.clone()).prop_map(|(one, by, two)| format!("({one} {by} {two})")),
            2 => (inner.clone(), looped, inner.clone()).prop_map(|(one, by, two)| format!("{one}.{by}(x, {two})")),
            2 => (function, inner.clone()).prop_map(|(by, one)| format!("{by}({one})")),
            1 => (inner.clone(), member, inner.clone()).prop_map(|(one, by, two)| format!("{one}.{by}({two})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("{one}[{two}]")),
            1 => (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("{{{one}: {two}}}")),
            1 => inner.clone().prop_map(|one| format!("[{one}]")),
            1 => inner.prop_map(|one| format!("!{one}")),
        ]
    })
}

/// Conditions, numbers, texts and lists of texts that are well typed.
struct Typed {
    truth: BoxedStrategy<String>,
    number: BoxedStrategy<String>,
    text: BoxedStrategy<String>,
    list: BoxedStrategy<String>,
}

type Parts = Vec<BoxedStrategy<String>>;

/// `depth`: of operators; `loops` may stand in each other here, and in one of them `x` is a text.
fn typed(depth: u32, loops: u32) -> Typed {
    let leaves = leaves(if loops < 2 { "x" } else { "ticket.priority" });
    if depth == 0 {
        return leaves;
    }
    let parts = typed(depth - 1, loops);
    let body = (loops > 0).then(|| typed(depth - 1, loops - 1));
    let or = |leaf: BoxedStrategy<String>, parts: Parts| {
        prop_oneof![1 => leaf, 4 => prop::strategy::Union::new(parts)].boxed()
    };
    Typed {
        truth: or(leaves.truth, truths(&parts, body.as_ref())),
        number: or(leaves.number, numbers(&parts)),
        text: or(leaves.text, texts(&parts)),
        list: or(leaves.list, lists(&parts, body.as_ref())),
    }
}

fn leaves(variable: &'static str) -> Typed {
    let leaf = |known: &[&'static str]| select(known.to_vec()).prop_map(str::to_owned).boxed();
    Typed {
        truth: leaf(&["true", "ticket.custom_fields.production", "has(ticket.custom_fields.seats)"]),
        number: leaf(&["0", "1", "-7", "ticket.custom_fields.seats", "size(ticket.tags)"]),
        text: leaf(&[
            "\"a\"",
            "ticket.title",
            "ticket.impact",
            "ticket.custom_fields.since",
            "ticket.annotations.crm",
            variable,
        ]),
        list: leaf(&["ticket.tags", "[]", "[\"a\", \"vip\"]", "[ticket.title, ticket.kind]"]),
    }
}

fn joined(
    one: &BoxedStrategy<String>,
    by: &[&'static str],
    two: &BoxedStrategy<String>,
) -> BoxedStrategy<String> {
    let parts = (one.clone(), select(by.to_vec()), two.clone());
    parts.prop_map(|(one, by, two)| format!("({one} {by} {two})")).boxed()
}

fn put(one: &BoxedStrategy<String>, into: impl Fn(String) -> String + 'static) -> BoxedStrategy<String> {
    one.clone().prop_map(into).boxed()
}

fn looped(
    list: &BoxedStrategy<String>,
    by: &[&'static str],
    body: &BoxedStrategy<String>,
) -> BoxedStrategy<String> {
    let parts = (list.clone(), select(by.to_vec()), body.clone());
    parts.prop_map(|(list, by, body)| format!("{list}.{by}(x, {body})")).boxed()
}

fn truths(parts: &Typed, body: Option<&Typed>) -> Parts {
    let order = ["==", "!=", "<", "<=", ">", ">="];
    // A code is compared with codes only; what is added to one is any text.
    let text = put(&parts.text, |text| format!("({text} + \"\")"));
    let choice = (parts.truth.clone(), parts.truth.clone(), parts.truth.clone());
    let mut all = vec![
        joined(&parts.number, &order, &parts.number),
        joined(&text, &order, &text),
        joined(&parts.truth, &["&&", "||", "==", "<"], &parts.truth),
        joined(&text, &["in"], &parts.list),
        joined(&parts.list, &["==", "!="], &parts.list),
        put(&parts.truth, |truth| format!("!({truth})")),
        choice.prop_map(|(question, yes, no)| format!("({question} ? {yes} : {no})")).boxed(),
        (parts.text.clone(), parts.text.clone())
            .prop_map(|(one, two)| format!("{one}.contains({two})"))
            .boxed(),
        put(&parts.text, |text| format!("{text}.matches(\"^[a-c]+\")")),
    ];
    all.extend(body.map(|body| looped(&parts.list, &["all", "exists", "exists_one"], &body.truth)));
    all
}

fn numbers(parts: &Typed) -> Parts {
    vec![
        joined(&parts.number, &["+", "-", "*", "/", "%"], &parts.number),
        put(&parts.list, |list| format!("size({list})")),
        put(&parts.text, |text| format!("int({text})")),
    ]
}

fn texts(parts: &Typed) -> Parts {
    vec![
        joined(&parts.text, &["+"], &parts.text),
        put(&parts.number, |number| format!("string({number})")),
        put(&parts.list, |list| format!("{list}[0]")),
    ]
}

fn lists(parts: &Typed, body: Option<&Typed>) -> Parts {
    let mut all = vec![joined(&parts.list, &["+"], &parts.list)];
    if let Some(body) = body {
        all.push(looped(&parts.list, &["filter"], &body.truth));
        all.push(looped(&parts.list, &["map"], &body.text));
    }
    all
}

/// Why it could not be answered, if that is because of a type.
fn wrong_type(condition: &Condition, ticket: &Ticket) -> Option<ExecutionError> {
    let view = View::of(ticket);
    let seen = Seen { view: &view, patterns: &condition.patterns };
    let mut context = Context::with_env(Arc::clone(&ENV));
    context.set_variable_resolver(&seen);
    let error = match Value::resolve_val(&condition.expression, &context) {
        Ok(answer) if answer.get_type().name() == "bool" => return None,
        Ok(answer) => panic!("gives {answer:?}"),
        Err(error) => error,
    };
    let of_a_value = matches!(
        error,
        ExecutionError::NoSuchKey(_)
            | ExecutionError::DivisionByZero(_)
            | ExecutionError::RemainderByZero(_)
            | ExecutionError::Overflow(..)
            | ExecutionError::IndexOutOfBounds(_)
            | ExecutionError::FunctionError { .. }
            | ExecutionError::DuplicateKey(_)
    );
    (!of_a_value).then_some(error)
}

/// Sizes alone may refuse what is well typed.
fn too_large(fault: &str) -> bool {
    ["bytes", "deep", "loops"].iter().any(|word| fault.contains(word))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_makes_the_check_panic(text in "[ -~äß\n]{0,60}", condition in wild()) {
        let _ = compile(&text, &fields());
        let _ = compile(&condition, &fields());
    }

    #[test]
    fn a_fault_stands_in_the_text(condition in wild()) {
        if let Err(fault) = compile(&condition, &fields()) {
            let place = fault.strip_prefix("line 1, column ").and_then(|rest| rest.split_once(": "));
            let column = place.and_then(|(column, _)| column.parse::<usize>().ok());
            prop_assert!(column.is_some_and(|column| (1..=condition.chars().count() + 1).contains(&column)), "{fault}");
        }
    }

    #[test]
    fn what_is_well_typed_is_accepted_and_answered(condition in typed(4, 2).truth, ticket in tickets()) {
        match compile(&condition, &fields()) {
            Ok(condition) => prop_assert_eq!(wrong_type(&condition, &ticket), None),
            Err(fault) => prop_assert!(too_large(&fault), "{condition}: {fault}"),
        }
    }

    #[test]
    fn what_is_accepted_never_fails_by_a_type(condition in wild(), ticket in tickets()) {
        for condition in [format!("{condition} == {condition}"), condition] {
            if let Ok(accepted) = compile(&condition, &fields()) {
                prop_assert_eq!(wrong_type(&accepted, &ticket), None, "{}", condition);
            }
        }
    }

    #[test]
    fn a_larger_ticket_never_costs_less(condition in typed(4, 2).truth, ticket in tickets()) {
        if let Ok(condition) = compile(&condition, &fields()) {
            let steps = |ticket: &Ticket| cost::steps(&condition.expression, &condition.patterns, &Sizes::of(ticket));
            let mut larger = ticket.clone();
            larger.title.push_str(&"x".repeat(64));
            larger.tags.extend(ticket.tags.clone());
            prop_assert!(steps(&ticket) <= steps(&larger));
            let usual = cost::steps(&condition.expression, &condition.patterns, &Sizes::USUAL);
            prop_assert!(steps(&ticket) <= usual);
        }
    }
}
