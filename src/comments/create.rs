//! Saying something on a ticket and, if asked, moving it in the same breath. What a customer says moves it by itself:
//! takes it up again, reopens it, or continues it in a follow-up.

use serde::{Deserialize, Serialize};

use super::{
    Comment, Visibility,
    follow_up::{self, Opening},
    model::missing,
    store,
};
use crate::{
    access::Permission,
    app::App,
    call::retrying,
    configuration::Configuration,
    ctx::Ctx,
    customers,
    db::Tx,
    error::{Error, Reason, Refusal, Result},
    events::EventType,
    ids::Id,
    knowledge::{self, Cited},
    tickets::{
        self, Act, Change, HoldKind, Resolution, State, Target, Ticket, Verb, advance,
        hold::{self, Hold},
        reopen,
        resolve::{self, Resolve},
        resume, write_with,
    },
    time::Time,
};

/// What to say; the text is within its limits.
#[derive(Clone, Debug)]
pub struct Draft {
    /// `None`: internal. A customer's is public, whatever it says here.
    pub visibility: Option<Visibility>,
    pub text: String,
    /// Written by a program without a person behind it.
    pub automatic: bool,
}

/// What to do with the ticket in the same transaction.
#[derive(Clone, Debug)]
pub enum Then {
    Hold(HoldKind, Option<Time>),
    Resume,
    /// And whether to draft an article from the ticket.
    Resolve(Resolution, bool),
    Reopen,
}

#[derive(Clone, Debug)]
pub struct Create {
    pub target: Target,
    pub draft: Draft,
    pub then: Option<Then>,
}

/// The rule. Without an opening at hand, a follow-up is a conflict: the ticket ended in between.
fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    create: &Create,
    id: Id,
    opening: Option<&Opening>,
    cited: Option<&Cited>,
) -> Result<(Comment, Change)> {
    if create.then.is_some() {
        ctx.actor.require(Permission::TicketsWork)?;
    }
    // What a program says answers nobody.
    let moves = ctx.actor.is_customer() && !create.draft.automatic;
    if ticket.state == State::Merged && (!moves || opening.is_none()) {
        return Err(tickets::went_on(&ticket).into());
    }
    if moves && is_over(ctx, configuration, &ticket) {
        let opened = follow_up::decide(ctx, configuration, &ticket, opening.ok_or(Error::Conflict)?)?;
        return say(ctx, configuration, opened, &create.draft, id);
    }
    let (comment, said) = say(ctx, configuration, Change::of(ticket), &create.draft, id)?;
    let then = match (&create.then, said.next.state) {
        (None, State::WaitingOnCustomer) if moves => Some(&Then::Resume),
        (None, State::Resolved) if moves => Some(&Then::Reopen),
        (then, _) => then.as_ref(),
    };
    let change = match then {
        Some(then) => said.then(|ticket| follow(ctx, configuration, ticket, then, cited))?,
        None => said,
    };
    Ok((comment, change))
}

/// Whether the ticket can no longer be taken up: it has ended, or was resolved too long ago.
fn is_over(ctx: &Ctx, configuration: &Configuration, ticket: &Ticket) -> bool {
    match ticket.state {
        // What was merged goes on elsewhere, and is over for whom that is not shown.
        State::Closed | State::Cancelled | State::Merged => true,
        State::Resolved => {
            let reopened = reopen::decide(ctx, configuration, ticket.clone(), &Target::of(ticket.id));
            reopened.is_err_and(|error| error.reason() == Reason::ReopenWindowOver)
        }
        _ => false,
    }
}

