//! Answering, once, by whoever has the token.

use serde::{Deserialize, Serialize};

use super::{Feedback, State, store, token::Token};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::{Actor, ActorKind, Ctx},
    db::Tx,
    error::{Error, Reason, Refusal, Result},
    events::EventType,
    tickets::{Act, Change, State as Of, Target, Ticket, write_with},
    time::Time,
};

/// What the customer says.
#[derive(Clone, Debug)]
pub struct Answer {
    pub score: i32,
    pub comment: String,
}

pub fn given() -> Refusal {
    Refusal::new(Reason::FeedbackGiven, "the question was answered already, and is answered once")
}

pub fn expired() -> Refusal {
    Refusal::new(Reason::FeedbackExpired, "the time to answer is over, or nobody is asked any more")
}

/// Whatever is no token looks like any other.
pub fn no_token() -> Error {
    Error::not_found("feedback", "by this token")
}

/// The rule, for a token that is the question's.
fn decide(now: Time, ticket: &Ticket, feedback: Feedback, answer: &Answer) -> Result<Feedback> {
    if feedback.state == State::Given {
        return Err(given().into());
    }
    if ticket.state == Of::Merged || feedback.token_expire_time.is_none_or(|time| time <= now) {
        return Err(expired().into());
    }
    let scores = feedback.scale.scores();
    if !scores.contains(&answer.score) {
        let text = format!("must be {} to {}", scores.start(), scores.end());
        return Err(Error::field("score", &text));
    }
    Ok(Feedback {
        state: State::Given,
        score: Some(answer.score),
        comment: answer.comment.clone(),
        give_time: Some(now),
        ..feedback
    })
}

struct Giving<'a> {
    token: &'a Token,
    answer: &'a Answer,
}

/// Nothing but that it was done.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Given {}

impl Act for Giving<'_> {
    type Extra = Given;

    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        _: &Configuration,
        ticket: Ticket,
    ) -> Result<(Change, Given)> {
        // Since it was looked up, another one may have been made.
        let found = store::find(tx, &ctx.tenant, self.token.id).await?;
        let feedback = found.filter(|it| it.is_answered_by(self.token)).ok_or_else(no_token)?;
        let feedback = decide(ctx.now, &ticket, feedback, self.answer)?;
        if !store::keep_answer(tx, &feedback).await? {
            return Err(no_token());
        }
        Ok((feedback.tell(ctx, ticket, EventType::FeedbackGiven), Given {}))
    }
}

/// Says whether an earlier call with the same request_id did it. `ctx` is of nobody; who is asked answers.
pub async fn submit(app: &App, ctx: &Ctx, token: &Token, answer: &Answer) -> Result<bool> {
    let found = store::find(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, token.id).await?;
    let feedback = found.filter(|it| it.is_answered_by(token)).ok_or_else(no_token)?;
    let customer = Actor {
        kind: ActorKind::Customer,
        id: feedback.contact.clone(),
        roles: Vec::new(),
        tenants: Some(vec![ctx.tenant.clone()]),
    };
    let ctx = Ctx { actor: customer, ..ctx.clone() };
    match write_with(app, &ctx, &Target::of(feedback.ticket_id), &Giving { token, answer }).await {
        // The ticket is asked in somebody else's name by now.
        Err(Error::NotFound { kind: "ticket", .. }) => Err(expired().into()),
        done => done.map(|done| done.replayed),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        configuration::FeedbackScale, ctx::Role, feedback::model::fixture::feedback, tickets::fixture,
    };

    #[test]
    fn it_is_answered_once_in_time_and_by_its_scale() {
        let now = fixture::ctx(Role::Customer).now;
        let asked = Feedback { token_expire_time: Some(now.after(Duration::from_micros(1))), ..feedback() };
        let by = |state, feedback: Feedback, score| {
            let answer = Answer { score, comment: "thank you".into() };
            let decided = decide(now, &fixture::ticket(state), feedback, &answer);
            decided.map_err(|error| error.reason().as_str_name().trim_start_matches("ERROR_REASON_"))
        };
        for state in [Of::Resolved, Of::Closed, Of::Open] {
            let given = by(state, asked.clone(), 4).expect("answered");
            assert_eq!((given.state, given.score, given.give_time), (State::Given, Some(4), Some(now)));
            assert_eq!(by(state, given, 5), Err("FEEDBACK_GIVEN"));
        }
        assert_eq!(by(Of::Merged, asked.clone(), 4), Err("FEEDBACK_EXPIRED"));
        let late = Feedback { token_expire_time: Some(now), ..feedback() };
        assert_eq!(by(Of::Closed, late, 4), Err("FEEDBACK_EXPIRED"));
        for (scale, good, bad) in [
            (FeedbackScale::Csat, [1, 5], [0, 6]),
            (FeedbackScale::Nps, [0, 10], [-1, 11]),
            (FeedbackScale::Ces, [1, 7], [0, 8]),
        ] {
            let asked = Feedback { scale, ..asked.clone() };
            for score in good {
                assert!(by(Of::Closed, asked.clone(), score).is_ok(), "{scale:?} {score}");
            }
            for score in bad {
                assert_eq!(by(Of::Closed, asked.clone(), score), Err("FIELD_INVALID"), "{scale:?} {score}");
            }
        }
    }
}
