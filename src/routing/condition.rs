//! The conditions of routing rules: CEL over `ticket`, compiled once for each configuration revision. What a condition may
//! look like is in `bounds.rs`; `docs/routing.md` lists the fields of the view.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use cel::{
    Context, Env, ExecutionError, Value,
    parser::{Expression, ParseError, PrattParser},
};
use serde::Serialize;

use super::bounds;
use crate::{configuration::RoutingRule, tickets::Ticket};

/// Longest condition, bytes.
pub const MAX_CONDITION: usize = 2048;

/// The standard functions of CEL and nothing else: a condition cannot look outside the ticket.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// The compiled conditions of a configuration's rules, in their order.
#[derive(Debug)]
pub struct Conditions(Vec<Result<Option<Expression>, String>>);

/// What a condition sees of a ticket. `bounds.rs` knows the names.
#[derive(Serialize)]
struct View<'a> {
    kind: &'a str,
    channel: &'a str,
    title: &'a str,
    description: &'a str,
    requester: &'a str,
    organization: &'a str,
    category: &'a str,
    product: &'a str,
    language_code: &'a str,
    impact: &'a str,
    urgency: &'a str,
    priority: &'a str,
    tags: &'a [String],
    custom_fields: BTreeMap<&'a str, serde_json::Value>,
    annotations: &'a BTreeMap<String, String>,
}

/// Compiles a condition; the error says where and what.
pub fn compile(condition: &str) -> Result<Expression, String> {
    if condition.len() > MAX_CONDITION {
        return Err(format!("must be at most {MAX_CONDITION} bytes"));
    }
    let parser = PrattParser::new().max_recursion_depth(bounds::MAX_DEPTH);
    let expression =
        parser.parse(condition).map_err(|errors| errors.errors.first().map_or_else(String::new, located))?;
    let empty = Context::with_env(Arc::clone(&ENV));
    bounds::check(&expression, &empty)?;
    // A condition that answers about an empty ticket shows what kind of answer it gives.
    match answer(&expression, bounds::blank()) {
        Ok(Value::Bool(_)) | Err(_) => Ok(expression),
        Ok(other) => Err(no_bool(&other)),
    }
}

fn answer(condition: &Expression, ticket: impl Serialize) -> Result<Value, String> {
    let mut context = Context::with_env(Arc::clone(&ENV));
    context.add_variable("ticket", ticket).map_err(|error| error.to_string())?;
    context.resolve(condition).map_err(|error| told(&error))
}

fn no_bool(value: &Value) -> String {
    format!("gives {}, not true or false", value.type_of())
}

fn located(error: &ParseError) -> String {
    match error.pos {
        (line @ 1.., column) => format!("line {line}, column {column}: {}", error.msg),
        _ => error.msg.clone(),
    }
}

impl Conditions {
    pub fn compile(rules: &[RoutingRule]) -> Self {
        let one = |rule: &RoutingRule| {
            if rule.condition.trim().is_empty() { Ok(None) } else { compile(&rule.condition).map(Some) }
        };
        Self(rules.iter().map(one).collect())
    }

    /// Whether the rule at this place matches. A condition that cannot be answered has an error, which counts as no.
    pub fn matches(&self, rule: usize, ticket: &Ticket) -> Result<bool, String> {
        let Some(expression) = self.0[rule].as_ref().map_err(Clone::clone)? else { return Ok(true) };
        match answer(expression, view(ticket))? {
            Value::Bool(matched) => Ok(matched),
            other => Err(no_bool(&other)),
        }
    }
}

/// The error without the values of the ticket: it goes out with the decision.
fn told(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(_) => "asks for a key that the ticket does not have".to_owned(),
        ExecutionError::NoSuchOverload(error) => error.to_string(),
        ExecutionError::UndeclaredReference(name) => format!("there is no {name}"),
        _ => "cannot be answered for this ticket".to_owned(),
    }
}

