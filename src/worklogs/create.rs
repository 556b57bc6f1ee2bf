//! Entering work: an event of the ticket, rated in the transaction in which it is entered.

use serde::{Deserialize, Serialize};

use super::{
    Worklog,
    model::{Draft, MAX_SECONDS, Shown},
    read, store,
};
use crate::{
    access::Permission,
    app::App,
    billing::{self, Without},
    configuration::Configuration,
    ctx::{ActorKind, Ctx},
    db::Tx,
    error::{Error, Reason, Result, Violations},
    events::EventType,
    ids::Id,
    tickets::{self, Act, Change, Done, State, Target, Ticket, Verb, advance, write_with},
    time::Time,
};

/// How far back work may be entered.
const REACH: std::time::Duration = std::time::Duration::from_hours(366 * 24);

#[derive(Clone, Debug)]
pub struct Create {
    pub target: Target,
    pub draft: Draft,
}

/// What the answer holds: the entry alone. Its note is read back, since erasure does not reach into receipts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    pub id: Id,
}

/// The rule.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    draft: &Draft,
    id: Id,
    root: Id,
) -> Result<(Worklog, Change)> {
    if ticket.state == State::Merged {
        return Err(tickets::went_on(&ticket).into());
    }
    // What still may be said something on may be worked on: also what is closed, whose work is entered late.
    advance(ticket.state, Verb::Comment)?;
    own(ctx, &draft.agent)?;
    check_draft(ctx.now, draft)?;
    let worklog = Worklog::new(ctx, &ticket, draft, id, root, configuration.revision);
    Ok(log(ctx, Change::of(ticket), worklog, EventType::TicketWorkLogged))
}

/// An agent enters and takes back the own work; whoever gives tickets to others, also theirs. Services do it for whom they say.
pub fn own(ctx: &Ctx, agent: &str) -> Result<()> {
    if ctx.actor.kind == ActorKind::Agent && agent != ctx.actor.id {
        ctx.actor.require(Permission::TicketsDispatch)?;
    }
    Ok(())
}

pub fn check_draft(now: Time, draft: &Draft) -> Result<()> {
    let mut faults = Violations::default();
    if draft.agent.is_empty() {
        faults.add("worklog.agent", "is required, as the caller is no agent");
    }
    let seconds = (1..=MAX_SECONDS).contains(&draft.seconds);
    if !seconds {
        faults.add("worklog.duration", "must be 1 second to 24 hours");
    }
    let span = std::time::Duration::from_secs(if seconds { draft.seconds.unsigned_abs() } else { 0 });
    if draft.start_time.after(span) > now || draft.start_time < now.before(REACH) {
        faults.add("worklog.start_time", "must be within the last year, and the work be over");
    }
    faults.into_result()
}

/// One more entry on the ticket, with the event that tells of it.
pub fn log(ctx: &Ctx, change: Change, worklog: Worklog, kind: EventType) -> (Worklog, Change) {
    let change = change.step(ctx, kind, |_, event| {
        event.note.clone_from(&worklog.note);
        let details = &mut event.details;
        details.insert("worklog".into(), worklog.id.to_string().into());
        details.insert("agent".into(), worklog.agent.clone().into());
        details.insert("activity".into(), worklog.activity.clone().into());
        details.insert("start_time".into(), worklog.start_time.to_string().into());
        details.insert("seconds".into(), worklog.seconds.into());
        details.insert("billable".into(), worklog.billable.into());
        details.insert("level".into(), worklog.level.clone().into());
        details.insert("team".into(), worklog.team.clone().into());
        if let Some(reversed) = worklog.reverses {
            details.insert("reverses".into(), reversed.to_string().into());
        }
    });
    (Worklog { version: change.next.version, ..worklog }, change)
}

struct Entering<'a> {
    app: &'a App,
    create: &'a Create,
    /// The merged ticket that was named, if this is where it goes on.
    via: Option<Id>,
    id: Id,
}

impl Act for Entering<'_> {
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
        let root = ticket.id;
        let (worklog, change) = decide(ctx, configuration, ticket, &self.create.draft, self.id, root)?;
        store::insert(tx, std::slice::from_ref(&worklog)).await?;
        let change = billing::rerate_in(tx, self.app, ctx, change, Without::Policy).await?;
        billing::spread_in(tx, ctx, configuration, &[worklog]).await?;
        Ok((change, Kept { id: self.id }))
    }
}

