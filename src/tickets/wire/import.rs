//! Histories of other systems as messages, and what became of them.

use ticketing_proto::v1 as pb;

use super::{code, create, text, time};
use crate::{
    error::{ReasonName, Result, Violations},
    ids::{TenantId, is_key},
    tickets::{
        Impact, MAX_NOTE, State,
        import::Imported,
        replay::{History, Refused, Step},
    },
    time::Time,
};

/// Tickets of one call, steps of one ticket, steps of one call, at most.
const MAX_TICKETS: usize = 100;
const MAX_STEPS: usize = 1000;
const MAX_ALL_STEPS: usize = 10_000;

/// What ImportTickets asks for. The steps' faults are the rule's to name, together with its own.
pub fn histories(tenant: &TenantId, request: &pb::ImportTicketsRequest) -> Result<Vec<History>> {
    let mut faults = Violations::default();
    if !(1..=MAX_TICKETS).contains(&request.tickets.len()) {
        faults.add("tickets", format!("must be 1 to {MAX_TICKETS}"));
    }
    if request.tickets.iter().map(|ticket| ticket.steps.len()).sum::<usize>() > MAX_ALL_STEPS {
        faults.add("tickets", format!("must have at most {MAX_ALL_STEPS} steps in all"));
    }
    for (place, ticket) in request.tickets.iter().enumerate() {
        if !(1..=MAX_STEPS).contains(&ticket.steps.len()) {
            faults.add(format!("tickets[{place}].steps"), format!("must be 1 to {MAX_STEPS}"));
        }
    }
    faults.into_result()?;
    Ok(request.tickets.iter().map(|ticket| history(tenant, ticket)).collect())
}

fn history(tenant: &TenantId, imported: &pb::ImportedTicket) -> History {
    let request = pb::CreateTicketRequest { ticket: imported.ticket.clone(), ..Default::default() };
    let mut create = create(tenant, &request);
    let mut steps: Vec<Step> = Vec::with_capacity(imported.steps.len());
    for (place, one) in imported.steps.iter().enumerate() {
        let before = steps.last().map(|step| step.occur_time);
        steps.push(step(&mut create.faults, &format!("steps[{place}]"), one, before));
    }
    History { create, steps }
}

/// What is missing is named, and stands in for itself: the rest is checked all the same.
fn step(faults: &mut Violations, path: &str, step: &pb::ImportedStep, before: Option<Time>) -> Step {
    let at = |field: &str| format!("{path}.{field}");
    let (state, impact) = (|it: &pb::TicketState| it.as_str_name(), |it: &pb::Impact| it.as_str_name());
    let state = code(faults, &at("state"), step.state, state, "TICKET_STATE_", State::parse);
    let occur_time = time(faults, &at("occur_time"), step.occur_time.as_ref());
    if step.state == 0 {
        faults.add(at("state"), "is required");
    } else if state == Some(State::Merged) {
        faults.add(at("state"), "must not be MERGED: nobody can say into what");
    }
    if step.occur_time.is_none() {
        faults.add(at("occur_time"), "is required");
    }
    if !step.assignee.is_empty() && !is_key(&step.assignee) {
        faults.add(at("assignee"), "must be 1 to 128 characters without / and control characters");
    }
    Step {
        level: text(faults, &at("level"), &step.level, 64),
        team: text(faults, &at("team"), &step.team, 64),
        assignee: Some(step.assignee.clone()).filter(|assignee| !assignee.is_empty()),
        impact: code(faults, &at("impact"), step.impact, impact, "IMPACT_", Impact::parse),
        resolution_code: text(faults, &at("resolution_code"), &step.resolution_code, 64),
        reason: text(faults, &at("reason"), &step.reason, 128),
        note: text(faults, &at("note"), &step.note, MAX_NOTE),
        occur_time: occur_time.or(before).unwrap_or_default(),
        state: state.unwrap_or(State::Open),
    }
}

pub fn imported(tenant: &TenantId, imported: &Imported) -> pb::ImportedTicketResult {
    let name = |id| format!("tenants/{tenant}/tickets/{id}");
    match imported {
        Imported::Existing(id) => {
            pb::ImportedTicketResult { name: name(*id), existing: true, ..Default::default() }
        }
        Imported::Recorded { id, events, refusals } => pb::ImportedTicketResult {
            name: id.map(name).unwrap_or_default(),
            existing: false,
            event_count: *events as i32,
            refusals: refusals.iter().map(refused).collect(),
        },
    }
}

fn refused(refused: &Refused) -> pb::RefusedStep {
    pb::RefusedStep {
        step: refused.step as i32,
        verb: refused.verb.to_owned(),
        reason: refused.reason.name().to_owned(),
    }
}
