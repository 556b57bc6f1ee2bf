//! The article as the service keeps it: field names are the columns of the tables `articles`, `article_revisions` and
//! `article_links`.

use serde::{Deserialize, Serialize};

use crate::{
    configuration::Configuration,
    ctx::{Actor, ActorKind, Ctx},
    error::{Error, Violations},
    filter::{Field, Kind as Held, Schema},
    ids::{Id, TenantId},
    tickets::codes,
    time::Time,
};

/// Limits, in characters.
pub const MAX_TITLE: usize = 300;
pub const MAX_TEXT: usize = 65_536;
pub const MAX_PRODUCT: usize = 128;
pub const MAX_LANGUAGE_CODE: usize = 35;
pub const MAX_NOTE: usize = 1_000;

codes! {
    /// How far an article is; `status.rs` says how it moves.
    State { Draft = "DRAFT", Review = "REVIEW", Published = "PUBLISHED", Archived = "ARCHIVED", }
}

codes! {
    /// What kind of knowledge it is.
    Kind { StandardAnswer = "STANDARD_ANSWER", Workaround = "WORKAROUND", Solution = "SOLUTION", HowTo = "HOW_TO", }
}

codes! {
    /// Who may read it.
    Audience { Internal = "INTERNAL", Customer = "CUSTOMER", Public = "PUBLIC", }
}

codes! {
    /// What an article and a ticket have to do with one another.
    Relation { Used = "USED", CreatedFrom = "CREATED_FROM", DidNotHelp = "DID_NOT_HELP", }
}

/// What the support organization's filters may name.
pub const FIELDS: Schema = Schema(&[
    Field { name: "state", column: "a.state", kind: Held::Enum(State::NAMES) },
    Field { name: "kind", column: "r.kind", kind: Held::Enum(Kind::NAMES) },
    Field { name: "audience", column: "r.audience", kind: Held::Enum(Audience::NAMES) },
    Field { name: "lowest_level", column: "r.lowest_level", kind: Held::Text },
    Field { name: "category", column: "r.category", kind: Held::Text },
    Field { name: "product", column: "r.product", kind: Held::Text },
    Field { name: "language_code", column: "a.language_code", kind: Held::Text },
    Field { name: "title", column: "r.title", kind: Held::Text },
    Field { name: "author", column: "r.author_id", kind: Held::Text },
    Field { name: "create_time", column: "a.create_time", kind: Held::Time },
    Field { name: "update_time", column: "a.update_time", kind: Held::Time },
    Field { name: "published", column: "(a.published_revision is not null)", kind: Held::Bool },
    Field { name: "stale", column: "(a.stale_time is not null)", kind: Held::Bool },
]);

/// What a customer's filters may name.
pub const PUBLIC_FIELDS: Schema = Schema(&[
    Field { name: "kind", column: "r.kind", kind: Held::Enum(Kind::NAMES) },
    Field { name: "category", column: "r.category", kind: Held::Text },
    Field { name: "product", column: "r.product", kind: Held::Text },
    Field { name: "language_code", column: "a.language_code", kind: Held::Text },
    Field { name: "title", column: "r.title", kind: Held::Text },
    Field { name: "create_time", column: "a.create_time", kind: Held::Time },
]);

/// What changes of an article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Article {
    pub tenant_id: TenantId,
    pub id: Id,
    pub number: i64,
    pub version: i64,
    /// Of its latest revision, but for [`State::Archived`].
    pub state: State,
    pub language_code: String,
    pub latest_revision: i32,
    /// The one in use.
    pub published_revision: Option<i32>,
    /// `None`: it is an original.
    pub translation_of: Option<Id>,
    /// Why it was rejected or archived.
    pub review_note: String,
    pub create_time: Time,
    pub update_time: Time,
    pub publish_time: Option<Time>,
    /// Since when too many of its tickets were opened again.
    pub stale_time: Option<Time>,
}

/// What was written at one time. It does not change.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Revision {
    pub article_id: Id,
    pub revision: i32,
    pub kind: Kind,
    pub audience: Audience,
    /// A level's key; empty: any level may use it.
    pub lowest_level: String,
    pub category: String,
    pub product: String,
    pub title: String,
    pub body: String,
    /// The text is a ticket's, as it was drafted.
    pub unrevised: bool,
    /// Of a translation: the revision of the original that it renders.
    pub source_revision: Option<i32>,
    pub author_kind: ActorKind,
    pub author_id: String,
    pub revise_time: Time,
    /// When it came into use.
    pub issue_time: Option<Time>,
}

/// That an article and a ticket have to do with one another, as the ticket's event of this version tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub tenant_id: TenantId,
    pub ticket_id: Id,
    pub version: i64,
    pub article_id: Id,
    pub relation: Relation,
    pub revision: i32,
    pub author_kind: ActorKind,
    pub author_id: String,
    pub create_time: Time,
    /// When the ticket was opened again after it was used.
    pub reopen_time: Option<Time>,
}

/// What came of an article.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub used: i64,
    /// Of those, by tickets that it was not written from.
    pub reused: i64,
    pub reopened: i64,
    pub did_not_help: i64,
    pub deflections: i64,
}

/// By what a caller names an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    Id(Id),
    Number(i64),
}

impl Reference {
    pub fn parse(part: &str) -> Option<Self> {
        part.parse().map(Self::Id).ok().or_else(|| part.parse().map(Self::Number).ok())
    }

    pub fn id(self) -> Option<Id> {
        if let Self::Id(id) = self { Some(id) } else { None }
    }

    pub fn number(self) -> Option<i64> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }
}