/// One more comment on the ticket.
fn say(
    ctx: &Ctx,
    configuration: &Configuration,
    change: Change,
    draft: &Draft,
    id: Id,
) -> Result<(Comment, Change)> {
    let visibility = if ctx.actor.is_customer() {
        Visibility::Public
    } else {
        draft.visibility.unwrap_or(Visibility::Internal)
    };
    speaks(ctx, configuration, &change.next, visibility)?;
    advance(change.next.state, Verb::Comment)?;
    let change = change.step(ctx, EventType::TicketCommented, |_, event| {
        event.note.clone_from(&draft.text);
        event.details.insert("comment".into(), id.to_string().into());
        event.details.insert("visibility".into(), visibility.name().into());
        event.details.insert("automatic".into(), draft.automatic.into());
    });
    let comment = Comment {
        tenant_id: ctx.tenant.clone(),
        ticket_id: change.next.id,
        version: change.next.version,
        id,
        visibility,
        text: draft.text.clone(),
        author_kind: ctx.actor.kind,
        author_id: ctx.actor.id.clone(),
        automatic: draft.automatic,
        create_time: ctx.now,
        redact_time: None,
    };
    Ok((comment, change))
}

/// Refuses what the customer would see of a level that does not talk to the customer.
pub fn speaks(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: &Ticket,
    visibility: Visibility,
) -> Result<(), Refusal> {
    let level = &ticket.level;
    let in_contact = configuration.level(level).is_some_and(|level| level.customer_contact);
    if visibility == Visibility::Internal || ctx.actor.is_customer() || in_contact {
        return Ok(());
    }
    let text = format!("level {level} does not talk to the customer; let it be internal");
    Err(Refusal::new(Reason::LevelWithoutCustomerContact, text).with("level", level))
}

/// The transition, by its own rule; faults are told by their place in this request.
fn follow(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    then: &Then,
    cited: Option<&Cited>,
) -> Result<Change> {
    let target = Target::of(ticket.id);
    let (part, change) = match then {
        Then::Hold(kind, until_time) => {
            let hold = Hold { target, kind: *kind, until_time: *until_time, vendor_reference: String::new() };
            ("hold", hold::decide(ctx, ticket, &hold))
        }
        Then::Resume => ("resume", resume::decide(ctx, ticket, &target)),
        Then::Resolve(resolution, draft_article) => {
            let (resolution, draft_article) = (resolution.clone(), *draft_article);
            let resolve = Resolve { target, resolution, draft_article };
            ("resolve", resolve::decide(ctx, configuration, ticket, &resolve, cited))
        }
        Then::Reopen => ("reopen", reopen::decide(ctx, configuration, ticket, &target)),
    };
    change.map_err(|error| error.at(part))
}

/// What was said, and the ticket that bears it.
#[derive(Clone, Debug)]
pub struct Said {
    pub comment: Comment,
    pub ticket: Ticket,
    pub replayed: bool,
}

struct Say<'a> {
    create: &'a Create,
    /// What was named, if the comment goes to the ticket in which that goes on.
    via: Option<Id>,
    comment: Id,
    /// The id and the number of a follow-up, should there be one.
    identity: Option<(Id, i64)>,
    /// Those of an article, should one be drafted.
    article: Option<(Id, i64)>,
}

impl Say<'_> {
    /// The article that the resolution names, if the ticket is resolved with it.
    async fn cite(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        ticket: &Ticket,
    ) -> Result<Option<Cited>> {
        let Some(Then::Resolve(resolution, _)) = &self.create.then else { return Ok(None) };
        ctx.actor.require(Permission::TicketsWork)?;
        let cited = knowledge::cite_in(tx, ctx, configuration, ticket, resolution, self.article).await;
        cited.map_err(|error| error.at("resolve"))
    }
}

/// The comment's id goes into the receipt; its text does not, since redaction does not reach there.
#[derive(Serialize, Deserialize)]
struct Kept {
    id: Id,
    #[serde(skip)]
    comment: Option<Comment>,
}

