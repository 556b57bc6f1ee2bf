//! Announcing a file. Nothing has happened to the ticket yet: that comes when the bytes are in their place. The row is there
//! before anybody can put them there, so no object is without one.

use super::{
    Attachment, State,
    model::{MAX_PER_TICKET, PENDING, expired, off},
    objects::{Objects, Upload},
    store,
};
use crate::{
    app::App,
    call::retrying,
    comments::{self, Comment, Visibility, speaks},
    configuration::Configuration,
    ctx::Ctx,
    error::{Reason, Refusal, Result, Violations},
    idempotency,
    ids::Id,
    tickets::{self, Ticket, Verb, advance},
};

/// What is to come; texts are within their limits.
#[derive(Clone, Debug)]
pub struct Draft {
    /// `None`: as the comment's, or internal. A customer's is public, whatever it says here.
    pub visibility: Option<Visibility>,
    pub file_name: String,
    pub media_type: String,
    pub byte_count: i64,
    pub sha256: Vec<u8>,
    pub comment: Option<Id>,
}

#[derive(Clone, Debug)]
pub struct Create {
    pub ticket: Id,
    pub draft: Draft,
}

/// What a ticket has, and what a file may be.
#[derive(Clone, Copy, Debug)]
struct Room {
    has: i64,
    max_bytes: i64,
}

/// The rule. `comment` is the one that the draft names, if the ticket has it.
fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: &Ticket,
    draft: &Draft,
    comment: Option<&Comment>,
    room: Room,
    id: Id,
) -> Result<Attachment> {
    advance(ticket.state, Verb::Attach)?;
    let customer = ctx.actor.is_customer();
    let comment = comment.filter(|comment| !customer || comment.visibility == Visibility::Public);
    let mut faults = Violations::default();
    if !(1..=room.max_bytes).contains(&draft.byte_count) {
        faults.add("attachment.byte_count", format!("must be 1 to {}", room.max_bytes));
    }
    if draft.comment.is_some() && comment.is_none() {
        faults.add("attachment.comment", "names no comment of this ticket");
    }
    let of_comment = comment.map(|comment| comment.visibility);
    let visibility = if customer {
        Visibility::Public
    } else {
        draft.visibility.or(of_comment).unwrap_or(Visibility::Internal)
    };
    if of_comment.is_some_and(|of_comment| of_comment != visibility) {
        faults.add("attachment.visibility", "must be the comment's");
    }
    faults.into_result()?;
    speaks(ctx, configuration, ticket, visibility)?;
    if room.has >= MAX_PER_TICKET {
        let text = format!("a ticket has at most {MAX_PER_TICKET} attachments");
        return Err(Refusal::new(Reason::AttachmentLimitReached, text).with("limit", MAX_PER_TICKET).into());
    }
    Ok(Attachment {
        tenant_id: ctx.tenant.clone(),
        ticket_id: ticket.id,
        id,
        version: 1,
        state: State::Pending,
        visibility,
        file_name: draft.file_name.clone(),
        media_type: draft.media_type.clone(),
        byte_count: draft.byte_count,
        sha256: draft.sha256.clone(),
        comment_id: draft.comment,
        author_kind: ctx.actor.kind,
        author_id: ctx.actor.id.clone(),
        create_time: ctx.now,
        expire_time: ctx.now.after(PENDING),
        complete_time: None,
        delete_time: None,
    })
}

/// What is announced, and where its bytes go.
#[derive(Clone, Debug)]
pub struct Announced {
    pub attachment: Attachment,
    /// `None`: they are there, or were.
    pub upload: Option<Upload>,
    pub replayed: bool,
}

pub async fn create(app: &App, ctx: &Ctx, create: &Create) -> Result<Announced> {
    // Who may not see the ticket learns nothing of what the server keeps.
    tickets::get(app, ctx, create.ticket).await?;
    let objects = app.objects.as_ref().ok_or_else(off)?;
    let (attachment, replayed) = retrying(|| attempt(app, ctx, create, objects)).await?;
    let upload = match attachment.state {
        State::Pending if ctx.now >= attachment.expire_time => return Err(expired().into()),
        State::Pending => Some(objects.upload(&app.sealer, &attachment, ctx.now)?),
        State::Available | State::Deleted => None,
    };
    Ok(Announced { attachment, upload, replayed })
}

