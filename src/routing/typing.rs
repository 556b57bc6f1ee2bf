//! What type each part of a condition has, and whether it can work: what CEL would answer with an error at every ticket, or
//! with the same answer at every ticket, is refused. What cannot be known passes.

use cel::{
    common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, SelectExpr},
    parser::Expression,
};

use super::{
    functions::{self, Function, Shape, TYPE_NAMES},
    hints,
    place::Fault,
    view,
};
use crate::configuration::{CustomField, FieldType};

/// The type of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    Bool,
    Int,
    Uint,
    Double,
    Text,
    /// A text of a closed list.
    Code(&'static [&'static str]),
    Bytes,
    Duration,
    Timestamp,
    Null,
    Kind,
    List(Box<Type>),
    Map(Box<Type>, Box<Type>),
    /// `ticket`, which is no value of its own.
    Ticket,
    /// The custom fields: a map whose values have the types that are configured.
    Fields,
    /// An element of the empty list.
    Never,
    /// Not known.
    Dyn,
}

impl Type {
    pub fn shape(&self) -> Option<Shape> {
        Some(match self {
            Self::Bool => Shape::Bool,
            Self::Int => Shape::Int,
            Self::Uint => Shape::Uint,
            Self::Double => Shape::Double,
            Self::Text | Self::Code(_) => Shape::Text,
            Self::Bytes => Shape::Bytes,
            Self::Duration => Shape::Duration,
            Self::Timestamp => Shape::Timestamp,
            Self::Kind => Shape::Kind,
            Self::List(_) => Shape::List,
            Self::Map(..) | Self::Fields | Self::Ticket => Shape::Map,
            Self::Null | Self::Never | Self::Dyn => return None,
        })
    }

    pub fn told(&self) -> &'static str {
        match (self, self.shape()) {
            (Self::Null, _) => "null",
            (_, Some(shape)) => shape.told(),
            (_, None) => "something unknown",
        }
    }

    pub fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }

    /// Whether values of the two can be equal.
    pub fn may_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dyn | Self::Never, _) | (_, Self::Dyn | Self::Never) => true,
            (Self::List(one), Self::List(two)) => one.may_equal(two),
            (Self::Map(key, value), Self::Map(key2, value2)) => {
                key.may_equal(key2) && value.may_equal(value2)
            }
            _ => self.is_number() && other.is_number() || self.shape() == other.shape(),
        }
    }

    /// The type of what is one or the other.
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (one, two) if one == two => one,
            (Self::Never, one) | (one, Self::Never) => one,
            (Self::Text | Self::Code(_), Self::Text | Self::Code(_)) => Self::Text,
            (Self::List(one), Self::List(two)) => Self::List(Box::new(one.or(*two))),
            (Self::Map(key, value), Self::Map(key2, value2)) => {
                Self::Map(Box::new(key.or(*key2)), Box::new(value.or(*value2)))
            }
            _ => Self::Dyn,
        }
    }

    fn of(shape: Shape) -> Self {
        match shape {
            Shape::Bool => Self::Bool,
            Shape::Int => Self::Int,
            Shape::Uint => Self::Uint,
            Shape::Double => Self::Double,
            Shape::Text => Self::Text,
            Shape::Bytes => Self::Bytes,
            Shape::Duration => Self::Duration,
            Shape::Timestamp => Self::Timestamp,
            Shape::Kind => Self::Kind,
            Shape::List | Shape::Map | Shape::Any => Self::Dyn,
        }
    }

    fn of_field(kind: FieldType) -> Self {
        match kind {
            FieldType::Int => Self::Int,
            FieldType::Bool => Self::Bool,
            FieldType::String | FieldType::Choice | FieldType::Time => Self::Text,
        }
    }
}

/// The type of what the condition answers.
pub fn check(condition: &Expression, custom_fields: &[CustomField]) -> Result<Type, Fault> {
    Check { custom_fields, scope: Vec::new() }.value(condition)
}

/// Whether it answers with true or false.
pub fn answers(condition: &Expression, answer: &Type) -> Result<(), Fault> {
    if Shape::Bool.may_take(answer) {
        return Ok(());
    }
    Err(Fault::of(
        condition,
        format!("gives {}, not true or false; compare it with something", answer.told()),
    ))
}