fn view(ticket: &Ticket) -> View<'_> {
    View {
        kind: ticket.kind.name(),
        channel: ticket.channel.name(),
        title: &ticket.title,
        description: &ticket.description,
        requester: &ticket.requester,
        organization: &ticket.organization,
        category: &ticket.category,
        product: &ticket.product,
        language_code: &ticket.language_code,
        impact: ticket.impact.name(),
        urgency: ticket.urgency.name(),
        priority: &ticket.priority,
        tags: &ticket.tags,
        custom_fields: ticket
            .custom_fields
            .iter()
            .map(|(key, value)| (key.as_str(), value.plain()))
            .collect(),
        annotations: &ticket.annotations,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(condition: &str) -> String {
        compile(condition).expect_err(condition)
    }

    #[test]
    fn the_document_lists_what_a_condition_sees() {
        let document = include_str!("../../docs/routing.md");
        let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        assert_eq!(rows.collect::<Vec<_>>(), bounds::FIELDS);
    }

    #[test]
    fn a_fault_says_where_and_what() {
        let cases = [
            ("ticket.product == ", "line 1, column 19"),
            ("ticket.product = \"x\"", "line 1, column 16"),
            ("true &&\n  && false", "line 2, column 3"),
            ("\"abc", "unterminated"),
            ("tickt.product == \"x\"", "there is no \"tickt\""),
            ("ticket.prodct == \"x\"", "did you mean \"product\""),
            ("has(ticket.prodct)", "did you mean \"product\""),
            ("ticket.title.contain(\"x\")", "there is no function \"contain\""),
            ("lower(ticket.title) == \"x\"", "there is no function \"lower\""),
            ("Ticket{title: \"x\"}", "makes a message"),
            ("ticket.title", "gives string"),
            ("ticket.tags.map(t, t)", "gives list"),
        ];
        for (condition, expected) in cases {
            let fault = fault(condition);
            assert!(fault.contains(expected), "{condition}: {fault}");
        }
    }

    #[test]
    fn what_the_guide_shows_compiles() {
        for condition in [
            "true",
            "ticket.product == \"SAP\" && \"vip\" in ticket.tags",
            "ticket.tags.exists(tag, tag.startsWith(\"sec-\"))",
            "has(ticket.custom_fields.serial) && ticket.custom_fields.serial.matches(\"^A[0-9]+$\")",
            "ticket.custom_fields[\"seats\"] > 10",
            "type(ticket.title) == string",
            "ticket.category.startsWith(\"hardware\") ? ticket.impact == \"HIGH\" : false",
            "size(ticket.description) > 1000 // long",
        ] {
            assert!(compile(condition).is_ok(), "{condition}: {:?}", compile(condition));
        }
    }

    #[test]
    fn the_view_has_the_fields_that_bounds_know() {
        let view = View {
            kind: "",
            channel: "",
            title: "",
            description: "",
            requester: "",
            organization: "",
            category: "",
            product: "",
            language_code: "",
            impact: "",
            urgency: "",
            priority: "",
            tags: &[],
            custom_fields: BTreeMap::new(),
            annotations: &BTreeMap::new(),
        };
        assert_eq!(serde_json::to_value(view).ok(), Some(bounds::blank()));
    }

    /// Each of these overflows the stack of a parser or an interpreter that does not count; on a test's 2 MiB too.
    #[test]
    fn no_condition_is_deep_enough_to_overflow_the_stack() {
        for (open, core, close) in [
            ("(", "1", ")"),
            ("[", "", "]"),
            ("{1:", "1", "}"),
            ("size(", "1", ")"),
            ("ticket[", "1", "]"),
            ("[1].all(a,", "true", ")"),
            ("true?", "1", ":1"),
            ("false?1:", "1", ""),
            ("!", "true", ""),
            ("-", "1", ""),
            ("1+", "1", ""),
            ("1<", "1", ""),
            ("true&&", "true", ""),
            ("\"\"", "\"", ""),
            ("", "ticket", ".title"),
            ("", "ticket", "[0]"),
        ] {
            for n in [8, MAX_CONDITION / (open.len() + close.len()) - 2] {
                for close in [close, ""] {
                    let condition = format!("{}{core}{}", open.repeat(n), close.repeat(n));
                    if let Ok(expression) = compile(&condition) {
                        _ = Context::with_env(Arc::clone(&ENV)).resolve(&expression);
                    }
                }
            }
        }
        assert!(fault(&"x".repeat(MAX_CONDITION + 1)).contains("2048 bytes"));
        assert!(fault(&format!("{}true", "1 < 2 == ".repeat(40))).contains("deep"));
        assert!(fault("[1].all(a, [1].all(b, [1].all(c, true)))").contains("loops"));
        assert!(fault(&"\u{1F600}".repeat(500)).chars().count() < 200);
    }
}
