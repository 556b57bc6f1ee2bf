//! The conditions of routing rules and SLA policies: CEL over `ticket`, compiled once for each configuration revision and asked about many
//! tickets. How large one may be is in `bounds.rs`, what goes together in `typing.rs`, how much work it may be in `cost.rs`;
//! `docs/routing.md` is the guide.

use std::sync::{Arc, LazyLock};

use cel::{
    Context, Env, ExecutionError, Value,
    common::{
        ast::{EntryExpr, Expr, LiteralValue},
        types::CelBool,
        value::CowVal,
    },
    context::VariableResolver,
    parser::Expression,
};

use super::{
    bounds, cost,
    pattern::{self, Pattern},
    place::{self, Fault},
    typing,
    view::{Sizes, View},
};
use crate::{configuration::CustomField, tickets::Ticket};

/// Longest condition, bytes.
pub const MAX_CONDITION: usize = 2048;

/// The standard functions of CEL and nothing else: a condition cannot look outside the ticket.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::default().with_optional_support(false).with_stdlib();
    pattern::register(&mut env);
    Arc::new(env)
});

/// The compiled conditions of a configuration's rules, in their order.
#[derive(Debug)]
pub struct Conditions(Vec<Result<Option<Condition>, String>>);

/// A compiled condition.
#[derive(Debug)]
pub struct Condition {
    expression: Expression,
    /// What its calls of `matches` look for.
    patterns: Vec<Pattern>,
    /// No usual ticket makes it run long, so that nothing has to be counted.
    short: bool,
}

/// The conditions, asked about one ticket: what they see of it is made once for all of them.
pub struct Asked<'c> {
    conditions: &'c Conditions,
    view: View<'c>,
    sizes: Sizes,
    usual: bool,
}

/// Compiles a condition; the error says where, what, and what to do.
pub fn compile(condition: &str, custom_fields: &[CustomField]) -> Result<Condition, String> {
    if condition.len() > MAX_CONDITION {
        return Err(format!("must be at most {MAX_CONDITION} bytes; split the rule"));
    }
    let parsed = place::parser().parse(condition).map_err(|errors| {
        errors.errors.first().map_or_else(String::new, |error| place::syntax(condition, error))
    })?;
    checked(parsed, custom_fields).map_err(|fault| fault.told(condition))
}

fn checked(mut expression: Expression, custom_fields: &[CustomField]) -> Result<Condition, Fault> {
    bounds::check(&expression)?;
    let answer = typing::check(&expression, custom_fields)?;
    typing::answers(&expression, &answer)?;
    let mut patterns = Vec::new();
    compile_patterns(&mut expression, &mut patterns)?;
    let short = cost::steps(&expression, &patterns, &Sizes::USUAL) <= cost::MAX_STEPS;
    Ok(Condition { expression, patterns, short })
}

/// Compiles what `matches` looks for, and puts it in the place of its text.
fn compile_patterns(part: &mut Expression, patterns: &mut Vec<Pattern>) -> Result<(), Fault> {
    if let Expr::Call(call) = &mut part.expr
        && call.func_name == "matches"
    {
        if call.target.is_none() {
            call.target = Some(Box::new(call.args.remove(0)));
        }
        if let Some(last) = call.args.last_mut()
            && let Expr::Literal(LiteralValue::String(text)) = &last.expr
        {
            let pattern = Pattern::compile(text.inner()).map_err(|text| Fault::of(last, text))?;
            patterns.push(pattern);
            if patterns.iter().map(Pattern::size).sum::<u64>() > pattern::MAX_SIZE as u64 {
                return Err(Fault::of(
                    last,
                    "makes the patterns of this condition too large together; split the rule",
                ));
            }
            last.expr = Pattern::stand_in(patterns.len() - 1);
        }
    }
    parts(part).into_iter().try_for_each(|inner| compile_patterns(inner, patterns))
}