impl Act for Say<'_> {
    type Extra = Kept;

    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        ticket: Ticket,
    ) -> Result<(Change, Kept)> {
        if let Some(named) = self.via
            && tickets::survivor_in(tx, named).await? != Some(ticket.id)
        {
            // The merge was taken back before the survivor was locked.
            return Err(Error::Conflict);
        }
        let opening = match self.identity {
            Some((id, number)) => {
                let plan = customers::plan_of(&mut **tx, &ctx.tenant, &ticket.organization).await?;
                Some(Opening { id, number, plan })
            }
            None => None,
        };
        let cited = self.cite(tx, ctx, configuration, &ticket).await?;
        let (create, id) = (self.create, self.comment);
        let (comment, change) =
            decide(ctx, configuration, ticket, create, id, opening.as_ref(), cited.as_ref())?;
        store::insert(tx, &comment).await?;
        if let Some(cited) = &cited {
            knowledge::tell_in(tx, ctx, &change, cited).await?;
        }
        Ok((change, Kept { id: comment.id, comment: Some(comment) }))
    }
}

/// Says it on the ticket; on a merged one, where that goes on, or, for a customer to whom that is not shown, on a follow-up.
pub async fn create(app: &App, ctx: &Ctx, create: &Create) -> Result<Said> {
    let mut place = Place::Named;
    for _ in 0..ROUNDS {
        let done = retrying(|| attempt(app, ctx, create, &place)).await;
        place = match done {
            Err(error) if error.reason() == Reason::TicketMerged => {
                match tickets::survivor(app, ctx, create.target.id).await? {
                    Some(survivor) => Place::Survivor(Target::of(survivor.id)),
                    None if ctx.actor.is_customer() => Place::FollowUp,
                    None => return Err(error),
                }
            }
            Err(error) if error.is_conflict() && matches!(place, Place::Survivor(_)) => Place::Named,
            settled => return settled,
        };
    }
    Err(Error::Conflict)
}

/// How often somebody may merge and unmerge tickets just when something is said there.
const ROUNDS: usize = 6;

/// Where to say it.
enum Place {
    Named,
    Survivor(Target),
    /// Even if the named one is merged.
    FollowUp,
}

async fn attempt(app: &App, ctx: &Ctx, create: &Create, place: &Place) -> Result<Said> {
    let (target, via) = match place {
        Place::Survivor(target) => (target, Some(create.target.id)),
        Place::Named | Place::FollowUp => (&create.target, None),
    };
    // A follow-up takes a number, which is no business of the transaction; so it is guessed who needs one.
    let mut identity = None;
    if ctx.actor.is_customer() {
        let seen = tickets::get(app, ctx, target.id).await?;
        let goes_on = seen.state == State::Merged && !matches!(place, Place::FollowUp);
        if !goes_on && is_over(ctx, &*app.configurations.get(&ctx.tenant).await?, &seen) {
            identity = Some((app.ids.next(), app.numbers.take(&ctx.tenant, 1).await?[0]));
        }
    }
    let drafts = matches!(create.then, Some(Then::Resolve(_, true)));
    let article = resolve::draft_identity(app, ctx, drafts).await?;
    let act = Say { create, via, comment: app.ids.next(), identity, article };
    let done = write_with(app, ctx, target, &act).await?;
    let Kept { id, comment } = done.extra;
    let comment = match comment {
        Some(comment) => comment,
        None => store::find(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, done.ticket.id, id)
            .await?
            .ok_or_else(|| missing(&ctx.tenant, done.ticket.id, id))?,
    };
    Ok(Said { comment, ticket: done.ticket, replayed: done.replayed })
}

/// Says something on a ticket that the transaction has locked, as part of what happens to it.
pub async fn create_in(
    tx: &mut Tx,
    ctx: &Ctx,
    configuration: &Configuration,
    change: Change,
    draft: &Draft,
    id: Id,
) -> Result<Change> {
    let (comment, change) = say(ctx, configuration, change, draft, id)?;
    store::insert(tx, &comment).await?;
    Ok(change)
}

#[cfg(test)]
mod tests;
