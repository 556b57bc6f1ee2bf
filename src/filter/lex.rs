//! Decides where the words of a filter begin and end, and what its literals say.
//!
//! What follows an operator is a value, in which `-`, `:`, `.` and the like are ordinary characters; so a bare time
//! such as `2026-01-31T09:00:00+01:00` is one word. Everywhere else they are signs.

use super::FilterError;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'a> {
    pub what: What<'a>,
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum What<'a> {
    Name(&'a str),
    And,
    Or,
    Not,
    Minus,
    Dot,
    Open,
    Close,
    Operator(Operator),
    Operand(Operand),
    End,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Has,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    /// `star`: a wildcard ended it; it is not part of `text`.
    Literal {
        text: String,
        star: bool,
        quoted: bool,
    },
    Now,
    Me,
}

/// The tokens of `text`, the last of them `What::End`.
pub(super) fn lex(text: &str) -> Result<Vec<Token<'_>>, FilterError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens: Vec<Token> = Vec::new();
    loop {
        lexer.take_while(char::is_whitespace);
        let start = lexer.at;
        let value = matches!(tokens.last(), Some(Token { what: What::Operator(_), .. }));
        let what = if value { lexer.value()? } else { lexer.sign()? };
        let last = what == What::End;
        tokens.push(Token { what, start, end: lexer.at });
        if last {
            return Ok(tokens);
        }
    }
}

/// Whether `text` can stand after a dot without quotes.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('-') && text.chars().all(in_name) && keyword(text).is_none()
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}

fn in_bare_value(c: char) -> bool {
    c.is_alphanumeric() || "_-+.:@/*".contains(c)
}

fn keyword(word: &str) -> Option<What<'static>> {
    match word {
        "AND" => Some(What::And),
        "OR" => Some(What::Or),
        "NOT" => Some(What::Not),
        _ => None,
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !wanted(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn take(&mut self, sign: &str) -> bool {
        let there = self.rest().starts_with(sign);
        if there {
            self.at += sign.len();
        }
        there
    }

    fn sign(&mut self) -> Result<What<'a>, FilterError> {
        const SIGNS: [(&str, What<'static>); 11] = [
            ("(", What::Open),
            (")", What::Close),
            (".", What::Dot),
            ("-", What::Minus),
            ("!=", What::Operator(Operator::NotEqual)),
            ("<=", What::Operator(Operator::LessOrEqual)),
            (">=", What::Operator(Operator::GreaterOrEqual)),
            ("=", What::Operator(Operator::Equal)),
            ("<", What::Operator(Operator::Less)),
            (">", What::Operator(Operator::Greater)),
            (":", What::Operator(Operator::Has)),
        ];
        if let Some((_, what)) = SIGNS.into_iter().find(|(sign, _)| self.take(sign)) {
            return Ok(what);
        }
        match self.rest().chars().next() {
            None => Ok(What::End),
            Some('"' | '\'') => self.quoted(),
            Some(c) if in_name(c) => {
                let word = self.take_while(in_name);
                Ok(keyword(word).unwrap_or(What::Name(word)))
            }
            Some(c) => {
                let hint = match c {
                    '&' | ',' | ';' => "join terms with AND",
                    '|' => "join terms with OR",
                    '!' | '~' => "negate with NOT, or compare with !=",
                    _ => "put text with other characters than letters, digits and _-+.:@/ in quotes",
                };
                Err(FilterError::new(self.at, format!("unexpected character `{}`", c.escape_debug()), hint))
            }
        }
    }

    fn value(&mut self) -> Result<What<'a>, FilterError> {
        let start = self.at;
        let word = self.take_while(in_bare_value);
        if word.is_empty() {
            return self.sign();
        }
        if let Some(what) = keyword(word) {
            return Ok(what);
        }
        if self.take("(") {
            self.take_while(char::is_whitespace);
            return match (word, self.take(")")) {
                ("now", true) => Ok(What::Operand(Operand::Now)),
                ("me", true) => Ok(What::Operand(Operand::Me)),
                _ => Err(FilterError::new(
                    start,
                    "unknown function",
                    "the functions are now() and me(), without arguments",
                )),
            };
        }
        let (text, star) = word.strip_suffix('*').map_or((word, false), |text| (text, true));
        match text.find('*') {
            Some(at) => Err(inner_star(start + at)),
            None => Ok(What::Operand(Operand::Literal { text: text.into(), star, quoted: false })),
        }
    }

    fn quoted(&mut self) -> Result<What<'a>, FilterError> {
        let start = self.at;
        let mut chars = self.rest().char_indices().map(|(offset, c)| (start + offset, c));
        let (_, quote) = chars.next().expect("the caller has seen the quote");
        let mut text = String::new();
        let mut star = None;
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.at = at + 1;
                return Ok(What::Operand(Operand::Literal { text, star: star.is_some(), quoted: true }));
            }
            if let Some(at) = star {
                return Err(inner_star(at));
            }
            match c {
                '*' => star = Some(at),
                '\0' => return Err(FilterError::new(at, "unexpected NUL", "no text holds this character")),
                '\\' => text.push(match chars.next() {
                    Some((_, c @ ('\\' | '"' | '\'' | '*'))) => c,
                    Some((_, 'n')) => '\n',
                    Some((_, 'r')) => '\r',
                    Some((_, 't')) => '\t',
                    _ => {
                        let hint = r#"the escapes are \\ \" \' \* \n \r \t"#;
                        return Err(FilterError::new(at, "unknown escape", hint));
                    }
                }),
                c => text.push(c),
            }
        }
        Err(FilterError::new(
            start,
            format!("expected a closing {quote}, found the end"),
            format!("close the string; write a {quote} inside it as \\{quote}"),
        ))
    }
}

fn inner_star(at: usize) -> FilterError {
    FilterError::new(
        at,
        "a `*` is a wildcard only at the end of a value",
        r#"write a star itself as \* inside quotes; `field:"text"` finds text anywhere"#,
    )
}
