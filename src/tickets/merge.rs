//! Letting tickets go on in another one. Nothing moves: each stays where it was said and done, and the survivor shows all of
//! it. Nobody is shown another's by a merge: both are asked by the same person, for the same organization, and are as
//! restricted.

use serde_json::Value;

use super::{
    Change, MAX_FOLLOWERS, Relation, State, Ticket, Verb, Written, advance, enter, store_links,
    union::group_in,
    write::Target,
    write_together::{ActTogether, write_together},
};
use crate::{
    app::App,
    billing,
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Reason, Refusal, Result},
    escalation,
    events::EventType,
    ids::Id,
    sla,
};

/// Tickets that one call merges.
pub const MAX_MERGE: usize = 20;
/// Tickets that one may go on for, those that were merged into them included: its lists read all of them.
pub const MAX_MERGED: usize = 50;

#[derive(Clone, Debug)]
pub struct Merge {
    /// The survivor.
    pub target: Target,
    /// All different, and none of them the survivor.
    pub merged: Vec<Target>,
}

/// The rule. `merged`: the tickets, with what ends before they can be merged. `there`: how many these tickets go on for already.
/// `starts`: what the survivor's clocks take over.
fn decide(
    ctx: &Ctx,
    survivor: Ticket,
    merged: Vec<Change>,
    there: usize,
    starts: Option<Value>,
    merge: &Merge,
) -> Result<Vec<Change>> {
    advance(survivor.state, Verb::Absorb)?;
    for Change { next, .. } in &merged {
        advance(next.state, Verb::Merge)?;
        is_shown_nothing_new(&survivor, next)?;
    }
    if there + merged.len() > MAX_MERGED {
        let text = format!("a ticket goes on for at most {MAX_MERGED} others");
        return Err(Refusal::new(Reason::MergeLimitReached, text).with("limit", MAX_MERGED).into());
    }
    let ids: Vec<Id> = merged.iter().map(|change| change.next.id).collect();
    let survived = Change::of(survivor).step(ctx, EventType::TicketMerged, |ticket, event| {
        for follower in merged.iter().flat_map(|change| &change.next.followers) {
            if !ticket.followers.contains(follower) && ticket.followers.len() < MAX_FOLLOWERS {
                ticket.followers.push(follower.clone());
            }
        }
        Relation::MERGED_INTO.turned().tell(event, &ids);
        event.details.extend(starts.map(|starts| (sla::CLOCK_STARTS.to_owned(), starts)));
        merge.target.tell(event);
    });
    let (id, version) = (survived.next.id, survived.next.version);
    let end = |change: Change| {
        change.step(ctx, EventType::TicketMerged, |ticket, event| {
            enter(ticket, State::Merged);
            ticket.assignee = None;
            ticket.assign_time = None;
            ticket.queue_time = None;
            ticket.auto_close_time = None;
            ticket.close_time = Some(ctx.now);
            ticket.merged_into = Some(id);
            Relation::MERGED_INTO.tell(event, &[id]);
            // From here on the survivor must not have gone on, or there is no way back.
            event.details.insert("survivor_version".into(), version.into());
            merge.target.tell(event);
        })
    };
    Ok(std::iter::once(survived).chain(merged.into_iter().map(end)).collect())
}

/// Refuses to show somebody another's.
fn is_shown_nothing_new(survivor: &Ticket, merged: &Ticket) -> Result<(), Refusal> {
    let across = |field: &str| {
        let text = format!("{} and {} differ in their {field}", survivor.number, merged.number);
        Err(Refusal::new(Reason::MergeAcrossCustomers, text)
            .with("field", field)
            .with("ticket", merged.name()))
    };
    // What nobody in particular asked can be anybody's of the same organization.
    if !merged.requester.is_empty() && merged.requester != survivor.requester {
        return across("requester");
    }
    if merged.organization != survivor.organization {
        return across("organization");
    }
    if merged.restricted != survivor.restricted {
        let text = "one of the tickets is restricted, and the other is not";
        return Err(Refusal::new(Reason::MergeAcrossRestriction, text).with("ticket", merged.name()));
    }
    Ok(())
}

struct Merging<'a> {
    app: &'a App,
    merge: &'a Merge,
}

impl ActTogether for Merging<'_> {
    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        mut tickets: Vec<Ticket>,
    ) -> Result<Vec<Change>> {
        let survivor = tickets.remove(0);
        let ids: Vec<Id> = tickets.iter().map(|ticket| ticket.id).chain([survivor.id]).collect();
        let there = store_links::count_merged(tx, &ids).await?;
        let merged = escalation::end_in(tx, ctx, configuration, tickets).await?;
        let starts = if configuration.document.lifecycle.merge_keeps_earliest_start {
            sla::take_starts_in(tx, survivor.id, &ids[..ids.len() - 1]).await?
        } else {
            None
        };
        let mut changes = decide(ctx, survivor, merged, there, starts, self.merge)?;
        store_links::merge(tx, &ids[..ids.len() - 1], changes[0].next.id, ctx.now).await?;
        // The work on each, and on those for which it went on, counts to the survivor from now on.
        let mut survived = changes.remove(0);
        let mut ended = Vec::with_capacity(changes.len());
        for change in changes {
            let group = group_in(tx, change.next.id).await?;
            let (from, to) = billing::count_in(tx, self.app, ctx, &group, change, survived).await?;
            survived = to;
            ended.push(from);
        }
        ended.insert(0, survived);
        Ok(ended)
    }
}

