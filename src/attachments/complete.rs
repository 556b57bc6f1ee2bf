//! Putting a file on its ticket, once its bytes are in their place: as many as were announced, with the digest that was
//! announced where the store knows it.

use serde::{Deserialize, Serialize};

use super::{
    Attachment, State,
    model::{expired, missing, off},
    objects::Seen,
    read, store,
};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Error, Reason, Refusal, Result},
    events::EventType,
    ids::Id,
    tickets::{Act, Change, Done, Target, Ticket, Verb, advance, write_with},
};

#[derive(Clone, Copy, Debug)]
pub struct Complete {
    pub ticket: Id,
    pub id: Id,
    /// The version that the caller saw; `None`: whatever it is now.
    pub version: Option<i64>,
}

/// The rule. `seen` is what lies where the bytes belong.
fn decide(
    ctx: &Ctx,
    ticket: Ticket,
    attachment: &Attachment,
    seen: Option<&Seen>,
) -> Result<(Attachment, Change)> {
    attachment.require_state(State::Pending, Reason::AttachmentNotPending)?;
    if ctx.now >= attachment.expire_time {
        return Err(expired().into());
    }
    let Some(seen) = seen else {
        let text = "the attachment's bytes are not in their place; put them there first";
        return Err(Refusal::new(Reason::AttachmentNotUploaded, text).into());
    };
    if seen.byte_count != attachment.byte_count {
        let text =
            format!("{} bytes were announced and {} are there", attachment.byte_count, seen.byte_count);
        let refusal = Refusal::new(Reason::AttachmentSizeMismatch, text);
        return Err(refusal.with("expected", attachment.byte_count).with("found", seen.byte_count).into());
    }
    if seen.sha256.as_ref().is_some_and(|found| *found != attachment.sha256) {
        let text = "the bytes that are there have another SHA-256 than was announced";
        return Err(Refusal::new(Reason::AttachmentChecksumMismatch, text).into());
    }
    advance(ticket.state, Verb::Attach)?;
    let change = Change::of(ticket).step(ctx, EventType::TicketAttachmentAdded, |_, event| {
        event.details.insert("attachment".into(), attachment.id.to_string().into());
        event.details.insert("visibility".into(), attachment.visibility.name().into());
    });
    let there = Attachment {
        state: State::Available,
        version: attachment.version + 1,
        complete_time: Some(ctx.now),
        ..attachment.clone()
    };
    Ok((there, change))
}

struct Found<'a> {
    complete: &'a Complete,
    seen: Option<Seen>,
}

/// Of a file the receipt holds its id alone, since deletion does not reach there.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    id: Id,
    #[serde(skip)]
    attachment: Option<Attachment>,
}

impl Act for Found<'_> {
    type Extra = Kept;

    async fn act(&self, tx: &mut Tx, ctx: &Ctx, _: &Configuration, ticket: Ticket) -> Result<(Change, Kept)> {
        let Complete { ticket: of, id, version } = *self.complete;
        let found = store::lock(tx, of, id).await?.ok_or_else(|| missing(&ctx.tenant, of, id))?;
        found.require(version)?;
        let (attachment, change) = decide(ctx, ticket, &found, self.seen.as_ref())?;
        store::put(tx, &attachment).await?;
        Ok((change, Kept { id, attachment: Some(attachment) }))
    }
}

/// The file, and what became of the ticket.
pub async fn complete(app: &App, ctx: &Ctx, complete: &Complete) -> Result<(Attachment, Done<Kept>)> {
    let known = read::get(app, ctx, complete.ticket, complete.id).await?;
    let objects = app.objects.as_ref().ok_or_else(off)?;
    // Nobody waits for the store with the ticket's lock in hand; what lies there is what was announced or is not.
    let seen = match known.state {
        State::Pending => objects.look(&known).await.map_err(unreachable)?,
        State::Available | State::Deleted => None,
    };
    let mut done = write_with(app, ctx, &Target::of(complete.ticket), &Found { complete, seen }).await?;
    let attachment = match done.extra.attachment.take() {
        Some(attachment) => attachment,
        None => read::get(app, ctx, complete.ticket, done.extra.id).await?,
    };
    Ok((attachment, done))
}

