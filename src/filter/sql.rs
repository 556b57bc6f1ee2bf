//! Decides the SQL of a filter. Whatever the caller wrote is bound, never part of the text.

use jiff_sqlx::ToSqlx;
use sqlx::{Postgres, QueryBuilder};

use super::{Check, Expr, Scope, Test};

impl Expr {
    /// Appends this filter to the query, as one boolean in parentheses.
    ///
    /// A comparison with null is null in SQL, which AND and OR carry on like false; only negation would not, so it
    /// is `is not true`. That leaves the comparisons bare, as indexes need them.
    pub fn push_sql(&self, query: &mut QueryBuilder<Postgres>, scope: &Scope) {
        query.push("(");
        match self {
            Self::And(terms) => push_joined(query, terms, " and ", scope),
            Self::Or(terms) => push_joined(query, terms, " or ", scope),
            Self::Not(inner) => {
                inner.push_sql(query, scope);
                query.push(" is not true");
            }
            Self::Test(test) => test.push_sql(query, scope),
        }
        query.push(")");
    }
}

fn push_joined(query: &mut QueryBuilder<Postgres>, terms: &[Expr], sign: &str, scope: &Scope) {
    for (i, term) in terms.iter().enumerate() {
        if i > 0 {
            query.push(sign);
        }
        term.push_sql(query, scope);
    }
}

impl Test {
    fn push_sql(&self, query: &mut QueryBuilder<Postgres>, scope: &Scope) {
        let column = self.field.column;
        match (&self.check, &self.key) {
            (Check::Set, Some(key)) => query.push(format_args!("{column} ? ")).push_bind(key),
            (Check::Set, None) => match self.field.kind {
                super::Kind::Text => query.push(format_args!("{column} <> ''")),
                super::Kind::TextSet => query.push(format_args!("{column} <> '{{}}'")),
                _ => query.push(format_args!("{column} is not null")),
            },
            (Check::Unset, _) => {
                self.push_value(query).push(" is null or ");
                self.push_value(query).push(" = ''")
            }
            (Check::Equal(text), _) => self.push_value(query).push(" = ").push_bind(text.resolve(scope)),
            (Check::Prefix(text), _) => {
                self.push_value(query).push(" like ").push_bind(format!("{}%", like(text)))
            }
            (Check::Contains(text), _) => {
                self.push_value(query).push(" ilike ").push_bind(format!("%{}%", like(text)))
            }
            (Check::Element(text), _) => {
                query.push(format_args!("{column} @> array[")).push_bind(text.resolve(scope)).push("]")
            }
            (Check::Enum(name), _) => self.push_value(query).push(" = ").push_bind(*name),
            (Check::Int(order, number), _) => {
                query.push(format_args!("{column} {} ", order.sign())).push_bind(*number)
            }
            (Check::Bool(value), _) => query.push(format_args!("{column} = ")).push_bind(*value),
            (Check::Time(order, time), _) => query
                .push(format_args!("{column} {} ", order.sign()))
                .push_bind(time.resolve(scope).to_sqlx()),
        };
    }

    /// The column, or the entry of it as text.
    fn push_value<'q>(&self, query: &'q mut QueryBuilder<Postgres>) -> &'q mut QueryBuilder<Postgres> {
        let column = self.field.column;
        match &self.key {
            None => query.push(column),
            // An instant is kept as {"time": …}, so that it is no text; here it is compared as one.
            Some(key) => query
                .push(format_args!("coalesce({column} -> "))
                .push_bind(key)
                .push(format_args!(" ->> 'time', {column} ->> "))
                .push_bind(key)
                .push(")"),
        }
    }
}

/// `text` as a LIKE pattern that matches itself alone.
pub(super) fn like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