struct Check<'a> {
    custom_fields: &'a [CustomField],
    /// The variables of the loops that we are in.
    scope: Vec<(&'a str, Type)>,
}

impl<'a> Check<'a> {
    /// The type of a value; `ticket` itself is none.
    fn value(&mut self, part: &'a Expression) -> Result<Type, Fault> {
        match self.part(part)? {
            Type::Ticket => Err(Fault::of(
                part,
                "a ticket is read by its fields, which are written out: ticket.title, ticket.tags …",
            )),
            known => Ok(known),
        }
    }

    fn part(&mut self, part: &'a Expression) -> Result<Type, Fault> {
        match &part.expr {
            Expr::Unspecified => Ok(Type::Dyn),
            Expr::Literal(literal) => Ok(literal_type(literal)),
            Expr::Ident(name) => self.ident(part, name),
            Expr::Select(select) => self.select(part, select),
            Expr::Call(call) => self.call(part, call),
            Expr::List(list) => {
                let mut element = Type::Never;
                for item in &list.elements {
                    element = element.or(self.value(item)?);
                }
                Ok(Type::List(Box::new(element)))
            }
            Expr::Map(map) => {
                let (mut keys, mut values) = (Type::Never, Type::Never);
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else { continue };
                    let key = self.value(&entry.key)?;
                    if !may_be_key(&key) {
                        let text = format!("{} is no key of a map; a key is text or a number", key.told());
                        return Err(Fault::of(&entry.key, text));
                    }
                    keys = keys.or(key);
                    values = values.or(self.value(&entry.value)?);
                }
                Ok(Type::Map(Box::new(keys), Box::new(values)))
            }
            Expr::Struct(_) => {
                Err(Fault::of(part, "makes a message; there is none here, compare the fields of ticket"))
            }
            Expr::Comprehension(it) => self.comprehension(it),
        }
    }

    fn ident(&self, part: &Expression, name: &str) -> Result<Type, Fault> {
        if let Some((_, known)) = self.scope.iter().rev().find(|(known, _)| *known == name) {
            return Ok(known.clone());
        }
        match name {
            "ticket" => Ok(Type::Ticket),
            name if TYPE_NAMES.contains(&name) => Ok(Type::Kind),
            _ => Err(Fault::of(part, hints::no_name(name))),
        }
    }

    fn select(&mut self, part: &'a Expression, select: &'a SelectExpr) -> Result<Type, Fault> {
        let operand = self.part(&select.operand)?;
        let field = match self.field(&operand, &select.field) {
            Ok(Some(field)) => field,
            Ok(None) => {
                let text = format!("{} has no fields", hints::subject(&select.operand, &operand));
                return Err(Fault::of_field(part, &select.field, text));
            }
            Err(text) => return Err(Fault::of_field(part, &select.field, text)),
        };
        Ok(if select.test { Type::Bool } else { field })
    }

    /// The type of a field; none, where there are no fields.
    fn field(&self, of: &Type, field: &str) -> Result<Option<Type>, String> {
        match of {
            Type::Ticket => ticket_field(field).map(Some).ok_or_else(|| hints::no_field(field)),
            Type::Fields => {
                let known = self.custom_fields.iter().find(|known| known.key == field);
                let known = known.ok_or_else(|| hints::no_custom_field(field, self.custom_fields))?;
                Ok(Some(Type::of_field(known.kind)))
            }
            Type::Map(_, value) => Ok(Some(*value.clone())),
            Type::Dyn | Type::Never => Ok(Some(Type::Dyn)),
            _ => Ok(None),
        }
    }

    fn call(&mut self, part: &'a Expression, call: &'a CallExpr) -> Result<Type, Fault> {
        match (call.func_name.as_str(), call.args.as_slice()) {
            ("_[_]", [of, index]) => self.index(part, of, index),
            ("_==_" | "_!=_", [one, two]) => self.equality(part, one, two),
            ("_<_" | "_<=_" | "_>_" | "_>=_", [one, two]) => self.order(part, call, one, two),
            ("@in", [item, group]) => self.membership(part, item, group),
            ("_?_:_", [question, yes, no]) => {
                let answer = self.value(question)?;
                if !Shape::Bool.may_take(&answer) {
                    return Err(Fault::of(question, hints::no_bool(question, &answer)));
                }
                Ok(self.value(yes)?.or(self.value(no)?))
            }
            _ => self.function(part, call),
        }
    }

    fn function(&mut self, part: &'a Expression, call: &'a CallExpr) -> Result<Type, Fault> {
        let name = call.func_name.as_str();
        let parts: Vec<&Expression> = call.target.as_deref().into_iter().chain(&call.args).collect();
        let known: Vec<&Function> = functions::named(name).collect();
        if known.is_empty() {
            return Err(Fault::of_function(part, name, hints::no_function(name)));
        }
        let mut given = Vec::with_capacity(parts.len());
        for part in &parts {
            given.push(self.value(part)?);
        }
        let member = call.target.is_some();
        let fitting = known.iter().filter(|it| it.member == member && it.may_take(&given));
        let mut gives = fitting.map(|it| match (it.gives, given.as_slice()) {
            (Shape::List, [one, two]) => one.clone().or(two.clone()),
            (gives, _) => Type::of(gives),
        });
        if name == "matches"
            && let Some(pattern) = call.args.last()
            && !matches!(pattern.expr, Expr::Literal(LiteralValue::String(_)))
        {
            return Err(Fault::of(pattern, "the pattern of matches must be written out, in quotes"));
        }
        match gives.next() {
            Some(first) => Ok(gives.fold(first, Type::or)),
            None => Err(hints::no_overload(part, call, &parts, &given)),
        }
    }

    fn index(
        &mut self,
        part: &'a Expression,
        of: &'a Expression,
        index: &'a Expression,
    ) -> Result<Type, Fault> {
        let (group, key) = (self.part(of)?, self.value(index)?);
        let literal = hints::text_of(index);
        match (&group, literal) {
            (Type::Ticket, None) => {
                return Err(Fault::of(index, "a field of a ticket must be written out: ticket.title"));
            }
            (Type::Ticket | Type::Fields, Some(field)) => {
                return match self.field(&group, field) {
                    Ok(field) => Ok(field.unwrap_or(Type::Dyn)),
                    Err(text) => Err(Fault::of(index, text)),
                };
            }
            _ => {}
        }
        let (element, fits) = match &group {
            Type::List(element) => {
                (*element.clone(), matches!(key, Type::Int | Type::Uint | Type::Dyn | Type::Never))
            }
            Type::Map(known, value) => (*value.clone(), may_be_key(&key) && known.may_equal(&key)),
            Type::Fields => (Type::Dyn, Type::Text.may_equal(&key)),
            Type::Dyn | Type::Never => (Type::Dyn, true),
            _ => {
                let text = format!("{} is neither a list nor a map", hints::subject(of, &group));
                return Err(Fault::of(part, text));
            }
        };
        let wanted = if matches!(group, Type::List(_)) { "its place, from 0" } else { "a key" };
        if !fits {
            let text = format!("{} is read by {wanted}, not by {}", hints::subject(of, &group), key.told());
            return Err(Fault::of(index, text));
        }
        Ok(if element == Type::Never { Type::Dyn } else { element })
    }

    fn equality(
        &mut self,
        part: &'a Expression,
        one: &'a Expression,
        two: &'a Expression,
    ) -> Result<Type, Fault> {
        let (left, right) = (self.value(one)?, self.value(two)?);
        if !left.may_equal(&right) {
            return Err(Fault::of(part, hints::never_equal(one, &left, two, &right)));
        }
        code(&left, one, two)?;
        code(&right, two, one)?;
        Ok(Type::Bool)
    }

    fn order(
        &mut self,
        part: &'a Expression,
        call: &CallExpr,
        one: &'a Expression,
        two: &'a Expression,
    ) -> Result<Type, Fault> {
        let (left, right) = (self.value(one)?, self.value(two)?);
        for (part, side) in [(one, &left), (two, &right)] {
            let no_order = matches!(side, Type::Null | Type::Kind)
                || matches!(side.shape(), Some(Shape::List | Shape::Map));
            if no_order {
                let operator = call.func_name.trim_matches('_');
                let text =
                    format!("{} has no order, so {operator} cannot compare it", hints::subject(part, side));
                return Err(Fault::of(part, text));
            }
        }
        if left.may_equal(&right) {
            return Ok(Type::Bool);
        }
        Err(Fault::of(part, hints::never_equal(one, &left, two, &right)))
    }

    fn membership(
        &mut self,
        part: &'a Expression,
        item: &'a Expression,
        group: &'a Expression,
    ) -> Result<Type, Fault> {
        let (of, known) = (self.value(item)?, self.value(group)?);
        let elements = match &known {
            Type::List(element) => *element.clone(),
            Type::Fields => {
                if let Some(field) = hints::text_of(item)
                    && let Err(text) = self.field(&known, field)
                {
                    return Err(Fault::of(item, text));
                }
                Type::Text
            }
            Type::Map(_, _) if !may_be_key(&of) => {
                return Err(Fault::of(item, format!("{} is no key of a map", of.told())));
            }
            Type::Map(key, _) => *key.clone(),
            Type::Dyn | Type::Never => Type::Dyn,
            _ => return Err(Fault::of(part, hints::not_in(item, group, &known))),
        };
        if !of.may_equal(&elements) {
            let group = hints::subject(group, &known);
            let text = format!("{} is never in {group}, which has {}", of.told(), elements.told());
            return Err(Fault::of(part, text));
        }
        if let Expr::List(list) = &group.expr {
            for element in &list.elements {
                code(&of, item, element)?;
            }
        }
        code(&elements, group, item)?;
        Ok(Type::Bool)
    }

    fn comprehension(&mut self, it: &'a ComprehensionExpr) -> Result<Type, Fault> {
        let range = self.value(&it.iter_range)?;
        let variable = match &range {
            Type::List(element) if **element == Type::Never => Type::Dyn,
            Type::List(element) => *element.clone(),
            Type::Map(key, _) => *key.clone(),
            Type::Fields => Type::Text,
            Type::Dyn | Type::Never => Type::Dyn,
            _ => {
                let text = format!("loops over a list or a map; {}", hints::is(&it.iter_range, &range));
                return Err(Fault::of(&it.iter_range, text));
            }
        };
        let start = self.value(&it.accu_init)?;
        // The order of a map's keys changes from one run to the next, and with it what is made of a list of them.
        if matches!(start, Type::List(_)) && !matches!(range, Type::List(_)) {
            let text = "map and filter need a list, since the keys of a map have no order; use all, exists or exists_one";
            return Err(Fault::of(&it.iter_range, text));
        }
        let outer = self.scope.len();
        self.scope.push((&it.iter_var, variable));
        if let Some(second) = &it.iter_var2 {
            self.scope.push((second, Type::Dyn));
        }
        self.scope.push((&it.accu_var, start));
        self.value(&it.loop_cond)?;
        let step = self.value(&it.loop_step)?;
        if let Some((_, accumulated)) = self.scope.last_mut() {
            *accumulated = step;
        }
        let result = self.value(&it.result)?;
        self.scope.truncate(outer);
        Ok(result)
    }
}