fn unreachable(fault: String) -> Error {
    tracing::warn!(fault, "the store of the attachments does not answer");
    Error::Unavailable {
        reason: Reason::ObjectStoreDown,
        text: "the store of the attachments cannot be reached; retry",
        retry_after: std::time::Duration::from_secs(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        comments::Visibility,
        ctx::{ActorKind, Role},
        tickets::fixture,
    };

    fn announced() -> Attachment {
        let ctx = fixture::ctx(Role::Agent);
        Attachment {
            tenant_id: ctx.tenant.clone(),
            ticket_id: fixture::id(1),
            id: fixture::id(9),
            version: 1,
            state: State::Pending,
            visibility: Visibility::Internal,
            file_name: "geheim.txt".to_owned(),
            media_type: "text/plain".to_owned(),
            byte_count: 5,
            sha256: vec![7; 32],
            comment_id: None,
            author_kind: ActorKind::Agent,
            author_id: "anna".to_owned(),
            create_time: ctx.now,
            expire_time: ctx.now.after(std::time::Duration::from_hours(1)),
            complete_time: None,
            delete_time: None,
        }
    }

    fn reason(attachment: &Attachment, seen: Option<&Seen>) -> Reason {
        let ctx = fixture::ctx(Role::Agent);
        let ticket = fixture::ticket(crate::tickets::State::Open);
        decide(&ctx, ticket, attachment, seen).expect_err("a refusal").reason()
    }

    #[test]
    fn what_is_there_is_what_was_announced_or_it_is_refused() {
        let seen = |byte_count, sha256| Some(Seen { byte_count, sha256 });
        for (seen, expected) in [
            (None, Reason::AttachmentNotUploaded),
            (seen(4, None), Reason::AttachmentSizeMismatch),
            (seen(6, Some(vec![7; 32])), Reason::AttachmentSizeMismatch),
            (seen(5, Some(vec![8; 32])), Reason::AttachmentChecksumMismatch),
        ] {
            assert_eq!(reason(&announced(), seen.as_ref()), expected, "{seen:?}");
        }
        let (ctx, ticket) = (fixture::ctx(Role::Agent), fixture::ticket(crate::tickets::State::Open));
        for seen in [seen(5, None), seen(5, Some(vec![7; 32]))] {
            let done = decide(&ctx, ticket.clone(), &announced(), seen.as_ref()).expect("there");
            assert_eq!((done.0.state, done.0.version), (State::Available, 2));
            assert_eq!(fixture::outcome(&Ok(done.1)), "ticket.attachment_added");
        }
    }

    #[test]
    fn it_is_completed_once_and_in_time() {
        let whole = Seen { byte_count: 5, sha256: None };
        for state in [State::Available, State::Deleted] {
            let done = Attachment { state, ..announced() };
            assert_eq!(reason(&done, Some(&whole)), Reason::AttachmentNotPending);
        }
        let late = Attachment { expire_time: fixture::ctx(Role::Agent).now, ..announced() };
        assert_eq!(reason(&late, Some(&whole)), Reason::AttachmentExpired);
    }

    #[test]
    fn event_and_receipt_do_not_tell_what_the_file_is_called() {
        let (ctx, ticket) = (fixture::ctx(Role::Agent), fixture::ticket(crate::tickets::State::Open));
        let seen = Seen { byte_count: 5, sha256: None };
        let (attachment, change) = decide(&ctx, ticket, &announced(), Some(&seen)).expect("there");
        assert_eq!(change.events[0].details["attachment"], attachment.id.to_string());
        let kept = serde_json::to_string(&Kept { id: attachment.id, attachment: Some(attachment) });
        let told = format!("{:?} {}", change.events, kept.expect("plain"));
        assert!(!told.contains("geheim"), "{told}");
    }
}
