//! Taking a merge back: the ticket stands where it stood, as long as the survivor has not gone on. Its agent has it again if
//! there is room; else it waits in its queue.

use serde_json::Value;

use super::{
    Change, Relation, State, Ticket, Verb, Written, advance,
    change::undo,
    read, store_links,
    union::group_in,
    write::Target,
    write_together::{ActTogether, write_together},
};
use crate::{
    agents::{self, Loaded},
    app::App,
    billing,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Error, Reason, Refusal, Result},
    events::{self, Event, EventType},
    ids::Id,
    sla,
};

#[derive(Clone, Debug)]
pub struct Unmerge {
    /// What was merged.
    pub target: Target,
}

/// What it comes from.
struct Past {
    /// The event by which it was merged.
    merge: Event,
    /// As it stood before.
    before: Ticket,
}

/// The rule. `since`: what has happened to the survivor since, oldest first. `owner`: who had the ticket, with what there is to
/// do. `starts`: when the survivor's clocks began without it.
fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    (merged, past): (Ticket, Past),
    (survivor, since): (Ticket, &[Event]),
    owner: Option<&Loaded>,
    starts: Option<Value>,
    target: &Target,
) -> Result<Vec<Change>> {
    advance(merged.state, Verb::Unmerge)?;
    has_not_gone_on(&survivor, since)?;
    let (id, survivor_id) = (merged.id, survivor.id);
    let back = Change::of(merged).step(ctx, EventType::TicketUnmerged, |ticket, event| {
        *ticket = Ticket { version: ticket.version, update_time: ticket.update_time, ..past.before };
        // Whoever was asked answers no more.
        ticket.end_offer();
        settle(ctx, configuration, ticket, owner);
        event.configuration_revision = configuration.revision;
        Relation::MERGED_INTO.tell(event, &[survivor_id]);
        event.details.insert("merge_version".into(), past.merge.version.into());
        target.tell(event);
    });
    let left = Change::of(survivor).step(ctx, EventType::TicketUnmerged, |_, event| {
        Relation::MERGED_INTO.turned().tell(event, &[id]);
        event.details.extend(starts.map(|starts| (sla::CLOCK_STARTS.to_owned(), starts)));
        target.tell(event);
    });
    Ok(vec![back, left])
}

/// Where it stands now, if what it stood in or whoever had it is there no more.
fn settle(ctx: &Ctx, configuration: &Configuration, ticket: &mut Ticket, owner: Option<&Loaded>) {
    if !ticket.state.is_live() {
        return;
    }
    if configuration.queue(&ticket.queue).is_none() {
        return ticket.place(configuration, &configuration.document.default_queue, ctx.now);
    }
    let weight = ticket.weight(configuration);
    let fits = |owner: &Loaded| owner.agent.is_in(&ticket.team) && owner.require_room(weight).is_ok();
    if ticket.assignee.is_some() && !owner.is_some_and(fits) {
        ticket.release(ctx.now);
    }
}

/// Refuses once the survivor has gone on: something was said or done on it that might be about either.
fn has_not_gone_on(survivor: &Ticket, since: &[Event]) -> Result<(), Refusal> {
    let too_late = |what: &str, version: i64| {
        let text = format!("the ticket has gone on in {}: {what}", survivor.number);
        let refusal = Refusal::new(Reason::UnmergeTooLate, text);
        Err(refusal.with("event", what).with("event_version", version).with("ticket", survivor.name()))
    };
    if survivor.state == State::Merged {
        // That merge can be taken back first.
        return too_late(EventType::TicketMerged.name(), survivor.version);
    }
    match since.iter().find(|event| is_activity(event)) {
        Some(event) => too_late(event.kind.name(), event.version),
        None => Ok(()),
    }
}

/// Whether the event is work on the ticket or an answer to it: what is said, added or entered, and where it stands. Who has it, how
/// it is labelled and what clocks tell is not; nor are merges, which can be taken back.
pub fn is_activity(event: &Event) -> bool {
    match event.kind {
        EventType::TicketCommented | EventType::TicketAttachmentAdded | EventType::TicketWorkLogged => true,
        EventType::TicketMerged | EventType::TicketUnmerged => false,
        _ => event.changes.contains_key("state"),
    }
}

