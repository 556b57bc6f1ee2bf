//! Giving a revision back to its author, with a word why.

use super::{
    publish::require_another,
    status::{Verb, advance},
    write::{Locked, Outcome, Target, Written, write},
};
use crate::{app::App, ctx::Ctx, error::Result};

/// The rule. An author who thinks again writes the next revision.
fn decide(ctx: &Ctx, locked: &Locked, why: &str) -> Result<Outcome> {
    let state = advance(locked.article.state, Verb::Reject)?;
    require_another(&ctx.actor, &locked.latest)?;
    let mut article = locked.article.next(ctx, state);
    why.clone_into(&mut article.review_note);
    Ok(article.into())
}

pub async fn reject(app: &App, ctx: &Ctx, target: Target, why: &str) -> Result<Written> {
    write(app, ctx, target, |_, locked| decide(ctx, locked, why)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        error::Reason,
        knowledge::{State, model::fixture},
        tickets::fixture as tickets,
    };

    #[test]
    fn it_is_a_draft_again_and_says_why() {
        let decided = |state, reviewer: &str| {
            let mut ctx = tickets::ctx(Role::Manager);
            ctx.actor.id = reviewer.to_owned();
            let locked = Locked { article: fixture::article(state), latest: fixture::revision() };
            decide(&ctx, &locked, "zu kurz").map(|done| done.article).map_err(|error| error.reason())
        };
        let article = decided(State::Review, "carla").expect("rejected");
        assert_eq!((article.state, article.review_note.as_str()), (State::Draft, "zu kurz"));
        assert_eq!(decided(State::Review, "anna"), Err(Reason::ArticleOwnReview));
        for state in [State::Draft, State::Published, State::Archived] {
            assert_eq!(decided(state, "carla"), Err(Reason::ArticleStateConflict), "{state:?}");
        }
    }
}
