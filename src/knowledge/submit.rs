//! Handing a draft to the reviewers.

use super::{
    status::{Verb, advance},
    write::{Locked, Outcome, Target, Written, write},
};
use crate::{
    app::App,
    ctx::Ctx,
    error::{Reason, Refusal, Result},
};

/// The rule. What was drafted from a ticket speaks of whoever asked, until somebody rewords it.
fn decide(ctx: &Ctx, locked: &Locked) -> Result<Outcome> {
    let state = advance(locked.article.state, Verb::Submit)?;
    if locked.latest.unrevised {
        let text = "the text is a ticket's, as it was drafted; revise it first";
        return Err(Refusal::new(Reason::ArticleUnrevised, text).into());
    }
    let mut article = locked.article.next(ctx, state);
    article.review_note.clear();
    Ok(article.into())
}

pub async fn submit(app: &App, ctx: &Ctx, target: Target) -> Result<Written> {
    write(app, ctx, target, |_, locked| decide(ctx, locked)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        knowledge::{Article, Revision, State, model::fixture},
        tickets::fixture as tickets,
    };

    fn decided(state: State, latest: Revision) -> Result<Article> {
        let article = Article { review_note: "zu kurz".into(), ..fixture::article(state) };
        decide(&tickets::ctx(Role::Agent), &Locked { article, latest }).map(|done| done.article)
    }

    #[test]
    fn a_draft_in_somebody_s_own_words_goes_to_review() {
        let article = decided(State::Draft, fixture::revision()).expect("submitted");
        assert_eq!((article.state, article.version), (State::Review, 2));
        assert_eq!(article.review_note, "", "it was heeded");
        let drafted = Revision { unrevised: true, ..fixture::revision() };
        let refused = decided(State::Draft, drafted).expect_err("nobody reworded it");
        assert_eq!(refused.reason(), Reason::ArticleUnrevised);
        for state in [State::Review, State::Published, State::Archived] {
            let refused = decided(state, fixture::revision()).expect_err("no draft");
            assert_eq!(refused.reason(), Reason::ArticleStateConflict, "{state:?}");
        }
    }
}
