//! Asking another level, team or vendor to take a ticket over, or to advise. Work goes up one level at a time, or
//! sideways; it leaves the first level completely recorded; and it does not go back and forth for ever.

use super::{Escalation, Mode, State, Why, history::History, levels, store};
use crate::{
    access::Permission,
    app::App,
    configuration::{Configuration, Team},
    ctx::Ctx,
    db::Tx,
    error::{Error, ReasonName, Refusal, Result},
    events::{Event, EventType},
    ids::Id,
    tickets::{Act, Change, Done, Target, Ticket, Verb, advance_settled, enter, write_with},
};

#[derive(Clone, Debug)]
pub struct Escalate {
    pub target: Target,
    /// The id of the new escalation.
    pub id: Id,
    pub mode: Mode,
    pub to: To,
    pub reason: Why,
    pub justification: String,
    /// Skip a level, or pass the bounce limit, all the same.
    pub override_policy: bool,
}

/// Where to, by key.
#[derive(Clone, Debug)]
pub enum To {
    /// Its first team that is no vendor.
    Level(String),
    Team(String),
}

/// The rule.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    history: &History,
    escalate: &Escalate,
) -> Result<(Change, Escalation)> {
    if escalate.override_policy {
        ctx.actor.require(Permission::TicketsDispatch)?;
    }
    let state = advance_settled(&ticket, Verb::Escalate)?;
    let team = find_team(configuration, &ticket, &escalate.to)?;
    levels::require_up_or_sideways(configuration, &ticket.level, &team.level)?;
    let obstacles = [
        levels::skipped(configuration, &ticket.level, &team.level),
        levels::bounced(configuration, &team.level, history.arrivals(&team.level))
            .filter(|_| escalate.mode == Mode::Handover),
    ];
    let obstacles: Vec<Refusal> = obstacles.into_iter().flatten().collect();
    let overridden: Vec<&str> = obstacles.iter().map(|refusal| refusal.reason.name()).collect();
    let overridden = overridden.join(",");
    if let Some(refusal) = obstacles.into_iter().next().filter(|_| !escalate.override_policy) {
        return Err(refusal.into());
    }
    if escalate.mode == Mode::Handover {
        levels::require_complete(configuration, &ticket, &team.level)?;
    }
    let escalation = ask(ctx, configuration, &ticket, team, escalate)?;
    let change = Change::of(ticket).step(ctx, EventType::TicketEscalated, |ticket, event| {
        enter(ticket, state);
        if escalation.mode == Mode::Handover {
            ticket.place(configuration, &escalation.to_queue, ctx.now);
            ticket.escalated = true;
        }
        ticket.pending_escalation = Some(escalation.id);
        event.configuration_revision = configuration.revision;
        escalate.tell(&escalation, event);
        if !overridden.is_empty() {
            event.details.insert("overridden".into(), overridden.into());
        }
    });
    Ok((change, escalation))
}

fn find_team<'c>(configuration: &'c Configuration, ticket: &Ticket, to: &To) -> Result<&'c Team> {
    let (field, team) = match to {
        To::Team(key) => ("team", configuration.team(key)),
        To::Level(key) => {
            ("level", configuration.document.teams.iter().find(|team| team.level == *key && !team.vendor))
        }
    };
    let team = team.ok_or_else(|| Error::field(field, "no team of that key or level is configured"))?;
    if team.key == ticket.team {
        return Err(Error::field(field, &format!("{} has the ticket already", team.key)));
    }
    Ok(team)
}

fn ask(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: &Ticket,
    team: &Team,
    escalate: &Escalate,
) -> Result<Escalation> {
    let queue = configuration.queue_of(team);
    let queue = queue.ok_or_else(|| Error::field("team", &format!("{} has no queue", team.key)))?;
    let target = configuration.level(&team.level).and_then(|level| level.acceptance_target_duration);
    let expire = configuration.document.escalation.expire_duration;
    Ok(Escalation {
        tenant_id: ctx.tenant.clone(),
        ticket_id: ticket.id,
        id: escalate.id,
        mode: escalate.mode,
        state: State::Pending,
        reason: escalate.reason,
        justification: escalate.justification.clone(),
        from_level: ticket.level.clone(),
        from_team: ticket.team.clone(),
        from_queue: ticket.queue.clone(),
        from_agent: ticket.assignee.clone(),
        to_level: team.level.clone(),
        to_team: team.key.clone(),
        to_queue: queue.key.clone(),
        to_agent: None,
        author_kind: ctx.actor.kind,
        author_id: ctx.actor.id.clone(),
        create_time: ctx.now,
        acceptance_due_time: target.map(|target| ctx.now.after(target)),
        expire_time: expire.map(|expire| ctx.now.after(expire)),
        settle_time: None,
        settler_kind: None,
        settler_id: None,
        decline_reason: None,
        settle_note: String::new(),
        hand_back_reason: None,
        hand_back_time: None,
    })
}