/// The merge that is to be taken back, out of the ticket's log.
fn last_merge(merged: &Ticket, log: Vec<Event>) -> Result<Past> {
    let ends =
        |event: &Event| event.kind == EventType::TicketMerged && event.changes.contains_key("merged_into");
    let merge = log.into_iter().rev().find(ends);
    let merge = merge.ok_or_else(|| Error::internal("a merged ticket without its merge"))?;
    let before = undo(merged, std::slice::from_ref(&merge)).map_err(Error::internal)?;
    Ok(Past { merge, before })
}

struct Unmerging<'a> {
    app: &'a App,
    unmerge: &'a Unmerge,
}

impl ActTogether for Unmerging<'_> {
    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        mut tickets: Vec<Ticket>,
    ) -> Result<Vec<Change>> {
        let (Some(survivor), Some(merged)) = (tickets.pop(), tickets.pop()) else { unreachable!("two") };
        if merged.merged_into != Some(survivor.id) {
            // Somebody was faster.
            return Err(Error::Conflict);
        }
        let (id, survivor_id) = (merged.id, survivor.id);
        let mut logs = events::logs_in(tx, &[id, survivor_id]).await?;
        let mut log = |ticket: Id| logs.remove(&ticket).unwrap_or_default();
        let (past, log) = (last_merge(&merged, log(id))?, log(survivor_id));
        let version = past.merge.details.get("survivor_version").and_then(Value::as_i64);
        let version = version.ok_or_else(|| Error::internal("a merge that does not say when"))?;
        let since: Vec<Event> = log.iter().filter(|event| event.version > version).cloned().collect();
        let starts = sla::give_starts_back_in(tx, survivor_id, &log, id).await?;
        let owner = agents::lock_in(tx, configuration, past.before.assignee.as_slice()).await?.pop();
        let of = (survivor, since.as_slice());
        let changes =
            decide(ctx, configuration, (merged, past), of, owner.as_ref(), starts, &self.unmerge.target)?;
        store_links::unmerge(tx, id, survivor_id).await?;
        let Ok([back, left]) = <[Change; 2]>::try_from(changes) else { unreachable!("two") };
        // Its work, and that of those for which it goes on, is its own again.
        let group = group_in(tx, id).await?;
        let (left, back) = billing::count_in(tx, self.app, ctx, &group, left, back).await?;
        Ok(vec![back, left])
    }
}

pub async fn unmerge(app: &App, ctx: &Ctx, unmerge: Unmerge) -> Result<Written> {
    let seen = read::find(app, &ctx.tenant, unmerge.target.id).await?;
    let Some(survivor) = seen.merged_into else { return again(app, ctx, &unmerge).await };
    let targets = [unmerge.target.clone(), Target::of(survivor)];
    write_together(app, ctx, &targets, &Unmerging { app, unmerge: &unmerge }).await
}