fn parts(part: &mut Expression) -> Vec<&mut Expression> {
    fn of_entry(entry: &mut EntryExpr) -> Vec<&mut Expression> {
        match entry {
            EntryExpr::StructField(field) => vec![&mut field.value],
            EntryExpr::MapEntry(entry) => vec![&mut entry.key, &mut entry.value],
        }
    }
    match &mut part.expr {
        Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) => Vec::new(),
        Expr::Select(select) => vec![&mut select.operand],
        Expr::Call(call) => call.target.as_deref_mut().into_iter().chain(&mut call.args).collect(),
        Expr::List(list) => list.elements.iter_mut().collect(),
        Expr::Map(map) => map.entries.iter_mut().flat_map(|it| of_entry(&mut it.expr)).collect(),
        Expr::Struct(message) => message.entries.iter_mut().flat_map(|it| of_entry(&mut it.expr)).collect(),
        Expr::Comprehension(it) => {
            let it = it.as_mut();
            vec![&mut it.iter_range, &mut it.accu_init, &mut it.loop_cond, &mut it.loop_step, &mut it.result]
        }
    }
}

impl Conditions {
    /// Compiles those of a document.
    pub fn compile<'a>(conditions: impl IntoIterator<Item = &'a str>, custom_fields: &[CustomField]) -> Self {
        let one = |condition: &str| {
            let empty = condition.trim().is_empty();
            if empty { Ok(None) } else { compile(condition, custom_fields).map(Some) }
        };
        Self(conditions.into_iter().map(one).collect())
    }

    pub fn ask<'c>(&'c self, ticket: &'c Ticket) -> Asked<'c> {
        let sizes = Sizes::of(ticket);
        Asked { conditions: self, view: View::of(ticket), usual: sizes.within(&Sizes::USUAL), sizes }
    }
}

impl Asked<'_> {
    /// Whether the rule at this place matches. A condition that cannot be answered has an error, which counts as no.
    pub fn matches(&self, rule: usize) -> Result<bool, String> {
        let Some(condition) = self.conditions.0[rule].as_ref().map_err(Clone::clone)? else {
            return Ok(true);
        };
        let long = !(condition.short && self.usual)
            && cost::steps(&condition.expression, &condition.patterns, &self.sizes) > cost::MAX_STEPS;
        if long {
            return Err(format!("would take more than {} steps for this ticket", cost::MAX_STEPS));
        }
        condition.answer(&self.view)
    }
}

impl Condition {
    fn answer(&self, view: &View<'_>) -> Result<bool, String> {
        let seen = Seen { view, patterns: &self.patterns };
        let mut context = Context::with_env(Arc::clone(&ENV));
        context.set_variable_resolver(&seen);
        let answer = Value::resolve_val(&self.expression, &context).map_err(|error| told(&error))?;
        match answer.downcast_ref::<CelBool>() {
            Some(answer) => Ok(*answer.inner()),
            None => Err(format!("gives {}, not true or false", answer.get_type().name())),
        }
    }
}

/// The names that a condition knows, beside those of its loops.
struct Seen<'a, 't> {
    view: &'a View<'t>,
    patterns: &'a [Pattern],
}

impl VariableResolver for Seen<'_, '_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        if name == "ticket" {
            return Some(CowVal::Borrowed(self.view));
        }
        let pattern = self.patterns.get(Pattern::place_of(name)?)?;
        Some(CowVal::Borrowed(pattern))
    }
}

/// The error without the values of the ticket: it goes out with the decision. Nor does it name their types: of a map's
/// values, which have no order, any may be the one that fails.
fn told(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(_) => "asks for a key that the ticket does not have".to_owned(),
        ExecutionError::NoSuchOverload(error) => {
            format!(
                "{} cannot be used with what the ticket has there",
                error.function().trim_matches(['_', '@'])
            )
        }
        ExecutionError::UndeclaredReference(name) => format!("there is no {name}"),
        _ => "cannot be answered for this ticket".to_owned(),
    }
}

#[cfg(test)]
mod tests;
