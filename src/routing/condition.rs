//! The conditions of routing rules: CEL over `ticket`, compiled once for each configuration revision. `docs/routing.md`
//! lists the fields of the view.

use std::sync::{Arc, LazyLock};

use cel::{Context, Env, Program, Value};
use serde::Serialize;

use crate::{configuration::RoutingRule, tickets::Ticket};

/// The standard functions of CEL and nothing else: a condition cannot look outside the ticket.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// The compiled conditions of a configuration's rules, in their order.
#[derive(Debug)]
pub struct Conditions(Vec<Result<Option<Program>, String>>);

/// What a condition sees of a ticket.
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
    custom_fields: &'a std::collections::BTreeMap<String, crate::tickets::FieldValue>,
    annotations: &'a std::collections::BTreeMap<String, String>,
}

/// Compiles a condition; the error says where and what.
pub fn compile(condition: &str) -> Result<Program, String> {
    ENV.compile(condition).map_err(|error| error.to_string())
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
        let Some(program) = self.0[rule].as_ref().map_err(Clone::clone)? else { return Ok(true) };
        let mut context = Context::with_env(Arc::clone(&ENV));
        context.add_variable("ticket", view(ticket)).map_err(|error| error.to_string())?;
        match program.execute(&context) {
            Ok(Value::Bool(matched)) => Ok(matched),
            Ok(other) => Err(format!("gives {other:?}, not true or false")),
            Err(error) => Err(error.to_string()),
        }
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
        custom_fields: &ticket.custom_fields,
        annotations: &ticket.annotations,
    }
}