async fn attempt(app: &App, ctx: &Ctx, create: &Create, objects: &Objects) -> Result<(Attachment, bool)> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let ticket = tickets::lock_in(&mut tx, ctx, create.ticket).await?;
    if let Some(id) = idempotency::recall::<Id>(&mut tx, ctx).await? {
        let found = store::find(&mut tx, &ctx.tenant, ticket.id, id).await?;
        return Ok((found.ok_or_else(expired)?, true));
    }
    let comment = match create.draft.comment {
        Some(id) => comments::find_in(&mut tx, ticket.id, id).await?,
        None => None,
    };
    let room = Room { has: store::count(&mut tx, ticket.id).await?, max_bytes: objects.max_bytes };
    let attachment =
        decide(ctx, &configuration, &ticket, &create.draft, comment.as_ref(), room, app.ids.next())?;
    store::insert(&mut tx, &attachment).await?;
    idempotency::keep(&mut tx, ctx, &attachment.id).await?;
    tx.commit().await?;
    Ok((attachment, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::{ActorKind, Role},
        error::Error,
        tickets::fixture,
    };

    const ROOM: Room = Room { has: 0, max_bytes: 1000 };

    fn draft() -> Draft {
        Draft {
            visibility: None,
            file_name: "Fehler.png".to_owned(),
            media_type: "image/png".to_owned(),
            byte_count: 1000,
            sha256: vec![7; 32],
            comment: None,
        }
    }

    fn comment(visibility: Visibility) -> Comment {
        Comment {
            tenant_id: fixture::ctx(Role::Agent).tenant,
            ticket_id: fixture::id(1),
            version: 2,
            id: fixture::id(8),
            visibility,
            text: "siehe Bild".to_owned(),
            author_kind: ActorKind::Agent,
            author_id: "anna".to_owned(),
            automatic: false,
            create_time: fixture::start(),
            redact_time: None,
        }
    }

    fn decided(
        role: Role,
        ticket: &Ticket,
        draft: &Draft,
        of: Option<&Comment>,
        room: Room,
    ) -> Result<Attachment> {
        let id = fixture::id(9);
        decide(&fixture::ctx(role), fixture::configuration(), ticket, draft, of, room, id)
    }

    #[test]
    fn a_file_is_seen_as_the_comment_is_that_it_belongs_to() {
        let (public, internal) = (Visibility::Public, Visibility::Internal);
        let ticket = fixture::ticket(tickets::State::Open);
        let seen = |role, asked, of: Option<Visibility>| {
            let draft = Draft { visibility: asked, comment: of.map(|_| fixture::id(8)), ..draft() };
            let done = decided(role, &ticket, &draft, of.map(comment).as_ref(), ROOM);
            done.map(|it| it.visibility).map_err(|error| error.to_string())
        };
        assert_eq!(seen(Role::Agent, None, None), Ok(internal));
        assert_eq!(seen(Role::Agent, Some(public), None), Ok(public));
        assert_eq!(seen(Role::Agent, None, Some(public)), Ok(public));
        assert_eq!(seen(Role::Agent, None, Some(internal)), Ok(internal));
        let other = Err("attachment.visibility: must be the comment's".to_owned());
        assert_eq!(seen(Role::Agent, Some(public), Some(internal)), other);
        assert_eq!(seen(Role::Agent, Some(internal), Some(public)), other);
        assert_eq!(seen(Role::Customer, Some(internal), None), Ok(public));
        assert_eq!(seen(Role::Customer, None, Some(public)), Ok(public));
        let none = Err("attachment.comment: names no comment of this ticket".to_owned());
        assert_eq!(seen(Role::Customer, None, Some(internal)), none);
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let ticket = fixture::ticket(tickets::State::Open);
        for byte_count in [-1, 0, 1001] {
            let draft = Draft { byte_count, comment: Some(fixture::id(8)), ..draft() };
            let Err(Error::Invalid(_, faults)) = decided(Role::Agent, &ticket, &draft, None, ROOM) else {
                panic!("{byte_count} bytes are taken");
            };
            let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
            assert_eq!(fields, ["attachment.byte_count", "attachment.comment"]);
        }
    }

    #[test]
    fn a_ticket_takes_so_many_and_only_what_its_level_may_say() {
        let ticket = fixture::ticket(tickets::State::Closed);
        let full = |has| decided(Role::Agent, &ticket, &draft(), None, Room { has, ..ROOM });
        assert!(full(MAX_PER_TICKET - 1).is_ok(), "a closed ticket takes files, as it takes comments");
        assert_eq!(full(MAX_PER_TICKET).expect_err("full").reason(), Reason::AttachmentLimitReached);
        let third = Ticket { level: "L3".to_owned(), ..ticket.clone() };
        let public = Draft { visibility: Some(Visibility::Public), ..draft() };
        let refused = decided(Role::Agent, &third, &public, None, ROOM).expect_err("no contact");
        assert_eq!(refused.reason(), Reason::LevelWithoutCustomerContact);
        let merged = Ticket { state: tickets::State::Merged, ..ticket };
        let refused = decided(Role::Agent, &merged, &draft(), None, ROOM).expect_err("merged");
        assert_eq!(refused.reason(), Reason::TicketStateConflict);
    }
}
