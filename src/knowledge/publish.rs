//! Putting a revision into use. Whoever wrote it is not the one who says that it is right.

use super::{
    Revision,
    status::{Verb, advance},
    write::{Locked, Outcome, Target, Written, write},
};
use crate::{
    app::App,
    ctx::{Actor, Ctx},
    error::{Reason, Refusal, Result},
};

/// The rule. A new revision begins with a clean slate.
fn decide(ctx: &Ctx, locked: &Locked) -> Result<Outcome> {
    let state = advance(locked.article.state, Verb::Publish)?;
    require_another(&ctx.actor, &locked.latest)?;
    let mut article = locked.article.next(ctx, state);
    article.published_revision = Some(locked.latest.revision);
    article.publish_time = Some(ctx.now);
    article.stale_time = None;
    let revision = Revision { issue_time: Some(ctx.now), ..locked.latest.clone() };
    Ok(Outcome { article, revision: Some(revision) })
}

/// Refuses who wrote the revision.
pub fn require_another(reviewer: &Actor, revision: &Revision) -> Result<(), Refusal> {
    if !revision.is_by(reviewer) {
        return Ok(());
    }
    let text = "who wrote a revision does not review it; somebody else must";
    Err(Refusal::new(Reason::ArticleOwnReview, text))
}

pub async fn publish(app: &App, ctx: &Ctx, target: Target) -> Result<Written> {
    write(app, ctx, target, |_, locked| decide(ctx, locked)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::{ActorKind, Role},
        knowledge::{Article, State, model::fixture},
        tickets::fixture as tickets,
    };

    fn decided(state: State, reviewer: &str, kind: ActorKind) -> Result<Outcome> {
        let mut ctx = tickets::ctx(Role::Manager);
        (ctx.actor.id, ctx.actor.kind) = (reviewer.to_owned(), kind);
        let article = Article { stale_time: Some(ctx.now), ..fixture::article(state) };
        decide(&ctx, &Locked { article, latest: fixture::revision() })
    }

    #[test]
    fn somebody_else_puts_it_into_use() {
        let done = decided(State::Review, "carla", ActorKind::Agent).expect("published");
        let (article, revision) = (done.article, done.revision.expect("the revision"));
        assert_eq!((article.state, article.published_revision), (State::Published, Some(1)));
        assert_eq!((article.publish_time, article.stale_time), (Some(tickets::start()), None));
        assert_eq!(revision, Revision { issue_time: Some(tickets::start()), ..fixture::revision() });
        // A program that happens to be called so is somebody else.
        assert!(decided(State::Review, "anna", ActorKind::Service).is_ok());
        let refused = decided(State::Review, "anna", ActorKind::Agent).expect_err("the author");
        assert_eq!(refused.reason(), Reason::ArticleOwnReview);
        for state in [State::Draft, State::Published, State::Archived] {
            let refused = decided(state, "carla", ActorKind::Agent).expect_err("not in review");
            assert_eq!(refused.reason(), Reason::ArticleStateConflict, "{state:?}");
        }
    }
}