fn ticket_field(field: &str) -> Option<Type> {
    Some(match field {
        "tags" => Type::List(Box::new(Type::Text)),
        "custom_fields" => Type::Fields,
        "annotations" => Type::Map(Box::new(Type::Text), Box::new(Type::Text)),
        field if !view::FIELDS.contains(&field) => return None,
        field => view::codes(field).map_or(Type::Text, Type::Code),
    })
}

fn literal_type(literal: &LiteralValue) -> Type {
    match literal {
        LiteralValue::Boolean(_) => Type::Bool,
        LiteralValue::Bytes(_) => Type::Bytes,
        LiteralValue::Double(_) => Type::Double,
        LiteralValue::Int(_) => Type::Int,
        LiteralValue::Null => Type::Null,
        LiteralValue::String(_) => Type::Text,
        LiteralValue::UInt(_) => Type::Uint,
    }
}

fn may_be_key(key: &Type) -> bool {
    matches!(key, Type::Dyn | Type::Never | Type::Bool | Type::Int | Type::Uint)
        || key.shape() == Some(Shape::Text)
}

/// What is compared with a code must be one.
fn code(of: &Type, subject: &Expression, compared: &Expression) -> Result<(), Fault> {
    match (of, hints::text_of(compared)) {
        (Type::Code(codes), Some(text)) if !codes.contains(&text) => {
            Err(Fault::of(compared, hints::no_code(subject, text, codes)))
        }
        _ => Ok(()),
    }
}