impl Article {
    /// A draft of one revision. Its version is 1.
    pub fn new(ctx: &Ctx, (id, number): (Id, i64), language_code: &str) -> Self {
        Self {
            tenant_id: ctx.tenant.clone(),
            id,
            number,
            version: 1,
            state: State::Draft,
            language_code: language_code.to_owned(),
            latest_revision: 1,
            published_revision: None,
            translation_of: None,
            review_note: String::new(),
            create_time: ctx.now,
            update_time: ctx.now,
            publish_time: None,
            stale_time: None,
        }
    }

    /// Its next version, as it was but for the time.
    #[must_use]
    pub fn next(&self, ctx: &Ctx, state: State) -> Self {
        Self { version: self.version + 1, update_time: ctx.now, state, ..self.clone() }
    }

    pub fn name(&self) -> String {
        name(&self.tenant_id, self.id)
    }

    pub fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }

    /// Refuses a caller who saw another version.
    pub fn require(&self, version: Option<i64>) -> Result<(), Error> {
        match version {
            Some(seen) if seen != self.version => Err(Error::Stale { kind: "article", name: self.name() }),
            _ => Ok(()),
        }
    }
}

impl Revision {
    /// Whether this caller wrote it.
    pub fn is_by(&self, actor: &Actor) -> bool {
        self.author_kind == actor.kind && self.author_id == actor.id
    }

    /// The same, written by this caller now, as the next of the article.
    #[must_use]
    pub fn next(&self, ctx: &Ctx) -> Self {
        Self {
            revision: self.revision + 1,
            unrevised: false,
            author_kind: ctx.actor.kind,
            author_id: ctx.actor.id.clone(),
            revise_time: ctx.now,
            issue_time: None,
            ..self.clone()
        }
    }

    /// Every fault of what it says; `path`: where it stands in the request.
    pub fn check(&self, configuration: &Configuration, path: &str, faults: &mut Violations) {
        for (field, text) in [("title", &self.title), ("text", &self.body)] {
            if text.trim().is_empty() {
                faults.add(format!("{path}{field}"), "is required");
            }
        }
        if !self.category.is_empty() && configuration.category(&self.category).is_none() {
            faults.add(format!("{path}category"), format!("no category {:?} is configured", self.category));
        }
        if self.lowest_level.is_empty() {
            return;
        }
        if configuration.level(&self.lowest_level).is_none() {
            let text = format!("no level {:?} is configured", self.lowest_level);
            faults.add(format!("{path}lowest_level"), text);
        }
        if self.audience != Audience::Internal {
            let text = "goes with what is internal: what customers may read, every level may use";
            faults.add(format!("{path}lowest_level"), text);
        }
    }
}

pub fn name(tenant: &TenantId, id: Id) -> String {
    format!("tenants/{tenant}/articles/{id}")
}

pub fn missing(tenant: &TenantId, reference: Reference) -> Error {
    let part = match reference {
        Reference::Id(id) => id.to_string(),
        Reference::Number(number) => number.to_string(),
    };
    Error::not_found("article", format!("tenants/{tenant}/articles/{part}"))
}

#[cfg(test)]
pub mod fixture {
    //! An article and its first revision, as anna writes them.

    use super::*;
    use crate::{ctx::Role, tickets::fixture};

    pub fn article(state: State) -> Article {
        let ctx = fixture::ctx(Role::Agent);
        let published_revision = (state == State::Published).then_some(1);
        Article { state, published_revision, ..Article::new(&ctx, (fixture::id(5), 5), "de") }
    }

    pub fn revision() -> Revision {
        Revision {
            article_id: fixture::id(5),
            revision: 1,
            kind: Kind::StandardAnswer,
            audience: Audience::Internal,
            lowest_level: String::new(),
            category: String::new(),
            product: String::new(),
            title: "Passwort zurücksetzen".to_owned(),
            body: "Im Portal auf Vergessen klicken.".to_owned(),
            unrevised: false,
            source_revision: None,
            author_kind: ActorKind::Agent,
            author_id: "anna".to_owned(),
            revise_time: fixture::start(),
            issue_time: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::fixture as tickets;

    fn faults(revision: &Revision) -> Vec<String> {
        let mut faults = Violations::default();
        revision.check(tickets::configuration(), "article.", &mut faults);
        tickets::faults(faults.into_result())
    }

    #[test]
    fn a_revision_says_something_that_the_configuration_knows() {
        let good = fixture::revision();
        assert!(faults(&good).is_empty());
        let empty = Revision { title: " ".into(), body: String::new(), ..good.clone() };
        assert_eq!(faults(&empty), ["article.title", "article.text"]);
        let unknown = Revision { category: "magic".into(), lowest_level: "L9".into(), ..good.clone() };
        assert_eq!(faults(&unknown), ["article.category", "article.lowest_level"]);
        let high = Revision { lowest_level: "L2".into(), category: "network".into(), ..good };
        assert!(faults(&high).is_empty());
        for audience in [Audience::Customer, Audience::Public] {
            assert_eq!(faults(&Revision { audience, ..high.clone() }), ["article.lowest_level"]);
        }
    }

    #[test]
    fn an_article_goes_by_its_id_and_by_its_number() {
        let id = tickets::id(7);
        assert_eq!(Reference::parse(&id.to_string()), Some(Reference::Id(id)));
        assert_eq!(Reference::parse("815"), Some(Reference::Number(815)));
        for free in ["", "KB-0815", "x", "99999999999999999999"] {
            assert_eq!(Reference::parse(free), None, "{free:?}");
        }
    }
}
