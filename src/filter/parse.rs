//! Decides the structure of a filter: terms, NOT, AND, OR, parentheses and the limits on them.

use super::check::{self, Comparison};
use super::lex::{Operand, Token, What, lex};
use super::{Expr, Field, FilterError, Kind, MAX_BYTES, MAX_DEPTH, MAX_TERMS, Schema};

const TERM: &str =
    "a term is `field operator value`, such as `status = OPEN`; put text with spaces in quotes";

/// Reads `text` as a filter over the fields of `schema`; None if it is blank.
pub fn parse(text: &str, schema: &Schema) -> Result<Option<Expr>, FilterError> {
    if text.len() > MAX_BYTES {
        let problem = format!("expected at most {MAX_BYTES} bytes, found {}", text.len());
        return Err(FilterError::new(MAX_BYTES, problem, "split the list into several calls"));
    }
    let tokens = lex(text)?;
    let mut parser = Parser { text, tokens: &tokens, schema, terms: 0 };
    if parser.next().what == What::End {
        return Ok(None);
    }
    let expr = parser.expression(0)?;
    match parser.next().what {
        What::End => Ok(Some(expr)),
        What::Close => Err(parser.expected("the end", "there is no `(` to this `)`")),
        _ => Err(parser.expected("AND, OR or the end", TERM)),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Join {
    And,
    Or,
}

struct Parser<'a> {
    text: &'a str,
    /// What is left; its last token is `End`, which is never taken.
    tokens: &'a [Token<'a>],
    schema: &'a Schema,
    terms: usize,
}

impl<'a> Parser<'a> {
    fn next(&self) -> &'a Token<'a> {
        &self.tokens[0]
    }

    fn skip(&mut self) {
        self.tokens = &self.tokens[1..];
    }

    fn skip_if(&mut self, what: &What) -> bool {
        let there = self.next().what == *what;
        if there {
            self.skip();
        }
        there
    }

    fn expected(&self, what: &str, hint: impl Into<String>) -> FilterError {
        let found = self.next();
        let found_text = match found.what {
            What::End => "the end".into(),
            _ => check::excerpt(&self.text[found.start..found.end]),
        };
        FilterError::new(found.start, format!("expected {what}, found {found_text}"), hint)
    }

    fn expression(&mut self, depth: usize) -> Result<Expr, FilterError> {
        let start = self.next().start;
        let mut last = start;
        let mut terms = vec![self.term(depth)?];
        let mut joined = None;
        loop {
            let sign = self.next();
            let join = match sign.what {
                What::Or => Join::Or,
                What::And | What::Not | What::Minus | What::Open | What::Name(_) => Join::And,
                _ => break,
            };
            if *joined.get_or_insert(join) != join {
                return Err(self.mixed(join, start, last));
            }
            if matches!(sign.what, What::And | What::Or) {
                self.skip();
            }
            last = self.next().start;
            terms.push(self.term(depth)?);
        }
        Ok(match joined {
            None => terms.swap_remove(0),
            Some(Join::And) => Expr::And(terms),
            Some(Join::Or) => Expr::Or(terms),
        })
    }

    /// At the first AND after ORs, or the other way round; the expression began at `start`, its last term at `last`.
    fn mixed(&self, join: Join, start: usize, last: usize) -> FilterError {
        let at = self.next().start;
        let (before, after) = match join {
            Join::And => ("OR", "AND"),
            Join::Or => ("AND", "OR"),
        };
        let so_far = check::clip(self.text[start..at].trim_end());
        let last = check::clip(self.text[last..at].trim_end());
        FilterError::new(
            at,
            "AND (also by mere juxtaposition) and OR side by side need parentheses",
            format!("write `({so_far}) {after} …` or `… {before} ({last} {after} …)`"),
        )
    }

    fn term(&mut self, depth: usize) -> Result<Expr, FilterError> {
        if self.skip_if(&What::Not) || self.skip_if(&What::Minus) {
            return Ok(Expr::Not(Box::new(self.simple(depth)?)));
        }
        self.simple(depth)
    }

    fn simple(&mut self, depth: usize) -> Result<Expr, FilterError> {
        let at = self.next().start;
        if !self.skip_if(&What::Open) {
            return self.comparison();
        }
        if depth == MAX_DEPTH {
            let problem = format!("expected parentheses at most {MAX_DEPTH} deep");
            return Err(FilterError::new(at, problem, "leave out the parentheses that group nothing"));
        }
        let expr = self.expression(depth + 1)?;
        if !self.skip_if(&What::Close) {
            return Err(self.expected("`)`", format!("close the `(` of byte {at}")));
        }
        Ok(expr)
    }

    fn comparison(&mut self) -> Result<Expr, FilterError> {
        let start = self.next();
        let (field, key) = self.path()?;
        self.terms += 1;
        if self.terms > MAX_TERMS {
            let problem = format!("expected at most {MAX_TERMS} comparisons");
            return Err(FilterError::new(start.start, problem, "split the list into several calls"));
        }
        let &What::Operator(operator) = &self.next().what else {
            let hint = match self.next().what {
                What::Dot => {
                    "a path has one dot, between the field and the key; quote a key that holds a dot"
                }
                _ => TERM,
            };
            return Err(self.expected("an operator (= != < <= > >= :)", hint));
        };
        let operator_at = self.next().start;
        self.skip();
        let What::Operand(operand) = &self.next().what else {
            let hint = match self.next().what {
                What::Open => "name the field for each value: `a = x OR a = y`",
                _ => r#"a value is a "quoted string", a word, a number, a time, now() or me()"#,
            };
            return Err(self.expected("a value", hint));
        };
        let operand_at = self.next().start;
        self.skip();
        Comparison { field, key, operator, operator_at, operand, operand_at }.check()
    }

    fn path(&mut self) -> Result<(&'static Field, Option<String>), FilterError> {
        let What::Name(name) = self.next().what else {
            let hint = match self.next().what {
                What::Not | What::Minus => "NOT or - stands once before a term",
                _ => TERM,
            };
            return Err(self.expected("a field", hint));
        };
        let Some(field) = self.schema.0.iter().find(|field| field.name == name) else {
            return Err(self.unknown_field(name));
        };
        self.skip();
        match (field.kind == Kind::Json, &self.next().what) {
            (true, What::Dot) => self.skip(),
            (true, _) => {
                let hint = format!("filter an entry: `{name}.key = value`");
                return Err(self.expected("`.` and a key", hint));
            }
            (false, What::Dot) => return Err(self.expected("an operator", format!("`{name}` has no keys"))),
            (false, _) => return Ok((field, None)),
        }
        let key = match &self.next().what {
            What::Name(key) => (*key).into(),
            What::Operand(Operand::Literal { text, star: false, quoted: true }) => text.clone(),
            _ => return Err(self.expected("a key", format!("a key is a word or quoted: `{name}.\"a key\"`"))),
        };
        self.skip();
        Ok((field, Some(key)))
    }

    /// At the name. What no operator follows is rather a stray word than a mistyped field.
    fn unknown_field(&self, name: &str) -> FilterError {
        let names: Vec<_> = self.schema.0.iter().map(|field| field.name).collect();
        let hint = match (name.to_ascii_uppercase().as_str(), &self.tokens[1].what) {
            (keyword @ ("AND" | "OR" | "NOT"), _) => format!("{keyword} is written in upper case"),
            (_, What::Operator(_) | What::Dot) => check::suggest(name, "fields", &names),
            _ => TERM.into(),
        };
        FilterError::new(self.next().start, format!("unknown field {}", check::excerpt(name)), hint)
    }
}
