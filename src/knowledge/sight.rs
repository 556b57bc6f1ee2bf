//! Who sees which articles, and which level may use them: one rule for every way to come upon one.

use sqlx::PgConnection;

use super::{Article, Audience, Revision};
use crate::{
    access::Permission,
    agents,
    configuration::Configuration,
    ctx::{ActorKind, Ctx},
    error::{Reason, Refusal, Result},
};

/// Up to which level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Levels {
    /// What is for any level, whichever that is.
    All,
    /// What is for these; the empty key is there for what is for any.
    These(Vec<String>),
}

/// What a caller sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// A customer: what is in use, and for customers.
    Customer,
    /// The support organization: what these levels may use, and what this caller wrote.
    House { levels: Levels, kind: ActorKind, id: String },
}

impl Levels {
    /// What a ticket at this level may be solved by. A level that is gone is below all.
    pub fn up_to(configuration: &Configuration, level: &str) -> Self {
        Self::up_to_rank(configuration, configuration.level_rank(level).unwrap_or_default())
    }

    fn up_to_rank(configuration: &Configuration, rank: usize) -> Self {
        let levels = &configuration.document.levels;
        // An article whose level is gone is for the highest.
        if rank + 1 >= levels.len() {
            return Self::All;
        }
        let mut keys = vec![String::new()];
        keys.extend(levels.iter().take(rank + 1).map(|level| level.key.clone()));
        Self::These(keys)
    }

    pub fn holds(&self, lowest_level: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(keys) => keys.iter().any(|key| key == lowest_level),
        }
    }
}

impl Sight {
    /// What this caller sees; asks to which teams an agent belongs.
    pub async fn of(db: &mut PgConnection, configuration: &Configuration, ctx: &Ctx) -> Result<Self> {
        let teams = match ctx.actor.kind {
            ActorKind::Agent if !ctx.actor.may(Permission::KnowledgeReview) => {
                agents::teams_of(db, &ctx.tenant, &ctx.actor.id).await?
            }
            _ => Vec::new(),
        };
        Ok(Self::decide(configuration, ctx, &teams))
    }

    /// The rule. An agent sees what the highest of the own levels may use; reviewers and programs see all.
    fn decide(configuration: &Configuration, ctx: &Ctx, teams: &[String]) -> Self {
        let actor = &ctx.actor;
        let levels = match actor.kind {
            ActorKind::Customer => return Self::Customer,
            ActorKind::Service | ActorKind::System => Levels::All,
            ActorKind::Agent if actor.may(Permission::KnowledgeReview) => Levels::All,
            ActorKind::Agent => {
                let ranks = teams
                    .iter()
                    .filter_map(|team| configuration.level_rank(&configuration.team(team)?.level));
                Levels::up_to_rank(configuration, ranks.max().unwrap_or_default())
            }
        };
        Self::House { levels, kind: actor.kind, id: actor.id.clone() }
    }

    /// Whether the caller sees this revision. The store asks the same in SQL, where there are many.
    pub fn covers(&self, article: &Article, revision: &Revision) -> bool {
        match self {
            Self::Customer => {
                article.published_revision == Some(revision.revision)
                    && revision.audience != Audience::Internal
            }
            Self::House { levels, kind, id } => {
                levels.holds(&revision.lowest_level)
                    || (revision.author_kind == *kind && revision.author_id == *id)
            }
        }
    }
}

