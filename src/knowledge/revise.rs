//! Writing the next revision of an article. The one in use stays in use until the new one is published.

use super::{
    Audience, Kind, State,
    status::{Verb, advance},
    write::{Locked, Outcome, Target, Written, write},
};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    error::{Result, Violations},
};

/// One field and its new value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    Kind(Kind),
    Title(String),
    Text(String),
    Audience(Audience),
    LowestLevel(String),
    Category(String),
    Product(String),
    SourceRevision(i32),
}

#[derive(Clone, Debug)]
pub struct Revise {
    pub target: Target,
    pub edits: Vec<Edit>,
    /// What is wrong with it already.
    pub faults: Violations,
}

/// The rule. What says nothing new is no revision, unless somebody takes a drafted text over as it is.
fn decide(ctx: &Ctx, configuration: &Configuration, locked: &Locked, revise: &Revise) -> Result<Outcome> {
    let Locked { article, latest } = locked;
    let state = advance(article.state, Verb::Revise)?;
    let mut faults = revise.faults.clone();
    let mut next = latest.next(ctx);
    let mut reworded = false;
    for edit in revise.edits.iter().cloned() {
        match edit {
            Edit::Kind(kind) => next.kind = kind,
            Edit::Title(title) => next.title = title,
            Edit::Text(text) => {
                reworded |= text != next.body;
                next.body = text;
            }
            Edit::Audience(audience) => next.audience = audience,
            Edit::LowestLevel(level) => next.lowest_level = level,
            Edit::Category(category) => next.category = category,
            Edit::Product(product) => next.product = product,
            Edit::SourceRevision(revision) if article.translation_of.is_some() && revision > 0 => {
                next.source_revision = Some(revision);
            }
            Edit::SourceRevision(_) => {
                faults.add("article.source_revision", "is a revision of the original of a translation");
            }
        }
    }
    // As long as the text is the ticket's, whoever asked speaks in it.
    next.unrevised = latest.unrevised && !reworded;
    next.check(configuration, "article.", &mut faults);
    faults.into_result()?;
    let unchanged = super::Revision {
        revision: latest.revision,
        author_kind: latest.author_kind,
        author_id: latest.author_id.clone(),
        revise_time: latest.revise_time,
        issue_time: latest.issue_time,
        ..next.clone()
    };
    if unchanged == *latest {
        return Ok(Outcome { article: article.clone(), revision: None });
    }
    let mut article = article.next(ctx, state);
    debug_assert_eq!(article.state, State::Draft);
    article.latest_revision = next.revision;
    Ok(Outcome { article, revision: Some(next) })
}

pub async fn revise(app: &App, ctx: &Ctx, revise: &Revise) -> Result<Written> {
    write(app, ctx, revise.target, |configuration, locked| decide(ctx, configuration, locked, revise)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        error::Reason,
        knowledge::{Reference, Revision, model::fixture},
        tickets::fixture as tickets,
    };

    fn decided(state: State, latest: Revision, edits: &[Edit]) -> Result<Outcome> {
        let target = Target { article: Reference::Id(tickets::id(5)), version: None };
        let revise = Revise { target, edits: edits.to_vec(), faults: Violations::default() };
        let mut ctx = tickets::ctx(Role::Agent);
        ctx.actor.id = "bert".into();
        let locked = Locked { article: fixture::article(state), latest };
        decide(&ctx, tickets::configuration(), &locked, &revise)
    }

    fn text(text: &str) -> Edit {
        Edit::Text(text.to_owned())
    }

    #[test]
    fn a_revision_is_a_draft_and_what_is_in_use_stays_in_use() {
        for state in [State::Draft, State::Review, State::Published] {
            let done = decided(state, fixture::revision(), &[text("Anders."), Edit::Kind(Kind::HowTo)]);
            let Outcome { article, revision } = done.expect("revised");
            let revision = revision.expect("a revision");
            assert_eq!((article.state, article.version, article.latest_revision), (State::Draft, 2, 2));
            assert_eq!(article.published_revision, (state == State::Published).then_some(1));
            assert_eq!((revision.revision, revision.body.as_str()), (2, "Anders."));
            assert_eq!((revision.author_id.as_str(), revision.kind), ("bert", Kind::HowTo));
            assert_eq!(revision.title, fixture::revision().title);
        }
        let refused = decided(State::Archived, fixture::revision(), &[text("x")]).expect_err("archived");
        assert_eq!(refused.reason(), Reason::ArticleStateConflict);
    }

    #[test]
    fn what_says_nothing_new_is_no_revision() {
        let same = decided(State::Published, fixture::revision(), &[text(&fixture::revision().body)]);
        let Outcome { article, revision } = same.expect("nothing to do");
        assert_eq!((article, revision), (fixture::article(State::Published), None));
    }

    #[test]
    fn a_drafted_text_is_somebody_s_own_once_it_is_reworded() {
        let drafted = Revision { unrevised: true, ..fixture::revision() };
        let still = |edit: Edit| {
            let done = decided(State::Draft, drafted.clone(), &[edit]).expect("revised");
            done.revision.expect("a revision").unrevised
        };
        assert!(still(Edit::Title("Kürzer".into())));
        assert!(!still(text("In eigenen Worten.")));
    }

    #[test]
    fn what_it_says_is_checked_and_an_original_renders_nothing() {
        let faults = |edit: Edit| tickets::faults(decided(State::Draft, fixture::revision(), &[edit]));
        assert_eq!(faults(text("")), ["article.text"]);
        assert_eq!(faults(Edit::Category("magic".into())), ["article.category"]);
        assert_eq!(faults(Edit::LowestLevel("L9".into())), ["article.lowest_level"]);
        assert_eq!(faults(Edit::SourceRevision(1)), ["article.source_revision"]);
    }
}
