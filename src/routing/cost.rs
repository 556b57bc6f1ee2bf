//! What answering a condition costs at most, told from the condition and the sizes of a ticket's fields before anything is
//! evaluated. CEL itself counts nothing: a condition of 200 bytes can copy gigabytes. No clock is asked, so the same
//! condition has the same cost for the same ticket everywhere.
//!
//! A step is one part of a condition that is evaluated, or 16 bytes that are read or copied; at most some 60 ns. A bound
//! counts what may be read, not what is: most conditions at their bound are far quicker.

use cel::{
    common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue},
    parser::Expression,
};

use super::{
    pattern::Pattern,
    view::{Group, Sizes},
};

/// Most steps of one answer. Measured in a release build: the slowest condition of `route_by_a_costly_rule` in
/// `benches/rules.rs` takes 2.3 ms at this bound. The dearest step that was found is one of `contains`, with a text and a
/// needle of kilobytes that are made to mislead its search: 58 ns, which is 6 ms.
pub const MAX_STEPS: u64 = 100_000;

/// Bytes that are read in a step.
const STRIDE: u64 = 16;
/// What a value takes beside its text: a box and an allocation.
const ITEM: u64 = STRIDE;
/// A loop binds its variables in each round.
const ROUND: u64 = 4;

/// How large a value may be.
#[derive(Clone, Debug, Default)]
struct Size {
    /// All that is in it, bytes.
    bytes: u64,
    /// Elements of a list, entries of a map.
    items: u64,
    /// The largest of what is in it, be it a key or a value.
    item: Option<Box<Size>>,
}

impl Size {
    /// A number, a truth value, an instant.
    const fn plain() -> Self {
        Self::text(8)
    }

    const fn text(bytes: u64) -> Self {
        Self { bytes, items: 0, item: None }
    }

    fn group(group: &Group) -> Self {
        let bytes = group.all.saturating_add(group.items.saturating_mul(2 * ITEM));
        Self { bytes, items: group.items, item: Some(Box::new(Self::text(group.text))) }
    }

    fn many(items: u64, item: Self) -> Self {
        let bytes = items.saturating_mul(item.bytes.saturating_add(ITEM));
        Self { bytes, items, item: Some(Box::new(item)) }
    }

    fn into_item(self) -> Self {
        // What is not known to have items may be a text, of which an item is a part.
        self.item.map_or(Self { bytes: self.bytes, items: self.items, item: None }, |item| *item)
    }

    fn or(self, other: Self) -> Self {
        self.with(other, u64::max)
    }

    fn and(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    fn with(self, other: Self, join: fn(u64, u64) -> u64) -> Self {
        let item = match (self.item, other.item) {
            (Some(one), Some(two)) => Some(Box::new(one.or(*two))),
            (one, two) => one.or(two),
        };
        Self { bytes: join(self.bytes, other.bytes), items: join(self.items, other.items), item }
    }
}

/// Steps that answering takes at most for a ticket of these sizes.
pub fn steps(condition: &Expression, patterns: &[Pattern], sizes: &Sizes) -> u64 {
    let mut count = Count { patterns, sizes, scope: Vec::new(), steps: 0 };
    count.part(condition);
    count.steps
}

struct Count<'a> {
    patterns: &'a [Pattern],
    sizes: &'a Sizes,
    scope: Vec<(&'a str, Size)>,
    steps: u64,
}

impl<'a> Count<'a> {
    fn spend(&mut self, steps: u64) {
        self.steps = self.steps.saturating_add(steps);
    }

    fn read(&mut self, bytes: u64) {
        self.spend(bytes / STRIDE);
    }

    fn part(&mut self, part: &'a Expression) -> Size {
        self.spend(1);
        match &part.expr {
            Expr::Literal(LiteralValue::String(text)) => Size::text(text.inner().len() as u64),
            Expr::Literal(LiteralValue::Bytes(bytes)) => Size::text(bytes.inner().len() as u64),
            Expr::Unspecified | Expr::Struct(_) | Expr::Literal(_) => Size::plain(),
            Expr::Ident(name) => {
                let known = self.scope.iter().rev().find(|(known, _)| known == name);
                known.map_or_else(Size::plain, |(_, size)| size.clone())
            }
            Expr::Select(select) => {
                if let Some(field) = self.ticket_field(&select.operand, &select.field) {
                    return field;
                }
                let operand = self.part(&select.operand);
                self.read(select.field.len() as u64);
                if select.test { Size::plain() } else { operand.into_item() }
            }
            Expr::Call(call) => self.call(call),
            Expr::List(list) => {
                let mut all = Size::many(0, Size::default());
                for element in &list.elements {
                    let element = self.copied(element);
                    all = all.and(Size::many(1, element));
                }
                all
            }
            Expr::Map(map) => {
                let mut all = Size::many(0, Size::default());
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else { continue };
                    let (key, value) = (self.copied(&entry.key), self.copied(&entry.value));
                    let bytes = key.bytes.saturating_add(value.bytes).saturating_add(2 * ITEM);
                    all = all.and(Size { bytes, items: 1, item: Some(Box::new(key.or(value))) });
                }
                all
            }
            Expr::Comprehension(it) => self.comprehension(it),
        }
    }