/// Refuses what may not solve a ticket at this level. `revision` is the one in use, if there is one.
pub fn require_usable(
    configuration: &Configuration,
    article: &Article,
    revision: Option<&Revision>,
    level: &str,
) -> Result<(), Refusal> {
    let refuse = |text: String, lowest: &str| {
        let refusal = Refusal::new(Reason::ArticleNotUsable, text);
        Err(refusal.with("state", article.state.name()).with("lowest_level", lowest).with("level", level))
    };
    let Some(revision) = revision.filter(|it| Some(it.revision) == article.published_revision) else {
        return refuse(format!("no revision of the article {} is in use", article.number), "");
    };
    let lowest = &revision.lowest_level;
    if Levels::up_to(configuration, level).holds(lowest) {
        return Ok(());
    }
    refuse(format!("the article {} is for level {lowest} and above", article.number), lowest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        configuration::Document,
        ctx::Role,
        knowledge::{State, model::fixture},
        tickets::fixture as tickets,
    };

    fn seen(role: Role, teams: &[&str]) -> Sight {
        let teams: Vec<String> = teams.iter().map(|team| (*team).to_owned()).collect();
        let mut ctx = tickets::ctx(role);
        if role == Role::Service {
            ctx.actor.kind = ActorKind::Service;
        }
        Sight::decide(tickets::configuration(), &ctx, &teams)
    }

    fn at(lowest_level: &str, author_id: &str) -> Revision {
        let (lowest_level, author_id) = (lowest_level.to_owned(), author_id.to_owned());
        Revision { lowest_level, author_id, ..fixture::revision() }
    }

    #[test]
    fn an_agent_sees_what_the_own_levels_may_use_and_the_own_drafts() {
        let draft = fixture::article(State::Draft);
        let levels = ["", "L1", "L2", "L3", "gone"];
        for (role, teams, expected) in [
            (Role::Agent, &[][..], &["", "L1"][..]),
            (Role::Agent, &["desk-de"], &["", "L1"]),
            (Role::Agent, &["nowhere"], &["", "L1"]),
            (Role::Agent, &["desk-de", "applications"], &["", "L1", "L2"]),
            (Role::Agent, &["engineering"], &levels),
            (Role::Specialist, &[], &levels),
            (Role::Manager, &[], &levels),
            (Role::Service, &[], &levels),
        ] {
            let sight = seen(role, teams);
            let covered: Vec<&str> =
                levels.into_iter().filter(|level| sight.covers(&draft, &at(level, "bert"))).collect();
            assert_eq!(covered, expected, "{role:?} {teams:?}");
            assert!(sight.covers(&draft, &at("L3", "anna")), "{role:?}: one's own");
        }
    }

    #[test]
    fn a_customer_sees_what_is_in_use_and_for_customers_alone() {
        let sight = seen(Role::Customer, &[]);
        for state in State::ALL {
            for audience in Audience::ALL {
                let article = fixture::article(*state);
                let revision = Revision { audience: *audience, ..fixture::revision() };
                let expected = *state == State::Published && *audience != Audience::Internal;
                assert_eq!(sight.covers(&article, &revision), expected, "{state:?} {audience:?}");
                assert!(!sight.covers(&article, &revision.next(&tickets::ctx(Role::Agent))), "not in use");
            }
        }
    }

    #[test]
    fn a_level_uses_what_is_in_use_and_not_above_it() {
        let usable = |state, lowest: &str, level: &str| {
            let (article, revision) = (fixture::article(state), at(lowest, "anna"));
            let configuration = tickets::configuration();
            let said = require_usable(configuration, &article, Some(&revision), level);
            said.map_err(|refusal| assert_eq!(refusal.reason, Reason::ArticleNotUsable)).is_ok()
        };
        for (lowest, level, expected) in [
            ("", "L1", true),
            ("L1", "L1", true),
            ("L2", "L1", false),
            ("L2", "L2", true),
            ("L2", "L3", true),
            ("gone", "L2", false),
            ("gone", "L3", true),
            ("", "gone", true),
            ("L2", "gone", false),
        ] {
            assert_eq!(usable(State::Published, lowest, level), expected, "{lowest} at {level}");
            for state in [State::Draft, State::Review, State::Archived] {
                assert!(!usable(state, lowest, level), "{state:?}");
            }
        }
    }

    #[test]
    fn where_there_are_no_levels_nothing_is_above_anybody() {
        let none = Configuration::new(1, Document::default());
        assert_eq!(Levels::up_to(&none, "L1"), Levels::All);
    }
}
