//! Deleting a file for good: what it is called and its digest at once, its bytes by the job that removes objects. That it was
//! there stays.

use super::{Attachment, State, model::missing, store};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Reason, Result},
    events::EventType,
    ids::Id,
    tickets::{Act, Change, Target, Ticket, write_with},
};

#[derive(Clone, Debug)]
pub struct Delete {
    pub ticket: Id,
    pub id: Id,
    /// The version that the caller saw; `None`: whatever it is now.
    pub version: Option<i64>,
    /// Why; stays in the house.
    pub why: String,
}

/// The rule. One that is announced goes by itself.
fn decide(ctx: &Ctx, ticket: Ticket, attachment: &Attachment, why: &str) -> Result<(Attachment, Change)> {
    attachment.require_state(State::Available, Reason::AttachmentNotAvailable)?;
    let change = Change::of(ticket).step(ctx, EventType::TicketAttachmentDeleted, |_, event| {
        why.clone_into(&mut event.note);
        event.details.insert("attachment".into(), attachment.id.to_string().into());
        event.details.insert("visibility".into(), attachment.visibility.name().into());
    });
    let gone = Attachment {
        state: State::Deleted,
        version: attachment.version + 1,
        file_name: String::new(),
        media_type: String::new(),
        sha256: Vec::new(),
        delete_time: Some(ctx.now),
        ..attachment.clone()
    };
    Ok((gone, change))
}

impl Act for Delete {
    type Extra = ();

    async fn act(&self, tx: &mut Tx, ctx: &Ctx, _: &Configuration, ticket: Ticket) -> Result<(Change, ())> {
        let found = store::lock(tx, self.ticket, self.id).await?;
        let found = found.ok_or_else(|| missing(&ctx.tenant, self.ticket, self.id))?;
        found.require(self.version)?;
        let (gone, change) = decide(ctx, ticket, &found, &self.why)?;
        store::put(tx, &gone).await?;
        store::remove(tx, &[gone.id], ctx.now, gone.last_upload()).await?;
        Ok((change, ()))
    }
}

/// What is left of the file, and whether an earlier call did the work.
pub async fn delete(app: &App, ctx: &Ctx, delete: &Delete) -> Result<(Attachment, bool)> {
    let done = write_with(app, ctx, &Target::of(delete.ticket), delete).await?;
    let mut tx = app.db.read(&ctx.tenant).await?;
    let left = store::find(&mut tx, &ctx.tenant, delete.ticket, delete.id).await?;
    Ok((left.ok_or_else(|| missing(&ctx.tenant, delete.ticket, delete.id))?, done.replayed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        comments::Visibility,
        ctx::{ActorKind, Role},
        tickets::fixture,
    };

    #[test]
    fn a_file_is_deleted_once_and_nothing_says_what_it_was_called() {
        let ctx = fixture::ctx(Role::Manager);
        let ticket = fixture::ticket(crate::tickets::State::Closed);
        let there = Attachment {
            tenant_id: ctx.tenant.clone(),
            ticket_id: ticket.id,
            id: fixture::id(9),
            version: 2,
            state: State::Available,
            visibility: Visibility::Public,
            file_name: "geheim.txt".to_owned(),
            media_type: "geheim/plain".to_owned(),
            byte_count: 5,
            sha256: vec![7; 32],
            comment_id: None,
            author_kind: ActorKind::Customer,
            author_id: "peter".to_owned(),
            create_time: ctx.now,
            expire_time: ctx.now,
            complete_time: Some(ctx.now),
            delete_time: None,
        };
        let (gone, change) = decide(&ctx, ticket.clone(), &there, "a password").expect("deleted");
        assert!(!format!("{gone:?} {change:?}").contains("geheim"));
        assert_eq!((gone.state, gone.version, gone.sha256.len()), (State::Deleted, 3, 0));
        assert_eq!(change.events[0].note, "a password");
        for left in [gone, Attachment { state: State::Pending, ..there }] {
            let refused = decide(&ctx, ticket.clone(), &left, "").expect_err("not there");
            assert_eq!(refused.reason(), Reason::AttachmentNotAvailable);
        }
    }
}