pub async fn merge(app: &App, ctx: &Ctx, merge: Merge) -> Result<Written> {
    let targets: Vec<Target> = [&merge.target].into_iter().chain(&merge.merged).cloned().collect();
    write_together(app, ctx, &targets, &Merging { app, merge: &merge }).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        tickets::fixture::{self, outcome},
    };

    fn numbered(place: u128, state: State) -> Ticket {
        let anna = || "anna".to_owned();
        Ticket {
            id: fixture::id(place),
            requester: anna(),
            organization: "orion".into(),
            ..fixture::ticket(state)
        }
    }

    fn decided(survivor: Ticket, merged: Vec<Ticket>, there: usize) -> Result<Vec<Change>> {
        let merge = Merge { target: fixture::target(), merged: Vec::new() };
        let merged = merged.into_iter().map(Change::of).collect();
        decide(&fixture::ctx(Role::Agent), survivor, merged, there, None, &merge)
    }

    fn said(survivor: Ticket, merged: Ticket) -> String {
        outcome(&decided(survivor, vec![merged], 0).map(|mut changes| changes.remove(1)))
    }

    #[test]
    fn what_is_over_is_not_merged_and_nothing_is_merged_into_what_is_solved() {
        for state in State::ALL {
            let merged = said(numbered(1, State::Open), numbered(2, *state));
            let can = state.is_live() || *state == State::Resolved;
            assert_eq!(merged, if can { "ticket.merged" } else { "TICKET_STATE_CONFLICT" }, "{state:?}");
            let survived = said(numbered(1, *state), numbered(2, State::Open));
            let can = state.is_live();
            assert_eq!(survived, if can { "ticket.merged" } else { "TICKET_STATE_CONFLICT" }, "{state:?}");
        }
    }

    #[test]
    fn nobody_is_shown_anothers() {
        let survivor = || numbered(1, State::Open);
        let merged = || numbered(2, State::New);
        let across = "MERGE_ACROSS_CUSTOMERS";
        assert_eq!(said(survivor(), Ticket { requester: "bert".into(), ..merged() }), across);
        assert_eq!(said(Ticket { requester: String::new(), ..survivor() }, merged()), across);
        assert_eq!(said(survivor(), Ticket { requester: String::new(), ..merged() }), "ticket.merged");
        assert_eq!(said(survivor(), Ticket { organization: "initech".into(), ..merged() }), across);
        for (one, other) in [(true, false), (false, true)] {
            let refused =
                said(Ticket { restricted: one, ..survivor() }, Ticket { restricted: other, ..merged() });
            assert_eq!(refused, "MERGE_ACROSS_RESTRICTION");
        }
        let both = said(Ticket { restricted: true, ..survivor() }, Ticket { restricted: true, ..merged() });
        assert_eq!(both, "ticket.merged");
    }

    #[test]
    fn what_is_merged_waits_nowhere_and_the_survivor_is_followed_by_both_ones_followers() {
        let mut merged = Ticket { followers: vec!["bea".into(), "cid".into()], ..numbered(2, State::OnHold) };
        merged.assign("bert", fixture::start());
        merged.hold_until_time = Some(fixture::start());
        merged.hold_reason = "parts".into();
        let survivor = Ticket { followers: vec!["cid".into()], ..numbered(1, State::New) };
        let changes = decided(survivor, vec![merged], 0).expect("merged");
        let [survivor, merged] = changes.as_slice() else { panic!("two") };
        assert_eq!((survivor.next.state, survivor.next.merged_into), (State::New, None));
        assert_eq!(survivor.next.followers, ["cid", "bea"]);
        let next = &merged.next;
        assert_eq!((next.state, next.merged_into), (State::Merged, Some(survivor.next.id)));
        assert_eq!((&next.assignee, next.assign_time, next.queue_time), (&None, None, None));
        assert_eq!((next.hold_until_time, next.hold_reason.as_str()), (None, ""));
        assert_eq!(next.close_time, Some(fixture::start()));
        let [event] = merged.events.as_slice() else { panic!("one event") };
        assert_eq!(event.details["survivor_version"], survivor.next.version);
        assert_eq!((&event.details["relation"], event.note.as_str()), (&"MERGED_INTO".into(), "so be it"));
        assert_eq!(survivor.events[0].details["relation"], "MERGED_FROM");
    }

    #[test]
    fn a_ticket_goes_on_for_so_many_and_no_more() {
        let merged = || vec![numbered(2, State::New), numbered(3, State::New)];
        let with = |there| decided(numbered(1, State::Open), merged(), there).map(|changes| changes.len());
        assert_eq!(with(MAX_MERGED - 2).ok(), Some(3));
        let refused = with(MAX_MERGED - 1).expect_err("too many");
        assert_eq!(refused.reason(), Reason::MergeLimitReached);
    }
}
