//! Decides the canonical text of a filter: what prints alike is the same filter, and parsing it gives it back.

use std::fmt::{Display, Formatter, Result};

use super::lex::is_name;
use super::{Check, Expr, Instant, Test, Text};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            Self::And(terms) => join(f, terms, " AND "),
            Self::Or(terms) => join(f, terms, " OR "),
            Self::Not(inner) => match inner.as_ref() {
                Self::Test(test) if test.sign() == "=" => test.write(f, "!="),
                inner => {
                    f.write_str("NOT ")?;
                    nested(f, inner)
                }
            },
            Self::Test(test) => test.write(f, test.sign()),
        }
    }
}

fn join(f: &mut Formatter, terms: &[Expr], sign: &str) -> Result {
    for (i, term) in terms.iter().enumerate() {
        if i > 0 {
            f.write_str(sign)?;
        }
        match term {
            Expr::Not(_) => write!(f, "{term}")?,
            term => nested(f, term)?,
        }
    }
    Ok(())
}

fn nested(f: &mut Formatter, expr: &Expr) -> Result {
    match expr {
        Expr::Test(_) => write!(f, "{expr}"),
        _ => write!(f, "({expr})"),
    }
}

impl Test {
    fn sign(&self) -> &'static str {
        match self.check {
            Check::Set | Check::Contains(_) | Check::Element(_) => ":",
            Check::Unset | Check::Equal(_) | Check::Prefix(_) | Check::Enum(_) | Check::Bool(_) => "=",
            Check::Int(order, _) | Check::Time(order, _) => order.sign(),
        }
    }

    fn write(&self, f: &mut Formatter, sign: &str) -> Result {
        f.write_str(self.field.name)?;
        match &self.key {
            None => {}
            Some(key) if is_name(key) => write!(f, ".{key}")?,
            Some(key) => write!(f, ".{}", Quoted(key, ""))?,
        }
        match sign {
            ":" => f.write_str(":")?,
            sign => write!(f, " {sign} ")?,
        }
        match &self.check {
            Check::Set => f.write_str("*"),
            Check::Unset => f.write_str("\"\""),
            Check::Equal(text) | Check::Element(text) => write!(f, "{text}"),
            Check::Prefix(text) => write!(f, "{}", Quoted(text, "*")),
            Check::Contains(text) => write!(f, "{}", Quoted(text, "")),
            Check::Enum(name) => f.write_str(name),
            Check::Int(_, number) => write!(f, "{number}"),
            Check::Bool(value) => write!(f, "{value}"),
            Check::Time(_, Instant::At(time)) => write!(f, "{time}"),
            Check::Time(_, Instant::Now) => f.write_str("now()"),
        }
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            Self::Literal(text) => write!(f, "{}", Quoted(text, "")),
            Self::Me => f.write_str("me()"),
        }
    }
}

/// Text in quotes, with a wildcard at its end or without.
struct Quoted<'a>(&'a str, &'static str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter) -> Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '\\' | '"' | '*' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c => write!(f, "{c}")?,
            }
        }
        write!(f, "{}\"", self.1)
    }
}
