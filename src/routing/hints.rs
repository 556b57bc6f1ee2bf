//! What a fault of a condition says: what is wrong, in the words of who wrote it, and what to write instead.

use cel::{
    common::ast::{CallExpr, Expr, LiteralValue},
    parser::Expression,
};

use super::{
    functions::{self, FUNCTIONS, Shape},
    place::Fault,
    typing::Type,
    view,
};
use crate::configuration::CustomField;

/// The text, if it is written out.
pub fn text_of(part: &Expression) -> Option<&str> {
    match &part.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

/// The part as it was written, if it is short.
fn written(part: &Expression) -> Option<String> {
    match &part.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => {
            Some(format!("{}.{}", written(&select.operand)?, select.field))
        }
        Expr::Literal(LiteralValue::String(text)) if text.len() <= 32 => Some(format!("{:?}", text.inner())),
        Expr::Literal(LiteralValue::Int(number)) => Some(number.inner().to_string()),
        Expr::Literal(LiteralValue::UInt(number)) => Some(number.inner().to_string()),
        Expr::Literal(LiteralValue::Double(number)) => Some(number.inner().to_string()),
        Expr::Literal(LiteralValue::Boolean(value)) => Some(value.inner().to_string()),
        _ => None,
    }
}

/// The name of what has one: `title` for `ticket.title`.
fn name(part: &Expression) -> Option<&str> {
    match &part.expr {
        Expr::Select(select) if !select.test => Some(&select.field),
        Expr::Ident(name) if !name.starts_with('@') => Some(name),
        Expr::Call(call) if call.func_name == "_[_]" => text_of(call.args.last()?),
        _ => None,
    }
}

/// The part as the subject of a sentence.
pub fn subject(part: &Expression, of: &Type) -> String {
    name(part).map_or_else(|| of.told().to_owned(), str::to_owned)
}

/// `title is text`.
pub fn is(part: &Expression, of: &Type) -> String {
    format!("{} is {}", name(part).unwrap_or("this"), of.told())
}

/// The known name that was meant, if one is near.
fn meant<'n>(wrong: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let near = known.into_iter().map(|name| (strsim::jaro_winkler(name, wrong), name));
    let (nearness, name) = near.max_by(|(one, _), (two, _)| one.total_cmp(two))?;
    (nearness > 0.8).then_some(name)
}

fn or_all(wrong: &str, known: &[&str], there_is: &str) -> String {
    match meant(wrong, known.iter().copied()) {
        Some(name) => format!("did you mean {name:?}?"),
        None => format!("{there_is} {}", known.join(", ")),
    }
}

pub fn no_name(name: &str) -> String {
    let hint = meant(name, ["ticket"]).map_or("a condition knows `ticket`", |_| "did you mean `ticket`?");
    let fields = if view::FIELDS.contains(&name) { format!("; write ticket.{name}") } else { String::new() };
    format!("there is no {name:?}; {hint}{fields}")
}

pub fn no_field(field: &str) -> String {
    format!("a ticket has no field {field:?}; {}", or_all(field, view::FIELDS, "it has"))
}

pub fn no_custom_field(field: &str, known: &[CustomField]) -> String {
    let hint = match meant(field, known.iter().map(|known| known.key.as_str())) {
        Some(name) => format!("did you mean {name:?}?"),
        None => "add it to custom_fields".to_owned(),
    };
    format!("no custom field {field:?} is configured; {hint}")
}

pub fn no_code(subject: &Expression, text: &str, codes: &[&str]) -> String {
    let subject = name(subject).unwrap_or("this");
    format!("{subject} is never {text:?}; {}", or_all(&text.to_uppercase(), codes, "it is one of"))
}

pub fn no_function(wrong: &str) -> String {
    let names = FUNCTIONS.iter().map(|it| it.name).filter(|name| name.starts_with(char::is_alphabetic));
    let loops = ["all", "exists", "exists_one", "map", "filter", "has"];
    match meant(wrong, names.chain(loops)) {
        Some("has") if wrong == "has" => "has is called otherwise: has(ticket.annotations.key)".to_owned(),
        Some(name) if name == wrong => format!("{name} is called otherwise: list.{name}(item, …)"),
        Some(name) => format!("there is no function {wrong:?}; did you mean {name:?}?"),
        None => format!("there is no function {wrong:?}; docs/routing.md lists those that there are"),
    }
}

pub fn no_bool(part: &Expression, of: &Type) -> String {
    let example = match of {
        Type::List(_) | Type::Map(..) | Type::Fields => "size(…) > 0",
        Type::Int | Type::Uint | Type::Double => "… > 0",
        _ => "… != \"\"",
    };
    format!("{}, where true or false is needed; compare it, for instance {example}", is(part, of))
}

/// A comparison that has the same answer for every ticket.
pub fn never_equal(one: &Expression, left: &Type, two: &Expression, right: &Type) -> String {
    let (subject, of, other, against) =
        if matches!(one.expr, Expr::Literal(_)) { (two, right, one, left) } else { (one, left, two, right) };
    match instead(of, other) {
        Some(instead) => format!("{}: write {instead}", is(subject, of)),
        None => {
            format!("{} and is compared with {}; compare like with like", is(subject, of), against.told())
        }
    }
}

