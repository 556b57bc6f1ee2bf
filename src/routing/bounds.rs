//! What a condition may look like: it knows the ticket and the standard functions, and it is small enough that no ticket
//! can make it run long or deep. What is refused here would otherwise fail at every ticket, or bring the process down.

use cel::{
    Context, ExecutionError,
    common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue},
    parser::Expression,
};

/// How deep a condition may be nested, and how long a chain of operators may be. Deciding recurses this deep, on a
/// thread's 2 MiB of stack.
pub const MAX_DEPTH: u16 = 32;
/// How many loops (`all`, `exists`, `map` …) may stand in each other: each multiplies the work by a ticket's tags.
const MAX_LOOPS: u16 = 2;

/// The fields of the view of a ticket.
pub const FIELDS: &[&str] = &[
    "kind",
    "channel",
    "title",
    "description",
    "requester",
    "organization",
    "category",
    "product",
    "language_code",
    "impact",
    "urgency",
    "priority",
    "tags",
    "custom_fields",
    "annotations",
];

/// The view of a ticket of which nothing is known.
pub fn blank() -> serde_json::Value {
    let empty = |field: &str| match field {
        "tags" => serde_json::json!([]),
        "custom_fields" | "annotations" => serde_json::json!({}),
        _ => serde_json::json!(""),
    };
    FIELDS.iter().map(|field| ((*field).to_owned(), empty(field))).collect()
}

/// Refuses a condition that is too large or that knows what there is not. `empty` has the functions, but no ticket.
pub fn check(condition: &Expression, empty: &Context) -> Result<(), String> {
    Walk { empty, scope: vec!["ticket"] }.expression(condition, 1, 0)
}

struct Walk<'a> {
    empty: &'a Context<'a, 'a>,
    /// The variables that are known here.
    scope: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    fn expression(&mut self, expression: &'a Expression, depth: u16, loops: u16) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("is nested more than {MAX_DEPTH} deep; split the rule"));
        }
        let inner = depth + 1;
        match &expression.expr {
            Expr::Unspecified | Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.ident(name),
            Expr::Select(select) => {
                field(&select.operand.expr, &select.field)?;
                self.expression(&select.operand, inner, loops)
            }
            Expr::Call(call) => {
                self.function(call)?;
                let parts = call.target.as_deref().into_iter().chain(&call.args);
                parts.into_iter().try_for_each(|part| self.expression(part, inner, loops))
            }
            Expr::List(list) => {
                list.elements.iter().try_for_each(|element| self.expression(element, inner, loops))
            }
            Expr::Map(map) => self.entries(map.entries.iter().map(|entry| &entry.expr), inner, loops),
            Expr::Struct(_) => Err("makes a message; there is none here".to_owned()),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension, inner, loops + 1),
        }
    }

    fn entries(
        &mut self,
        entries: impl Iterator<Item = &'a EntryExpr>,
        depth: u16,
        loops: u16,
    ) -> Result<(), String> {
        for entry in entries {
            match entry {
                EntryExpr::StructField(field) => self.expression(&field.value, depth, loops)?,
                EntryExpr::MapEntry(entry) => {
                    self.expression(&entry.key, depth, loops)?;
                    self.expression(&entry.value, depth, loops)?;
                }
            }
        }
        Ok(())
    }

    fn comprehension(&mut self, it: &'a ComprehensionExpr, depth: u16, loops: u16) -> Result<(), String> {
        if loops > MAX_LOOPS {
            return Err(format!("has more than {MAX_LOOPS} loops in each other"));
        }
        self.expression(&it.iter_range, depth, loops)?;
        let known = self.scope.len();
        self.scope.extend([it.iter_var.as_str(), it.accu_var.as_str()]);
        self.scope.extend(it.iter_var2.as_deref());
        for part in [&it.accu_init, &it.loop_cond, &it.loop_step, &it.result] {
            self.expression(part, depth, loops)?;
        }
        self.scope.truncate(known);
        Ok(())
    }

    fn ident(&self, name: &str) -> Result<(), String> {
        let known = self.scope.contains(&name) || self.resolves(Expr::Ident(name.to_owned()));
        if known { Ok(()) } else { Err(format!("there is no {name:?}; a condition knows `ticket`")) }
    }

    fn function(&self, call: &CallExpr) -> Result<(), String> {
        let nothing = || Expression { id: 0, expr: Expr::Literal(LiteralValue::Null) };
        let probe = CallExpr {
            func_name: call.func_name.clone(),
            target: call.target.is_some().then(|| Box::new(nothing())),
            args: call.args.iter().map(|_| nothing()).collect(),
        };
        let known = self.resolves(Expr::Call(probe));
        if known { Ok(()) } else { Err(format!("there is no function {:?}", call.func_name)) }
    }

    /// Whether the library knows the name; what it makes of the arguments does not matter.
    fn resolves(&self, expr: Expr) -> bool {
        let answer = self.empty.resolve(&Expression { id: 0, expr });
        !matches!(answer, Err(ExecutionError::UndeclaredReference(_)))
    }
}

fn field(operand: &Expr, field: &str) -> Result<(), String> {
    if *operand != Expr::Ident("ticket".to_owned()) || FIELDS.contains(&field) {
        return Ok(());
    }
    let near = FIELDS.iter().find(|known| strsim::jaro_winkler(known, field) > 0.85);
    let hint = near
        .map_or_else(|| format!("it has {}", FIELDS.join(", ")), |near| format!("did you mean {near:?}?"));
    Err(format!("a ticket has no field {field:?}; {hint}"))
}