impl Escalate {
    /// The justification is the note; what else was said stands below it.
    fn tell(&self, escalation: &Escalation, event: &mut Event) {
        self.target.tell(event);
        escalation.tell(event);
        let parts = [self.justification.as_str(), self.target.note.as_str()];
        event.note = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
        if event.reason.is_empty() {
            self.reason.name().clone_into(&mut event.reason);
        }
    }
}

impl Act for Escalate {
    type Extra = Escalation;

    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        ticket: Ticket,
    ) -> Result<(Change, Escalation)> {
        let history = store::history(tx, ticket.id).await?;
        let (change, escalation) = decide(ctx, configuration, ticket, &history, self)?;
        store::put(tx, std::slice::from_ref(&escalation)).await?;
        Ok((change, escalation))
    }
}

pub async fn escalate(app: &App, ctx: &Ctx, escalate: Escalate) -> Result<Done<Escalation>> {
    write_with(app, ctx, &escalate.target, &escalate).await
}

/// Hands over a ticket that the transaction has locked, because its time is running out: to a team, or (empty) to the next
/// level up.
pub async fn climb_in(
    tx: &mut Tx,
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: &Ticket,
    team: &str,
    id: Id,
) -> Result<Change> {
    let to = if team.is_empty() {
        let rank = configuration.level_rank(&ticket.level).map_or(0, |rank| rank + 1);
        To::Level(configuration.document.levels.get(rank).map(|level| level.key.clone()).unwrap_or_default())
    } else {
        To::Team(team.to_owned())
    };
    let escalate = Escalate {
        target: Target::of(ticket.id),
        id,
        mode: Mode::Handover,
        to,
        reason: Why::SlaRisk,
        justification: String::new(),
        override_policy: false,
    };
    Ok(escalate.act(tx, ctx, configuration, ticket.clone()).await?.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        escalation::fixture::{by, escalate, handover, owned},
        tickets::{Json, fixture},
    };

    /// What came of it: the event, or the reason of the refusal.
    fn outcome(role: Role, ticket: Ticket, history: &History, escalate: &Escalate) -> String {
        let decided = decide(&by("anna", role), fixture::configuration(), ticket, history, escalate);
        fixture::outcome(&decided.map(|(change, _)| change))
    }

    fn to_team(key: &str) -> Escalate {
        escalate(To::Team(key.into()))
    }

    fn at(level: &str, team: &str) -> Ticket {
        Ticket { level: level.into(), team: team.into(), queue: team.into(), ..owned() }
    }

    #[test]
    fn one_level_up_or_sideways_and_never_to_whom_it_is() {
        let first = || at("L1", "desk-de");
        let third = || at("L3", "engineering");
        let cases = vec![
            (first(), to_team("applications"), "ticket.escalated"),
            (first(), escalate(To::Level("L2".into())), "ticket.escalated"),
            (first(), to_team("desk-en"), "ticket.escalated"),
            (first(), to_team("engineering"), "ESCALATION_SKIPS_LEVEL"),
            (first(), to_team("netvendor"), "ESCALATION_SKIPS_LEVEL"),
            (first(), escalate(To::Level("L3".into())), "ESCALATION_SKIPS_LEVEL"),
            (first(), to_team("desk-de"), "FIELD_INVALID"),
            (first(), escalate(To::Level("L1".into())), "FIELD_INVALID"),
            (first(), to_team("moon"), "FIELD_INVALID"),
            (first(), escalate(To::Level("L9".into())), "FIELD_INVALID"),
            (at("L2", "applications"), to_team("netvendor"), "ticket.escalated"),
            (third(), to_team("netvendor"), "ticket.escalated"),
            (third(), to_team("infrastructure"), "ESCALATION_GOES_DOWN"),
            (third(), escalate(To::Level("L1".into())), "ESCALATION_GOES_DOWN"),
            (
                Ticket { pending_escalation: Some(fixture::id(3)), ..first() },
                to_team("applications"),
                "ESCALATION_PENDING",
            ),
            (
                Ticket { state: crate::tickets::State::Resolved, ..first() },
                to_team("applications"),
                "TICKET_STATE_CONFLICT",
            ),
        ];
        for (ticket, handover, expected) in cases {
            let consult = Escalate { mode: Mode::Consult, ..handover.clone() };
            let none = History::default();
            assert_eq!(outcome(Role::Agent, ticket.clone(), &none, &handover), expected, "{handover:?}");
            assert_eq!(outcome(Role::Agent, ticket, &none, &consult), expected, "{consult:?}");
        }
    }

    #[test]
    fn a_handover_moves_the_ticket_at_once_and_a_consultation_moves_nothing() {
        let ctx = by("anna", Role::Agent);
        let decided = |mode| {
            let escalate = Escalate { mode, ..to_team("applications") };
            decide(&ctx, fixture::configuration(), owned(), &History::default(), &escalate).expect("asked")
        };
        let (change, escalation) = decided(Mode::Handover);
        let ticket = &change.next;
        assert_eq!((ticket.team.as_str(), ticket.level.as_str()), ("applications", "L2"));
        assert_eq!((ticket.assignee.as_deref(), ticket.escalated), (None, true));
        assert_eq!(ticket.pending_escalation, Some(escalation.id));
        assert_eq!(
            (escalation.from_team.as_str(), escalation.from_agent.as_deref()),
            ("desk-de", Some("anna"))
        );
        assert_eq!(escalation.acceptance_due_time, Some(ctx.now.after(std::time::Duration::from_hours(1))));
        assert_eq!(escalation.expire_time, Some(ctx.now.after(std::time::Duration::from_hours(72))));
        let event = &change.events[0];
        assert_eq!((event.note.as_str(), event.reason.as_str()), ("too hard", "COMPLEXITY"));

        let ticket = decided(Mode::Consult).0.next;
        assert_eq!(ticket, Ticket { version: 2, pending_escalation: Some(fixture::id(9)), ..owned() });
    }

    #[test]
    fn whoever_dispatches_may_override_and_it_is_recorded() {
        let by_force = Escalate { override_policy: true, ..to_team("engineering") };
        let none = History::default();
        assert_eq!(outcome(Role::Agent, owned(), &none, &by_force), "PERMISSION_MISSING");
        let ctx = by("max", Role::Manager);
        let decided = decide(&ctx, fixture::configuration(), owned(), &none, &by_force).expect("overridden");
        assert_eq!(decided.0.events[0].details["overridden"], "ESCALATION_SKIPS_LEVEL");
        let without_need = Escalate { override_policy: true, ..to_team("applications") };
        let decided = decide(&ctx, fixture::configuration(), owned(), &none, &without_need).expect("asked");
        assert!(!decided.0.events[0].details.contains_key("overridden"));
        let down = Escalate { override_policy: true, ..to_team("desk-de") };
        assert_eq!(outcome(Role::Manager, at("L2", "applications"), &none, &down), "ESCALATION_GOES_DOWN");
    }

    #[test]
    fn it_leaves_the_first_level_completely_recorded() {
        let printer = || Ticket { category: "hardware.printer".into(), ..owned() };
        let none = History::default();
        let refused = outcome(Role::Agent, printer(), &none, &to_team("applications"));
        assert_eq!(refused, "INTAKE_INCOMPLETE");
        let complete = Ticket {
            custom_fields: Json(
                [("serial_number".to_owned(), crate::tickets::FieldValue::String("X1".into()))].into(),
            ),
            ..printer()
        };
        assert_eq!(outcome(Role::Agent, complete, &none, &to_team("applications")), "ticket.escalated");
        let advice = Escalate { mode: Mode::Consult, ..to_team("applications") };
        assert_eq!(outcome(Role::Agent, printer(), &none, &advice), "ticket.escalated");
        assert_eq!(outcome(Role::Agent, printer(), &none, &to_team("desk-en")), "ticket.escalated");
        let above = Ticket { category: "hardware.printer".into(), ..at("L2", "infrastructure") };
        assert_eq!(outcome(Role::Agent, above, &none, &to_team("engineering")), "ticket.escalated");
    }

    #[test]
    fn it_comes_back_to_a_level_as_often_as_the_level_allows() {
        // L2 allows two: the first time is no coming back.
        let came = |times: u128| History((1..=times).map(|id| handover(id, State::Accepted)).collect());
        for (times, expected) in
            [(0, "ticket.escalated"), (2, "ticket.escalated"), (3, "BOUNCE_LIMIT_REACHED")]
        {
            let history = came(times);
            assert_eq!(
                outcome(Role::Agent, owned(), &history, &to_team("applications")),
                expected,
                "{times}"
            );
        }
        let declined = History((1..9).map(|id| handover(id, State::Declined)).collect());
        assert_eq!(outcome(Role::Agent, owned(), &declined, &to_team("applications")), "ticket.escalated");
        let advice = Escalate { mode: Mode::Consult, ..to_team("applications") };
        assert_eq!(outcome(Role::Agent, owned(), &came(9), &advice), "ticket.escalated");
        let by_force = Escalate { override_policy: true, ..to_team("applications") };
        assert_eq!(outcome(Role::Manager, owned(), &came(9), &by_force), "ticket.escalated");
    }
}
