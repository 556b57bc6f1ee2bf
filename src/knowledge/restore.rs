//! Making a draft of an article that was archived.

use super::{
    status::{Verb, advance},
    write::{Locked, Outcome, Target, Written, write},
};
use crate::{app::App, ctx::Ctx, error::Result};

/// The rule. Why it was archived stays to be read until it is submitted again.
fn decide(ctx: &Ctx, locked: &Locked) -> Result<Outcome> {
    let state = advance(locked.article.state, Verb::Restore)?;
    Ok(locked.article.next(ctx, state).into())
}

pub async fn restore(app: &App, ctx: &Ctx, target: Target) -> Result<Written> {
    write(app, ctx, target, |_, locked| decide(ctx, locked)).await
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
    fn it_begins_again_as_a_draft() {
        let decided = |state| {
            let locked = Locked { article: fixture::article(state), latest: fixture::revision() };
            let done = decide(&tickets::ctx(Role::Manager), &locked);
            done.map(|done| done.article).map_err(|error| error.reason())
        };
        let article = decided(State::Archived).expect("restored");
        assert_eq!((article.state, article.published_revision), (State::Draft, None));
        for state in [State::Draft, State::Review, State::Published] {
            assert_eq!(decided(state), Err(Reason::ArticleStateConflict), "{state:?}");
        }
    }
}
