//! What a resolution says of an article: that it solved the ticket, or was written from it, or is to be drafted from it; and
//! that the ticket's level may say so.

use super::{
    Article, Link, Reference, Relation, Revision, State,
    draft::draft,
    sight::{Sight, require_usable},
    store, store_links,
};
use crate::{
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Error, Refusal, Result},
    ids::Id,
    tickets::{Change, Resolution, Ticket},
};

/// An article that a resolution may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cited {
    pub article: Id,
    pub revision: i32,
    pub relation: Relation,
    /// Whether the ticket says so already.
    pub told: bool,
}

/// An article as it is found.
#[derive(Clone, Debug)]
pub struct Found {
    pub article: Article,
    /// The revision in use.
    pub published: Option<Revision>,
    /// What the ticket says of it so far.
    pub links: Vec<Link>,
}

impl Found {
    /// Whether the ticket says so, and nothing has taken that back.
    pub fn says(&self, relation: Relation) -> bool {
        self.links.iter().any(|link| link.relation == relation && link.reopen_time.is_none())
    }
}

/// The rule. What was written from this ticket need not be in use yet; anything else must, for the ticket's level.
fn decide(configuration: &Configuration, ticket: &Ticket, found: &Found) -> Result<Cited, Refusal> {
    let Found { article, published, .. } = found;
    let own = article.published_revision.is_none() && article.state != State::Archived;
    if own && found.says(Relation::CreatedFrom) {
        return Ok(Cited {
            article: article.id,
            revision: article.latest_revision,
            relation: Relation::CreatedFrom,
            told: true,
        });
    }
    require_usable(configuration, article, published.as_ref(), &ticket.level)?;
    Ok(Cited {
        article: article.id,
        revision: article.published_revision.unwrap_or(article.latest_revision),
        relation: Relation::Used,
        told: found.says(Relation::Used),
    })
}

/// The article that a resolution names, or the draft that is made of the ticket under this id and number; the transaction
/// has the ticket's lock.
pub async fn cite_in(
    tx: &mut Tx,
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: &Ticket,
    resolution: &Resolution,
    identity: Option<(Id, i64)>,
) -> Result<Option<Cited>> {
    if let Some(identity) = identity {
        if !resolution.article.is_empty() {
            return Err(Error::field("resolution.article", "is named by the draft that is asked for"));
        }
        let (article, revision) = draft(ctx, configuration, ticket, resolution, identity)?;
        store::insert(tx, &article).await?;
        store::put_revision(tx, &revision).await?;
        let (article, revision) = (article.id, revision.revision);
        return Ok(Some(Cited { article, revision, relation: Relation::CreatedFrom, told: false }));
    }
    if resolution.article.is_empty() {
        return Ok(None);
    }
    let none = || Error::field("resolution.article", "names no article");
    let reference = Reference::parse(&resolution.article).ok_or_else(none)?;
    let found = find_in(tx, ctx, configuration, ticket.id, reference).await?.ok_or_else(none)?;
    Ok(Some(decide(configuration, ticket, &found)?))
}

/// The article with what a ticket says of it, if the caller sees its newest revision or the one in use.
pub async fn find_in(
    tx: &mut Tx,
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Id,
    reference: Reference,
) -> Result<Option<Found>> {
    let Some(article) = store::find(tx, reference).await? else { return Ok(None) };
    let sight = Sight::of(tx, configuration, ctx).await?;
    let published = match article.published_revision {
        Some(revision) => store::revision(tx, article.id, revision).await?,
        None => None,
    };
    let mut seen = published.as_ref().is_some_and(|it| sight.covers(&article, it));
    if !seen {
        let latest = store::revision(tx, article.id, article.latest_revision).await?;
        seen = latest.is_some_and(|it| sight.covers(&article, &it));
    }
    if !seen {
        return Ok(None);
    }
    let links = store_links::of(tx, ticket, article.id).await?;
    Ok(Some(Found { article, published, links }))
}

/// Writes down what the last event of a change tells of an article.
pub async fn tell_in(tx: &mut Tx, ctx: &Ctx, change: &Change, cited: &Cited) -> Result<()> {
    if cited.told {
        return Ok(());
    }
    store_links::insert(tx, &link(ctx, change, cited)).await
}

/// The link that the last event of a change tells of.
pub fn link(ctx: &Ctx, change: &Change, cited: &Cited) -> Link {
    Link {
        tenant_id: ctx.tenant.clone(),
        ticket_id: change.next.id,
        version: change.next.version,
        article_id: cited.article,
        relation: cited.relation,
        revision: cited.revision,
        author_kind: ctx.actor.kind,
        author_id: ctx.actor.id.clone(),
        create_time: ctx.now,
        reopen_time: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        error::Reason,
        knowledge::model::fixture,
        tickets::{State as TicketState, fixture as tickets},
    };

    fn linked(relation: Relation, reopened: bool) -> Link {
        let ctx = tickets::ctx(Role::Agent);
        let cited = Cited { article: tickets::id(5), revision: 1, relation, told: false };
        let change = Change::of(tickets::ticket(TicketState::Open));
        Link { reopen_time: reopened.then_some(ctx.now), ..link(&ctx, &change, &cited) }
    }

    fn decided(state: State, links: Vec<Link>) -> Result<(Relation, bool), Reason> {
        let article = fixture::article(state);
        let published = article.published_revision.map(|_| fixture::revision());
        let ticket = tickets::ticket(TicketState::Open);
        let cited = decide(tickets::configuration(), &ticket, &Found { article, published, links });
        cited.map(|cited| (cited.relation, cited.told)).map_err(|refusal| refusal.reason)
    }

    #[test]
    fn a_resolution_names_what_is_in_use_or_what_was_written_from_the_ticket() {
        let (used, from) = (Relation::Used, Relation::CreatedFrom);
        assert_eq!(decided(State::Published, vec![]), Ok((used, false)));
        assert_eq!(decided(State::Published, vec![linked(used, false)]), Ok((used, true)));
        assert_eq!(decided(State::Published, vec![linked(used, true)]), Ok((used, false)), "once more");
        assert_eq!(decided(State::Published, vec![linked(from, false)]), Ok((used, false)));
        for state in [State::Draft, State::Review] {
            assert_eq!(decided(state, vec![]), Err(Reason::ArticleNotUsable), "{state:?}");
            assert_eq!(decided(state, vec![linked(used, false)]), Err(Reason::ArticleNotUsable));
            assert_eq!(decided(state, vec![linked(from, false)]), Ok((from, true)), "{state:?}");
        }
        let gone = decided(State::Archived, vec![linked(from, false)]);
        assert_eq!(gone, Err(Reason::ArticleNotUsable));
    }
}
