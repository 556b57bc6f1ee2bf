//! Saying on a ticket that an article solved it, was written from it, or did not help.

use serde::{Deserialize, Serialize};

use super::{
    Link, Reference, Relation, State,
    cite::{self, Cited, Found, find_in},
    draft::require_open,
    model::missing,
    sight::require_usable,
    store_links,
};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Error, Reason, Refusal, Result},
    events::EventType,
    ids::Id,
    tickets::{Act, Change, Done, Target, Ticket, Verb, advance, write_with},
};

#[derive(Clone, Copy, Debug)]
pub struct LinkArticle {
    pub ticket: Id,
    pub article: Reference,
    pub relation: Relation,
}

/// The rule.
fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    found: &Found,
    relation: Relation,
) -> Result<(Link, Change)> {
    advance(ticket.state, Verb::LinkArticle)?;
    let Found { article, published, .. } = found;
    let revision = match relation {
        Relation::Used | Relation::DidNotHelp => {
            require_usable(configuration, article, published.as_ref(), &ticket.level)?;
            article.published_revision.unwrap_or(article.latest_revision)
        }
        Relation::CreatedFrom => {
            require_open(&ticket)?;
            if article.state == State::Archived {
                let text = "the article is archived; restore it first";
                let refusal = Refusal::new(Reason::ArticleNotUsable, text);
                return Err(refusal.with("state", article.state.name()).into());
            }
            article.latest_revision
        }
    };
    if found.says(relation) {
        let text = format!("the ticket says so already: {}", relation.name());
        return Err(Refusal::new(Reason::ArticleAlreadyLinked, text).into());
    }
    let change = Change::of(ticket).step(ctx, EventType::TicketArticleLinked, |_, event| {
        event.details.insert("article".into(), article.id.to_string().into());
        event.details.insert("relation".into(), relation.name().into());
    });
    let link = cite::link(ctx, &change, &Cited { article: article.id, revision, relation, told: false });
    Ok((link, change))
}

/// The link is where the event of this version is.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    version: i64,
}

impl Act for LinkArticle {
    type Extra = Kept;

    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        ticket: Ticket,
    ) -> Result<(Change, Kept)> {
        let found = find_in(tx, ctx, configuration, ticket.id, self.article).await?;
        let found = found.ok_or_else(|| missing(&ctx.tenant, self.article))?;
        let (link, change) = decide(ctx, configuration, ticket, &found, self.relation)?;
        store_links::insert(tx, &link).await?;
        Ok((change, Kept { version: link.version }))
    }
}

/// The link, and what became of the ticket.
pub async fn link(app: &App, ctx: &Ctx, link: &LinkArticle) -> Result<(Link, Done<Kept>)> {
    let done = write_with(app, ctx, &Target::of(link.ticket), link).await?;
    let mut tx = app.db.read(&ctx.tenant).await?;
    let found = store_links::at(&mut tx, link.ticket, done.extra.version).await?;
    Ok((found.ok_or_else(|| Error::internal("a receipt without its link"))?, done))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        knowledge::{Revision, model::fixture},
        tickets::{State as TicketState, fixture as tickets},
    };

    fn decided(
        ticket: Ticket,
        state: State,
        links: Vec<Link>,
        relation: Relation,
    ) -> Result<(Link, Change), Reason> {
        let article = fixture::article(state);
        let published =
            article.published_revision.map(|_| Revision { lowest_level: "L2".into(), ..fixture::revision() });
        let found = Found { article, published, links };
        decide(&tickets::ctx(Role::Agent), tickets::configuration(), ticket, &found, relation)
            .map_err(|error| error.reason())
    }

    fn at(level: &str, state: TicketState) -> Ticket {
        Ticket { level: level.into(), ..tickets::ticket(state) }
    }

    #[test]
    fn the_ticket_tells_which_article_and_how() {
        for relation in Relation::ALL {
            let open = at("L2", TicketState::Open);
            let (link, change) = decided(open, State::Published, vec![], *relation).expect("linked");
            let event = &change.events[0];
            assert_eq!(event.kind, EventType::TicketArticleLinked);
            assert_eq!(event.details["article"], tickets::id(5).to_string());
            assert_eq!(event.details["relation"], relation.name());
            assert_eq!((link.version, link.relation, link.revision), (event.version, *relation, 1));
            assert!(change.is_quiet());
        }
    }

    #[test]
    fn what_helps_is_in_use_for_the_ticket_s_level_and_what_comes_of_it_need_not_be() {
        let open = |level| at(level, TicketState::Open);
        let not_usable = Some(Reason::ArticleNotUsable);
        for relation in [Relation::Used, Relation::DidNotHelp] {
            assert_eq!(decided(open("L1"), State::Published, vec![], relation).err(), not_usable);
            assert_eq!(decided(open("L3"), State::Draft, vec![], relation).err(), not_usable);
        }
        let from = Relation::CreatedFrom;
        for state in [State::Draft, State::Review, State::Published] {
            assert!(decided(open("L1"), state, vec![], from).is_ok(), "{state:?}");
        }
        assert_eq!(decided(open("L3"), State::Archived, vec![], from).err(), not_usable);
        let secret = Ticket { restricted: true, ..open("L3") };
        assert_eq!(decided(secret, State::Draft, vec![], from).err(), Some(Reason::ArticleTicketRestricted));
    }

    #[test]
    fn a_ticket_says_a_thing_once_until_it_is_opened_again() {
        let open = || at("L2", TicketState::Open);
        let (said, _) = decided(open(), State::Published, vec![], Relation::Used).expect("linked");
        let again = decided(open(), State::Published, vec![said.clone()], Relation::Used);
        assert_eq!(again.err(), Some(Reason::ArticleAlreadyLinked));
        assert!(decided(open(), State::Published, vec![said.clone()], Relation::DidNotHelp).is_ok());
        let taken_back = Link { reopen_time: Some(tickets::start()), ..said };
        assert!(decided(open(), State::Published, vec![taken_back], Relation::Used).is_ok());
        let merged = decided(at("L2", TicketState::Merged), State::Published, vec![], Relation::Used);
        assert_eq!(merged.err(), Some(Reason::TicketStateConflict));
    }
}
