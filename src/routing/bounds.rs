//! How large a condition may be, so that deciding neither recurses deep nor loops in loops in loops.

use cel::{
    common::ast::{EntryExpr, Expr},
    parser::Expression,
};

use super::place::{Fault, too_deep};

/// How deep a condition may be nested, and how long a chain of operators may be. Deciding recurses this deep, on a
/// thread's 2 MiB of stack.
pub const MAX_DEPTH: u16 = 32;
/// How many loops (`all`, `exists`, `map` …) may stand in each other: each multiplies the work by a ticket's tags.
const MAX_LOOPS: u16 = 2;

/// Refuses a condition that is too large.
pub fn check(condition: &Expression) -> Result<(), Fault> {
    walk(condition, 1, 0)
}

fn walk(part: &Expression, depth: u16, loops: u16) -> Result<(), Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::of(part, too_deep()));
    }
    let loops = loops + u16::from(matches!(part.expr, Expr::Comprehension(_)));
    if loops > MAX_LOOPS {
        return Err(Fault::of(
            part,
            format!("has more than {MAX_LOOPS} loops in each other; split the rule"),
        ));
    }
    parts(part).into_iter().try_for_each(|inner| walk(inner, depth + 1, loops))
}

/// What a part is made of.
fn parts(part: &Expression) -> Vec<&Expression> {
    match &part.expr {
        Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) => Vec::new(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map.entries.iter().flat_map(|it| entry_parts(&it.expr)).collect(),
        Expr::Struct(message) => message.entries.iter().flat_map(|it| entry_parts(&it.expr)).collect(),
        Expr::Comprehension(it) => {
            vec![&it.iter_range, &it.accu_init, &it.loop_cond, &it.loop_step, &it.result]
        }
    }
}

fn entry_parts(entry: &EntryExpr) -> Vec<&Expression> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}
