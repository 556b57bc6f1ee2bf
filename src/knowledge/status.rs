//! The life of an article as one table: every state and verb has its next state, or none, which is a refusal.

use super::State;
use crate::error::{Reason, Refusal};

/// What can be done with an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Revise,
    Translate,
    Submit,
    Publish,
    Reject,
    Archive,
    Restore,
}

impl Verb {
    pub const ALL: &[Self] = &[
        Self::Revise,
        Self::Translate,
        Self::Submit,
        Self::Publish,
        Self::Reject,
        Self::Archive,
        Self::Restore,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Revise => "revise",
            Self::Translate => "translate",
            Self::Submit => "submit",
            Self::Publish => "publish",
            Self::Reject => "reject",
            Self::Archive => "archive",
            Self::Restore => "restore",
        }
    }
}

/// The table.
pub fn next(state: State, verb: Verb) -> Option<State> {
    use State::{Archived, Draft, Published, Review};
    match (verb, state) {
        (Verb::Restore, Archived) => Some(Draft),
        (_, Archived) => None,
        // What is reviewed is what is published: who writes on begins anew.
        (Verb::Revise, _) | (Verb::Reject, Review) => Some(Draft),
        (Verb::Translate, _) => Some(state),
        (Verb::Submit, Draft) => Some(Review),
        (Verb::Publish, Review) => Some(Published),
        (Verb::Archive, _) => Some(Archived),
        (Verb::Submit | Verb::Publish | Verb::Reject | Verb::Restore, _) => None,
    }
}

/// The next state, or the refusal that names what is allowed instead.
pub fn advance(state: State, verb: Verb) -> Result<State, Refusal> {
    next(state, verb).ok_or_else(|| {
        let allowed = allowed(state).join(",");
        let text = format!(
            "an article that is {} cannot be the object of {}; it allows: {allowed}",
            state.name(),
            verb.name()
        );
        let refusal = Refusal::new(Reason::ArticleStateConflict, text);
        refusal.with("state", state.name()).with("verb", verb.name()).with("allowed", allowed)
    })
}

/// The verbs that a state allows, by name.
pub fn allowed(state: State) -> Vec<&'static str> {
    Verb::ALL.iter().filter(|verb| next(state, **verb).is_some()).map(|verb| verb.name()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Written out by hand: the table's own test must not be the table again.
    #[test]
    fn every_pair_is_as_the_domain_says() {
        for (state, names) in [
            (State::Draft, "revise translate submit archive"),
            (State::Review, "revise translate publish reject archive"),
            (State::Published, "revise translate archive"),
            (State::Archived, "restore"),
        ] {
            assert_eq!(allowed(state).join(" "), names, "{state:?}");
        }
        let refusal = advance(State::Draft, Verb::Publish).expect_err("nobody has reviewed it");
        assert_eq!(refusal.reason, Reason::ArticleStateConflict);
        assert_eq!(refusal.metadata["allowed"], "revise,translate,submit,archive");
    }

    proptest! {
        /// Whatever is done with it, an article is published by a review alone, and nothing stays in one for good.
        #[test]
        fn nothing_is_published_but_by_a_review(walk in proptest::collection::vec(0..Verb::ALL.len(), 0..40)) {
            let (mut state, mut written, mut submitted, mut published) = (State::Draft, 1, 0, 0);
            for verb in walk.into_iter().map(|at| Verb::ALL[at]) {
                let Some(after) = next(state, verb) else { continue };
                match verb {
                    Verb::Revise => written += 1,
                    Verb::Submit => submitted = written,
                    Verb::Publish => published = written,
                    Verb::Archive => published = 0,
                    Verb::Translate | Verb::Reject | Verb::Restore => {}
                }
                state = after;
                prop_assert!(published <= submitted, "{written} was published and {submitted} reviewed");
                prop_assert_eq!(state == State::Published, published == written && published > 0);
                prop_assert!(state != State::Review || submitted == written);
            }
            let ways_out = allowed(state).len();
            prop_assert!(ways_out > 0, "{:?} is a dead end", state);
        }
    }
}