/// Of a ticket that is not merged: the answer of the call that took the merge back, or the refusal.
async fn again(app: &App, ctx: &Ctx, unmerge: &Unmerge) -> Result<Written> {
    struct Refused;
    impl ActTogether for Refused {
        async fn act(
            &self,
            _: &mut Tx,
            _: &Ctx,
            _: &Configuration,
            tickets: Vec<Ticket>,
        ) -> Result<Vec<Change>> {
            match advance(tickets[0].state, Verb::Unmerge) {
                Err(refusal) => Err(refusal.into()),
                // It was merged just now.
                Ok(_) => Err(Error::Conflict),
            }
        }
    }
    write_together(app, ctx, std::slice::from_ref(&unmerge.target), &Refused).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        agents::fixture::loaded,
        ctx::Role,
        tickets::{
            change::enter,
            fixture::{self, outcome},
        },
    };

    fn survivor() -> Ticket {
        Ticket { id: fixture::id(2), ..fixture::ticket(State::Open) }
    }

    /// A ticket that was merged into the survivor.
    fn merged(before: Ticket) -> (Ticket, Past) {
        let ctx = fixture::ctx(Role::Agent);
        let change = Change::of(before.clone()).step(&ctx, EventType::TicketMerged, |ticket, _| {
            enter(ticket, State::Merged);
            ticket.assignee = None;
            ticket.queue_time = None;
            ticket.merged_into = Some(fixture::id(2));
        });
        let past = last_merge(&change.next, change.events.clone()).expect("its merge");
        assert_eq!(
            past.before,
            Ticket { version: before.version, update_time: change.next.update_time, ..before }
        );
        (change.next, past)
    }

    fn decided(before: Ticket, since: &[Event], owner: Option<&Loaded>) -> Result<Vec<Change>> {
        let configuration = fixture::configuration();
        let of = (survivor(), since);
        decide(&fixture::ctx(Role::Agent), configuration, merged(before), of, owner, None, &fixture::target())
    }

    fn owned() -> Ticket {
        let mut ticket = fixture::ticket(State::Open);
        ticket.assign("ada", fixture::start());
        ticket
    }

    #[test]
    fn it_stands_where_it_stood() {
        let mut held = Ticket { offered_to: Some("bob".into()), ..fixture::ticket(State::OnHold) };
        held.hold_reason = "parts".into();
        held.queue = fixture::configuration().document.default_queue.clone();
        let changes = decided(held.clone(), &[], None).expect("back");
        let [back, left] = changes.as_slice() else { panic!("two") };
        held.end_offer();
        let Ticket { version, update_time, .. } = back.next;
        assert_eq!(back.next, Ticket { version, update_time, ..held });
        assert_eq!((version, back.events.len()), (3, 1));
        assert_eq!(back.events[0].details["merge_version"], 2);
        assert_eq!(left.events[0].details["relation"], "MERGED_FROM");
        let not_merged = decide(
            &fixture::ctx(Role::Agent),
            fixture::configuration(),
            (survivor(), merged(owned()).1),
            (survivor(), &[]),
            None,
            None,
            &fixture::target(),
        );
        assert_eq!(outcome(&not_merged.map(|mut both| both.remove(0))), "TICKET_STATE_CONFLICT");
    }

    #[test]
    fn who_had_it_has_it_again_if_there_is_room() {
        let owner = |owner: Option<&Loaded>| {
            let at = Ticket { queue: fixture::configuration().document.default_queue.clone(), ..owned() };
            let back = decided(at, &[], owner).expect("back").remove(0).next;
            (back.assignee.clone(), back.queue_time.is_some())
        };
        let mut ada = loaded("ada", 2, 1);
        ada.agent.teams = vec![owned().team];
        assert_eq!(owner(Some(&ada)), (Some("ada".into()), false));
        ada.used = 2;
        assert_eq!(owner(Some(&ada)), (None, true));
        ada.agent.teams.clear();
        ada.used = 0;
        assert_eq!(owner(Some(&ada)), (None, true));
        assert_eq!(owner(None), (None, true));
    }

    #[test]
    fn what_stood_in_a_queue_that_is_gone_stands_in_the_default_one() {
        let gone = Ticket { queue: "gone".into(), ..fixture::ticket(State::New) };
        let back = decided(gone, &[], None).expect("back").remove(0).next;
        assert_eq!(back.queue, fixture::configuration().document.default_queue);
    }

    #[test]
    fn there_is_no_way_back_once_the_survivor_has_gone_on() {
        let event = |kind, field: &str| {
            let mut event = Event::new(&fixture::ctx(Role::Agent), kind, fixture::id(2), 3);
            event.changes.insert(field.into(), (json!(null), json!("x")));
            event
        };
        let said = |event: Event| outcome(&decided(owned(), &[event], None).map(|mut both| both.remove(0)));
        for (kind, field) in [
            (EventType::TicketCommented, "nothing"),
            (EventType::TicketAttachmentAdded, "nothing"),
            (EventType::TicketAssigned, "state"),
            (EventType::TicketResolved, "state"),
        ] {
            assert_eq!(said(event(kind, field)), "UNMERGE_TOO_LATE", "{kind:?}");
        }
        for (kind, field) in [
            (EventType::TicketAssigned, "assignee"),
            (EventType::TicketTagged, "tags"),
            (EventType::SlaWarned, "nothing"),
            (EventType::TicketMerged, "followers"),
            (EventType::TicketUnmerged, "state"),
        ] {
            assert_eq!(said(event(kind, field)), "ticket.unmerged", "{kind:?}");
        }
        let on = Ticket { state: State::Merged, ..survivor() };
        assert_eq!(has_not_gone_on(&on, &[]).expect_err("elsewhere").metadata["event"], "ticket.merged");
    }
}
