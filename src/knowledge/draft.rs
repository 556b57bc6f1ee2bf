//! An article as it is drafted from a ticket: what was asked, and how it was solved, for its author to put into other words.

use super::{Article, Audience, Kind, Revision, model::MAX_TEXT};
use crate::{
    access::Permission,
    configuration::Configuration,
    ctx::Ctx,
    error::{Reason, Refusal, Result},
    ids::Id,
    tickets::{Resolution, Ticket},
};

/// The rule. It is for the level below, which the solver advises; and it is not fit to be reviewed as it is, since whoever
/// asked speaks in it.
pub fn draft(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: &Ticket,
    resolution: &Resolution,
    identity: (Id, i64),
) -> Result<(Article, Revision)> {
    ctx.actor.require(Permission::KnowledgeWrite)?;
    require_open(ticket)?;
    let first = Revision {
        article_id: identity.0,
        revision: 1,
        kind: Kind::Solution,
        audience: Audience::Internal,
        lowest_level: below(configuration, &ticket.level),
        category: ticket.category.clone(),
        product: ticket.product.clone(),
        title: ticket.title.clone(),
        body: text(ticket, resolution),
        unrevised: true,
        source_revision: None,
        author_kind: ctx.actor.kind,
        author_id: ctx.actor.id.clone(),
        revise_time: ctx.now,
        issue_time: None,
    };
    Ok((Article::new(ctx, identity, &ticket.language_code), first))
}

/// Refuses a ticket of which not everybody may know.
pub fn require_open(ticket: &Ticket) -> Result<(), Refusal> {
    if !ticket.restricted {
        return Ok(());
    }
    let text = "the ticket is restricted, and articles are not; say in `no_article_reason` why there is none";
    Err(Refusal::new(Reason::ArticleTicketRestricted, text))
}

fn below(configuration: &Configuration, level: &str) -> String {
    let rank = configuration.level_rank(level).and_then(|rank| rank.checked_sub(1));
    rank.map(|rank| configuration.document.levels[rank].key.clone()).unwrap_or_default()
}

/// The description gives way to the solution where there is no room for both.
fn text(ticket: &Ticket, resolution: &Resolution) -> String {
    let solution = resolution.summary.trim();
    let room = MAX_TEXT.saturating_sub(solution.chars().count() + 2);
    let asked: String = ticket.description.trim().chars().take(room).collect();
    let parts = [asked.as_str(), solution];
    let text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
    if text.is_empty() { ticket.title.clone() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        knowledge::State,
        tickets::{State as TicketState, fixture},
    };

    fn drafted(ticket: &Ticket, summary: &str) -> Result<(Article, Revision)> {
        let resolution = Resolution { summary: summary.into(), ..Resolution::default() };
        let (ctx, identity) = (fixture::ctx(Role::Agent), (fixture::id(5), 5));
        draft(&ctx, fixture::configuration(), ticket, &resolution, identity)
    }

    fn asked(level: &str, description: &str) -> Ticket {
        let (level, description) = (level.to_owned(), description.to_owned());
        Ticket { level, description, product: "erp".into(), ..fixture::ticket(TicketState::Open) }
    }

    #[test]
    fn it_says_what_was_asked_and_how_it_was_solved_and_is_not_fit_for_review() {
        let (article, first) =
            drafted(&asked("L3", " Rundet falsch. "), "Je Rechnung runden.").expect("drafted");
        assert_eq!((article.state, article.language_code.as_str()), (State::Draft, "de"));
        assert_eq!((first.kind, first.audience, first.unrevised), (Kind::Solution, Audience::Internal, true));
        assert_eq!((first.title.as_str(), first.product.as_str()), ("Drucker druckt nicht", "erp"));
        assert_eq!(first.body, "Rundet falsch.\n\nJe Rechnung runden.");
        assert_eq!(first.author_id, "anna");
    }

    #[test]
    fn it_is_for_the_level_below() {
        for (level, lowest) in [("L3", "L2"), ("L2", "L1"), ("L1", ""), ("gone", "")] {
            assert_eq!(drafted(&asked(level, ""), "x").expect("drafted").1.lowest_level, lowest, "{level}");
        }
    }

    #[test]
    fn it_always_says_something_and_never_too_much() {
        let body = |description: &str, summary: &str| {
            drafted(&asked("L3", description), summary).expect("drafted").1.body
        };
        assert_eq!(body("", ""), "Drucker druckt nicht");
        assert_eq!(body("", "so"), "so");
        let long = "ä".repeat(MAX_TEXT);
        let both = body(&long, "so");
        assert_eq!(both.chars().count(), MAX_TEXT);
        assert!(both.ends_with("ä\n\nso"));
    }

    #[test]
    fn nothing_is_drafted_from_what_is_restricted() {
        let ticket = Ticket { restricted: true, ..asked("L3", "Gehalt") };
        let refused = drafted(&ticket, "so").expect_err("restricted");
        assert_eq!(refused.reason(), Reason::ArticleTicketRestricted);
    }
}
