//! Making the token by which a customer answers.

use super::{
    Feedback, State,
    model::missing,
    store,
    submit::{expired, given},
    token::Token,
};
use crate::{
    app::App,
    audit,
    configuration::Configuration,
    ctx::Ctx,
    error::{Error, Result},
    ids::Id,
    tickets::{self, State as Of, Ticket},
};

/// The rule. The last token holds, for the time that its survey gives, or gave last.
fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: &Ticket,
    feedback: Feedback,
    token: &Token,
) -> Result<Feedback> {
    if feedback.state == State::Given {
        return Err(given().into());
    }
    if ticket.state == Of::Merged || feedback.contact.is_empty() || feedback.contact != ticket.requester {
        return Err(expired().into());
    }
    let survey = configuration.survey(&feedback.survey).cloned().unwrap_or_default();
    Ok(Feedback {
        token_hash: Some(token.hash().to_vec()),
        token_expire_time: Some(ctx.now.after(survey.token_lifetime())),
        token_issuer_kind: Some(ctx.actor.kind),
        token_issuer_id: Some(ctx.actor.id.clone()),
        ..feedback
    })
}

/// The token, which is nowhere else, and the question that it answers.
pub async fn issue(app: &App, ctx: &Ctx, ticket: Id, id: Id) -> Result<(Token, Feedback)> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let token = Token::generate(ctx.tenant.clone(), id)?;
    let missing = || missing(&ctx.tenant, ticket, id);
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let of = match tickets::lock_in(&mut tx, ctx, ticket).await {
        Err(Error::NotFound { .. }) => return Err(missing()),
        of => of?,
    };
    let feedback = store::find(&mut tx, &ctx.tenant, id).await?;
    let feedback = feedback.filter(|it| it.ticket_id == ticket).ok_or_else(missing)?;
    let feedback = decide(ctx, &configuration, &of, feedback, &token)?;
    store::keep_token(&mut tx, &feedback).await?;
    audit::act_in(app, &mut tx, ctx, audit::Target::Named(feedback.name()), audit::UNSEEN).await?;
    tx.commit().await?;
    Ok((token, feedback))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        configuration::{Document, Survey},
        ctx::Role,
        feedback::model::fixture::{feedback, survey},
        tickets::fixture,
    };

    #[test]
    fn a_token_is_made_while_there_is_something_to_answer() {
        let ctx = fixture::ctx(Role::Service);
        let token = Token::generate(ctx.tenant.clone(), feedback().id).expect("randomness");
        let surveys = vec![Survey { token_lifetime_duration: Some(Duration::from_hours(2)), ..survey() }];
        let configuration = Configuration::new(1, Document { surveys, ..fixture::document() });
        let of = |state| Ticket { requester: "carla".into(), ..fixture::ticket(state) };
        let made = |ticket: &Ticket, it: Feedback| decide(&ctx, &configuration, ticket, it, &token);
        let refused = |ticket: &Ticket, it| made(ticket, it).map_err(|error| error.reason().as_str_name());
        for state in [Of::Resolved, Of::Closed, Of::Open] {
            let kept = made(&of(state), feedback()).expect("a token");
            assert!(kept.is_answered_by(&token));
            assert_eq!(kept.token_expire_time, Some(ctx.now.after(Duration::from_hours(2))));
        }
        let given = Feedback { state: State::Given, ..feedback() };
        let erased = Feedback { contact: String::new(), ..feedback() };
        let another = Ticket { requester: "dora".into(), ..of(Of::Closed) };
        assert_eq!(refused(&of(Of::Closed), given), Err("ERROR_REASON_FEEDBACK_GIVEN"));
        assert_eq!(refused(&of(Of::Merged), feedback()), Err("ERROR_REASON_FEEDBACK_EXPIRED"));
        assert_eq!(refused(&of(Of::Closed), erased), Err("ERROR_REASON_FEEDBACK_EXPIRED"));
        assert_eq!(refused(&another, feedback()), Err("ERROR_REASON_FEEDBACK_EXPIRED"));
        let gone = Feedback { survey: "gone".into(), ..feedback() };
        let kept = made(&of(Of::Closed), gone).expect("asked is asked");
        assert_eq!(kept.token_expire_time, Some(ctx.now.after(Duration::from_hours(14 * 24))));
    }
}