/// What was meant by a literal of a wrong type.
fn instead(wanted: &Type, literal: &Expression) -> Option<String> {
    let text = text_of(literal);
    match wanted.shape()? {
        Shape::Text if text.is_none() && matches!(literal.expr, Expr::Literal(_)) => {
            Some(format!("{:?}", written(literal)?))
        }
        Shape::Bool => text.filter(|text| ["true", "false"].contains(text)).map(str::to_owned),
        Shape::Int => text?.parse::<i64>().ok().map(|number| number.to_string()),
        _ => None,
    }
}

pub fn not_in(item: &Expression, group: &Expression, known: &Type) -> String {
    let is = is(group, known);
    match (known.shape(), written(group)) {
        (Some(Shape::Text), Some(text)) => {
            let item = written(item).unwrap_or_else(|| "…".to_owned());
            format!("in looks into a list or a map, and {is}; write {text}.contains({item})")
        }
        _ => format!("in looks into a list or a map, and {is}"),
    }
}

/// A function that does not take what it is given.
pub fn no_overload(part: &Expression, call: &CallExpr, parts: &[&Expression], given: &[Type]) -> Fault {
    let function = call.func_name.as_str();
    if !function.starts_with(char::is_alphabetic) {
        return no_operator(part, function, parts, given);
    }
    let known: Vec<_> = functions::named(function).collect();
    let member = call.target.is_some();
    let at = |text: String| Fault::of_function(part, function, text);
    if let (true, [subject, item], Some(Type::List(_))) = (function == "contains", parts, given.first()) {
        let (group, item) = (written(subject), written(item).unwrap_or_else(|| "…".to_owned()));
        return at(format!(
            "a list has no contains; write {item} in {}",
            group.unwrap_or_else(|| "…".to_owned())
        ));
    }
    if known.iter().all(|it| it.member != member) {
        let subject = written_or(parts.first());
        let rest: Vec<String> = parts.iter().skip(1).map(|part| written_or(Some(part))).collect();
        let other = if member {
            format!("{function}({subject})")
        } else {
            format!("{subject}.{function}({})", rest.join(", "))
        };
        return at(format!("{function} is called otherwise: {other}"));
    }
    let same = known.iter().filter(|it| it.member == member && it.takes.len() == given.len());
    let same: Vec<_> = same.collect();
    if same.is_empty() {
        let mut counts: Vec<String> = known
            .iter()
            .filter(|it| it.member == member)
            .map(|it| (it.takes.len() - usize::from(member)).to_string())
            .collect();
        counts.dedup();
        let found = given.len() - usize::from(member);
        return at(format!("{function} takes {} arguments, not {found}", counts.join(" or ")));
    }
    let wrong =
        (0..given.len()).find(|place| same.iter().all(|it| !it.takes[*place].may_take(&given[*place])));
    let place = wrong.unwrap_or(0);
    let mut takes: Vec<&str> = same.iter().map(|it| it.takes[place].told()).collect();
    takes.dedup();
    let only = (takes.len() == 1).then(|| shape_type(same[0].takes[place]));
    let hint = only
        .and_then(|wanted| instead(&wanted, parts[place]))
        .map_or_else(String::new, |instead| format!("; write {instead}"));
    let verb = if member && place == 0 { "belongs to" } else { "takes" };
    at(format!("{function} {verb} {}, not {}{hint}", takes.join(", "), given[place].told()))
}

fn no_operator(part: &Expression, function: &str, parts: &[&Expression], given: &[Type]) -> Fault {
    if matches!(function, "_&&_" | "_||_" | "!_" | "@not_strictly_false") {
        let wrong = parts.iter().zip(given).find(|(_, given)| !Shape::Bool.may_take(given));
        return match wrong {
            Some((wrong, given)) => Fault::of(wrong, no_bool(wrong, given)),
            None => Fault::of(part, "needs true or false on both sides"),
        };
    }
    let operator = function.trim_matches('_');
    let types: Vec<&str> = given.iter().map(Type::told).collect();
    let hint = match given {
        [one, two] if one.is_number() && two.is_number() => "; make them alike with int(…) or double(…)",
        [one, two] if one.shape() == Some(Shape::Text) || two.shape() == Some(Shape::Text) => {
            "; text is made with string(…), numbers with int(…)"
        }
        _ => "",
    };
    Fault::of(part, format!("{operator} cannot be used with {}{hint}", types.join(" and ")))
}

fn written_or(part: Option<&&Expression>) -> String {
    part.and_then(|part| written(part)).unwrap_or_else(|| "…".to_owned())
}

fn shape_type(shape: Shape) -> Type {
    match shape {
        Shape::Text => Type::Text,
        Shape::Bool => Type::Bool,
        Shape::Int => Type::Int,
        _ => Type::Dyn,
    }
}
