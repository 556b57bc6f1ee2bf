//! Taking work back, and putting it right: a reversal and, in the same transaction, a new entry. What was entered stays.

use super::{
    Worklog,
    create::{Kept, check_draft, log, own},
    model::{Draft, Shown, missing},
    read, store,
};
use crate::{
    app::App,
    billing::{self, Without},
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Reason, Refusal, Result},
    events::EventType,
    ids::Id,
    tickets::{Act, Change, Done, Target, Ticket, write_with},
};

#[derive(Clone, Debug)]
pub struct Reverse {
    pub target: Target,
    pub id: Id,
    /// Why; stays in the house.
    pub why: String,
    /// What it should have been; `None`: nothing.
    pub instead: Option<Draft>,
}

/// The rule. An entry is taken back once, also on a ticket that is over or counts to another.
fn decide(
    ctx: &Ctx,
    ticket: Ticket,
    (entry, reversed): (&Worklog, bool),
    reverse: &Reverse,
    [back, again]: [Id; 2],
) -> Result<(Vec<Worklog>, Change)> {
    own(ctx, &entry.agent)?;
    if reversed || entry.reverses.is_some() {
        let text = "the work was taken back already, or is itself a reversal";
        return Err(Refusal::new(Reason::WorklogReversed, text).into());
    }
    let undo = entry.reversal(ctx, back, &reverse.why);
    let (undo, change) = log(ctx, Change::of(ticket), undo, EventType::TicketWorkReversed);
    let Some(draft) = &reverse.instead else { return Ok((vec![undo], change)) };
    own(ctx, &draft.agent)?;
    check_draft(ctx.now, draft)?;
    // It counts as the entry counted: what is put right is the work, not the ticket.
    let right = Worklog {
        id: again,
        version: 0,
        agent: draft.agent.clone(),
        activity: draft.activity.clone(),
        start_time: draft.start_time,
        seconds: draft.seconds,
        billable: draft.billable,
        note: draft.note.clone(),
        author_kind: ctx.actor.kind,
        author_id: ctx.actor.id.clone(),
        create_time: ctx.now,
        ..entry.clone()
    };
    let (right, change) = log(ctx, change, right, EventType::TicketWorkLogged);
    Ok((vec![undo, right], change))
}

struct Reversing<'a> {
    app: &'a App,
    reverse: &'a Reverse,
    ids: [Id; 2],
}

impl Act for Reversing<'_> {
    type Extra = Kept;

    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        ticket: Ticket,
    ) -> Result<(Change, Kept)> {
        let found = store::find(tx, ticket.id, self.reverse.id).await?;
        let (entry, reversed) = found.ok_or_else(|| missing(&ctx.tenant, ticket.id, self.reverse.id))?;
        let (entries, change) = decide(ctx, ticket, (&entry, reversed), self.reverse, self.ids)?;
        store::insert(tx, &entries).await?;
        let root = entry.root_ticket_id;
        let own = root == change.next.id;
        let change = if own {
            // What is only taken back asks nobody, even where that moves what is free.
            let puts_right = self.reverse.instead.is_some();
            let without = if puts_right { Without::Policy } else { Without::Marked };
            billing::rerate_in(tx, self.app, ctx, change, without).await?
        } else {
            change
        };
        billing::spread_in(tx, ctx, configuration, &entries).await?;
        if !own {
            // The ticket to which it counts is not locked: the job rates that one.
            billing::mark_in(tx, &[root], ctx.now).await?;
        }
        let last = entries.last().map_or(entry.id, |it| it.id);
        Ok((change, Kept { id: last }))
    }
}

/// The reversal, or the entry that stands in place of the old one; and what became of the ticket.
pub async fn reverse(app: &App, ctx: &Ctx, reverse: &Reverse) -> Result<(Shown, Done<Kept>)> {
    let ids = [app.ids.next(), app.ids.next()];
    let reversing = Reversing { app, reverse, ids };
    // It rates two entries; on the heap the call stays a small future.
    let done = Box::pin(write_with(app, ctx, &reverse.target, &reversing)).await?;
    let shown = read::get(app, ctx, done.ticket.id, done.extra.id).await?;
    Ok((shown, done))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        tickets::{
            State,
            fixture::{self, faults, outcome},
        },
        worklogs::create::tests::draft,
    };

    fn decided(
        role: Role,
        entry: &Worklog,
        reversed: bool,
        instead: Option<Draft>,
    ) -> Result<(Vec<Worklog>, Change)> {
        let ticket = fixture::ticket(State::Merged);
        let reverse =
            Reverse { target: fixture::target(), id: entry.id, why: "mistyped".to_owned(), instead };
        let ids = [fixture::id(20), fixture::id(21)];
        decide(&fixture::ctx(role), ticket, (entry, reversed), &reverse, ids)
    }

    fn entry(agent: &str) -> Worklog {
        let ticket = fixture::ticket(State::Open);
        let ctx = fixture::ctx(Role::Manager);
        Worklog::new(&ctx, &ticket, &draft(agent, 600), fixture::id(9), ticket.id, 7)
    }

    #[test]
    fn a_correction_is_a_reversal_and_a_new_entry_that_counts_as_the_old_one_did() {
        let old = Worklog { level: "L2".into(), ..entry("anna") };
        let (entries, change) =
            decided(Role::Agent, &old, false, Some(draft("anna", 300))).expect("put right");
        assert_eq!(entries.iter().map(|it| it.seconds).collect::<Vec<_>>(), [-600, 300]);
        assert_eq!((entries[0].reverses, entries[1].reverses), (Some(old.id), None));
        assert_eq!(entries[1].level, "L2");
        assert_eq!(outcome(&Ok(change)), "ticket.work_reversed ticket.work_logged");
    }

    #[test]
    fn an_entry_is_taken_back_once_and_by_whom_it_is_of() {
        let refused = |role, entry: &Worklog, reversed| {
            outcome(&decided(role, entry, reversed, None).map(|(_, change)| change))
        };
        assert_eq!(refused(Role::Agent, &entry("anna"), true), "WORKLOG_REVERSED");
        assert_eq!(refused(Role::Agent, &entry("ben"), false), "PERMISSION_MISSING");
        assert_eq!(refused(Role::Manager, &entry("ben"), false), "ticket.work_reversed");
        let undo = entry("anna").reversal(&fixture::ctx(Role::Agent), fixture::id(8), "");
        assert_eq!(refused(Role::Agent, &undo, false), "WORKLOG_REVERSED");
        let wrong = decided(Role::Agent, &entry("anna"), false, Some(draft("anna", 0)));
        assert_eq!(faults(wrong), ["worklog.duration"]);
    }
}
