//! Removing a comment's text for good, from the comment and from the event that told it. That it was there stays.

use super::{Comment, model::missing, store};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Reason, Refusal, Result},
    events::{self, EventType},
    ids::Id,
    tickets::{self, Act, Change, Target, Ticket, write_with},
};

#[derive(Clone, Debug)]
pub struct Redact {
    pub ticket: Id,
    pub comment: Id,
    /// Why; stays in the house.
    pub why: String,
}

/// The rule.
fn decide(ctx: &Ctx, ticket: Ticket, comment: &Comment, redact: &Redact) -> Result<Change> {
    if let Some(time) = comment.redact_time {
        let text = format!("the comment was redacted at {time}");
        return Err(Refusal::new(Reason::CommentRedacted, text).with("redact_time", time).into());
    }
    Ok(Change::of(ticket).step(ctx, EventType::TicketCommentRedacted, |_, event| {
        event.note.clone_from(&redact.why);
        event.details.insert("comment".into(), comment.id.to_string().into());
        event.details.insert("visibility".into(), comment.visibility.name().into());
    }))
}

impl Act for Redact {
    type Extra = ();

    async fn act(&self, tx: &mut Tx, ctx: &Ctx, _: &Configuration, ticket: Ticket) -> Result<(Change, ())> {
        let found = store::find_in(tx, self.ticket, self.comment).await?;
        let comment = found.ok_or_else(|| missing(&ctx.tenant, self.ticket, self.comment))?;
        let change = decide(ctx, ticket, &comment, self)?;
        store::redact(tx, &comment, ctx.now).await?;
        events::redact_note_in(tx, self.ticket, comment.version).await?;
        tickets::index_in(tx, &[self.ticket]).await?;
        Ok((change, ()))
    }
}

/// The comment without its text, and whether an earlier call did the work.
pub async fn redact(app: &App, ctx: &Ctx, redact: &Redact) -> Result<(Comment, bool)> {
    let done = write_with(app, ctx, &Target::of(redact.ticket), redact).await?;
    let comment =
        store::find(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, redact.ticket, redact.comment)
            .await?;
    let comment = comment.ok_or_else(|| missing(&ctx.tenant, redact.ticket, redact.comment))?;
    Ok((comment, done.replayed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        comments::Visibility,
        ctx::{ActorKind, Role},
        tickets::{State, fixture},
    };

    #[test]
    fn a_comment_is_redacted_once_and_the_event_says_no_word_of_it() {
        let ctx = fixture::ctx(Role::Manager);
        let ticket = fixture::ticket(State::Closed);
        let comment = Comment {
            tenant_id: ctx.tenant.clone(),
            ticket_id: ticket.id,
            version: 1,
            id: fixture::id(9),
            visibility: Visibility::Public,
            text: "my password is 1234".to_owned(),
            author_kind: ActorKind::Customer,
            author_id: "peter".to_owned(),
            automatic: false,
            create_time: ctx.now,
            redact_time: None,
        };
        let redact = Redact { ticket: ticket.id, comment: comment.id, why: "a password".to_owned() };
        let change = decide(&ctx, ticket.clone(), &comment, &redact).expect("redacted");
        assert_eq!(change.events[0].note, "a password");
        assert!(!format!("{change:?}").contains("1234"));
        let again = Comment { redact_time: Some(ctx.now), ..comment };
        let refused = decide(&ctx, ticket, &again, &redact).expect_err("once");
        assert_eq!(refused.reason(), Reason::CommentRedacted);
    }
}