/// How often somebody may merge and unmerge tickets just when work is entered there.
const ROUNDS: usize = 6;

/// The entry, and what became of the ticket; of a merged one, the entry is where that goes on.
pub async fn create(app: &App, ctx: &Ctx, create: &Create) -> Result<(Shown, Done<Kept>)> {
    let mut survivor = None;
    for _ in 0..ROUNDS {
        survivor = match enter(app, ctx, create, survivor.as_ref()).await {
            Err(error) if error.reason() == Reason::TicketMerged => {
                match tickets::survivor(app, ctx, create.target.id).await? {
                    Some(ticket) => Some(Target::of(ticket.id)),
                    None => return Err(error),
                }
            }
            Err(error) if error.is_conflict() && survivor.is_some() => None,
            settled => return settled,
        };
    }
    Err(Error::Conflict)
}

async fn enter(
    app: &App,
    ctx: &Ctx,
    create: &Create,
    survivor: Option<&Target>,
) -> Result<(Shown, Done<Kept>)> {
    let via = survivor.map(|_| create.target.id);
    let entering = Entering { app, create, via, id: app.ids.next() };
    let done = write_with(app, ctx, survivor.unwrap_or(&create.target), &entering).await?;
    let shown = read::get(app, ctx, done.ticket.id, done.extra.id).await?;
    Ok((shown, done))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        tickets::{
            State,
            fixture::{self, faults, outcome},
        },
    };

    pub fn draft(agent: &str, seconds: i64) -> Draft {
        Draft {
            agent: agent.to_owned(),
            activity: "analysis".to_owned(),
            start_time: fixture::start().before(std::time::Duration::from_hours(2)),
            seconds,
            billable: true,
            note: "looked at it".to_owned(),
        }
    }

    fn decided(role: Role, state: State, draft: &Draft) -> Result<Change> {
        let (ticket, id) = (fixture::ticket(state), fixture::id(9));
        let root = ticket.id;
        let configuration = fixture::configuration();
        Ok(decide(&fixture::ctx(role), configuration, ticket, draft, id, root)?.1)
    }

    #[test]
    fn work_is_entered_by_whom_it_is_of_or_by_whoever_gives_work() {
        let told = |role, agent: &str| outcome(&decided(role, State::Open, &draft(agent, 60)));
        assert_eq!(told(Role::Agent, "anna"), "ticket.work_logged");
        assert_eq!(told(Role::Agent, "ben"), "PERMISSION_MISSING");
        assert_eq!(told(Role::Manager, "ben"), "ticket.work_logged");
        assert_eq!(faults(decided(Role::Manager, State::Open, &draft("", 60))), ["worklog.agent"]);
    }

    #[test]
    fn level_and_team_stay_as_they_were_at_the_entry_and_the_note_stays_in_the_house() {
        let change = decided(Role::Agent, State::Closed, &draft("anna", 60)).expect("entered late");
        let event = &change.events[0];
        assert_eq!(
            (event.details["level"].as_str(), event.details["seconds"].as_i64()),
            (Some("L1"), Some(60))
        );
        assert_eq!(event.note, "looked at it");
        let merged = decided(Role::Agent, State::Merged, &draft("anna", 60));
        assert_eq!(outcome(&merged), "TICKET_MERGED");
    }

    #[test]
    fn work_is_over_and_not_long_ago() {
        for seconds in [0, -1, MAX_SECONDS + 1] {
            assert_eq!(
                faults(decided(Role::Agent, State::Open, &draft("anna", seconds))),
                ["worklog.duration"]
            );
        }
        let at = |start_time| decided(Role::Agent, State::Open, &Draft { start_time, ..draft("anna", 7200) });
        let two = std::time::Duration::from_hours(2);
        assert!(at(fixture::start().before(two)).is_ok());
        let early = std::time::Duration::from_secs(7199);
        assert_eq!(faults(at(fixture::start().before(early))), ["worklog.start_time"]);
        assert_eq!(faults(at(fixture::start().before(REACH * 2))), ["worklog.start_time"]);
    }
}
