//! Taking an article out of use.

use super::{
    status::{Verb, advance},
    write::{Locked, Outcome, Target, Written, write},
};
use crate::{app::App, ctx::Ctx, error::Result};

/// The rule. Nothing of it is in use afterwards; to restore it is to begin with a draft.
fn decide(ctx: &Ctx, locked: &Locked, why: &str) -> Result<Outcome> {
    let state = advance(locked.article.state, Verb::Archive)?;
    let mut article = locked.article.next(ctx, state);
    (article.published_revision, article.publish_time, article.stale_time) = (None, None, None);
    why.clone_into(&mut article.review_note);
    Ok(article.into())
}

pub async fn archive(app: &App, ctx: &Ctx, target: Target, why: &str) -> Result<Written> {
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
    fn nothing_of_it_is_in_use_any_more() {
        let decided = |state| {
            let locked = Locked { article: fixture::article(state), latest: fixture::revision() };
            decide(&tickets::ctx(Role::Manager), &locked, "veraltet").map_err(|error| error.reason())
        };
        for state in [State::Draft, State::Review, State::Published] {
            let Outcome { article, revision } = decided(state).expect("archived");
            assert_eq!((article.state, article.published_revision), (State::Archived, None), "{state:?}");
            assert_eq!((article.publish_time, article.review_note.as_str()), (None, "veraltet"));
            assert!(revision.is_none());
        }
        assert!(matches!(decided(State::Archived), Err(Reason::ArticleStateConflict)));
    }
}