    /// A value that is put into another.
    fn copied(&mut self, part: &'a Expression) -> Size {
        let size = self.part(part);
        self.read(size.bytes.saturating_add(ITEM));
        size
    }

    fn ticket_field(&self, operand: &Expression, field: &str) -> Option<Size> {
        let is_ticket = matches!(&operand.expr, Expr::Ident(name) if name == "ticket")
            && !self.scope.iter().any(|(known, _)| *known == "ticket");
        is_ticket.then(|| match field {
            "title" => Size::text(self.sizes.title),
            "description" => Size::text(self.sizes.description),
            "tags" => Size::group(&self.sizes.tags),
            "custom_fields" => Size::group(&self.sizes.custom_fields),
            "annotations" => Size::group(&self.sizes.annotations),
            _ => Size::text(self.sizes.text),
        })
    }

    fn call(&mut self, call: &'a CallExpr) -> Size {
        let name = call.func_name.as_str();
        if let ("_[_]", [of, Expression { expr: Expr::Literal(LiteralValue::String(field)), .. }]) =
            (name, call.args.as_slice())
            && let Some(field) = self.ticket_field(of, field.inner())
        {
            return field;
        }
        if let ("matches", Some(text), Some(pattern)) = (name, &call.target, call.args.first()) {
            let text = self.part(text).bytes;
            let pattern = Pattern::place(pattern).and_then(|place| self.patterns.get(place));
            self.read(pattern.map_or(u64::MAX, |pattern| pattern.cost(text)));
            return Size::plain();
        }
        let parts = call.target.as_deref().into_iter().chain(&call.args);
        let given: Vec<Size> = parts.map(|part| self.part(part)).collect();
        if matches!(name, "_&&_" | "_||_" | "!_" | "@not_strictly_false" | "type") {
            return Size::plain();
        }
        if let ("_?_:_", [_, yes, no]) = (name, given.as_slice()) {
            return yes.clone().or(no.clone());
        }
        if let ("_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_", [one, two]) = (name, given.as_slice()) {
            self.read(one.bytes.min(two.bytes));
            return Size::plain();
        }
        // Any other operation reads all that it is given, at most; one that fails may copy it into its error.
        let all = given.iter().fold(0u64, |all, size| all.saturating_add(size.bytes));
        let mut given = given.into_iter();
        match (name, given.next()) {
            ("_[_]", Some(group)) => {
                // A list or a map that is at hand is not copied to look into it, a key is read.
                self.read(all - group.bytes);
                group.into_item()
            }
            ("dyn", Some(size)) => size,
            (_, size) => {
                self.read(all);
                match (name, size) {
                    ("_+_", Some(size)) => given.fold(size, Size::and),
                    // The longest number that is written out has 330 digits.
                    ("string" | "bytes", Some(size)) => size.or(Size::text(330)),
                    _ => Size::plain(),
                }
            }
        }
    }

    fn comprehension(&mut self, it: &'a ComprehensionExpr) -> Size {
        let start = self.part(&it.accu_init);
        let range = self.part(&it.iter_range);
        let rounds = range.items;
        let item = range.into_item();
        let before = self.steps;
        let outer = self.scope.len();
        let bound = item.bytes;
        self.scope.push((&it.iter_var, item));
        self.scope.push((&it.accu_var, start.clone()));
        self.part(&it.loop_cond);
        let step = self.part(&it.loop_step);
        // What is made in a round is kept, at most twice copied.
        self.read(bound.saturating_add(step.bytes.saturating_mul(2)));
        self.spend(ROUND);
        let round = self.steps - before;
        self.steps = before.saturating_add(round.saturating_mul(rounds));
        // A list grows by what a round makes of an empty one; anything else stays what a round makes it.
        let result = if step.item.is_some() {
            Size {
                bytes: step.bytes.saturating_mul(rounds),
                items: step.items.saturating_mul(rounds),
                item: step.item,
            }
        } else {
            start.or(step)
        };
        self.scope.truncate(outer);
        self.scope.push((&it.accu_var, result));
        let result = self.part(&it.result);
        self.scope.truncate(outer);
        result
    }
}
