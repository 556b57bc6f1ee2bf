//! Work as messages, and what an event tells of it.

use ticketing_proto::v1 as pb;

use super::model::{Draft, MAX_ACTIVITY, Shown, name};
use crate::{
    ctx::Ctx,
    entitlements::wire::{organization, seconds},
    error::{Error, Result, Violations},
    events::Event,
    ids::{Id, TenantId, grandchild_of},
    tickets::{
        MAX_NOTE,
        wire::{actor_kind, reference, text, ticket_name, time, timestamp},
    },
};

pub fn worklog_name(name: &str) -> Result<(TenantId, Id, Id)> {
    let (tenant, ticket, id) = grandchild_of("name", name, "worklogs")?;
    let id = id.parse().map_err(|()| Error::not_found("worklog", name))?;
    Ok((tenant, ticket, id))
}

/// The ticket that a request names; nothing: none.
pub fn ticket(faults: &mut Violations, tenant: &TenantId, name: &str) -> Result<Option<Id>> {
    if name.is_empty() {
        return Ok(None);
    }
    let (of, id) = ticket_name("ticket", name)?;
    if of != *tenant {
        faults.add("ticket", "must be of the same tenant");
    }
    Ok(Some(id))
}

/// What the request says was done.
pub fn draft(faults: &mut Violations, ctx: &Ctx, worklog: Option<&pb::Worklog>) -> Draft {
    let empty = pb::Worklog::default();
    let said = worklog.unwrap_or(&empty);
    let agent = reference(faults, "worklog.agent", &said.agent, &ctx.tenant, "agents");
    let start_time = time(faults, "worklog.start_time", said.start_time.as_ref());
    match start_time {
        None => faults.add("worklog.start_time", "is required"),
        Some(start) if start.second() != start => faults.add("worklog.start_time", "must be a whole second"),
        Some(_) => {}
    }
    let duration = said.duration.unwrap_or_default();
    if duration.nanos != 0 {
        faults.add("worklog.duration", "must be whole seconds");
    }
    Draft {
        agent: if said.agent.is_empty() { ctx.actor.agent_key().join("") } else { agent },
        activity: activity(faults, &said.activity),
        start_time: start_time.unwrap_or_default(),
        seconds: duration.seconds,
        billable: said.billable,
        note: text(faults, "worklog.note", &said.note, MAX_NOTE),
    }
}

/// A code, for it leaves the house.
fn activity(faults: &mut Violations, said: &str) -> String {
    let plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "._-".contains(it);
    if said.is_empty() || said.len() > MAX_ACTIVITY || !said.chars().all(plain) {
        let text = format!("must be 1 to {MAX_ACTIVITY} lower-case letters, digits, ., _ and -");
        faults.add("worklog.activity", text);
    }
    said.to_owned()
}

pub fn worklog(shown: Shown) -> pb::Worklog {
    let Shown { reversed, overlaps, worklog: it } = shown;
    let (tenant, of) = (&it.tenant_id, it.ticket_id);
    pb::Worklog {
        name: it.name(),
        agent: format!("tenants/{tenant}/agents/{}", it.agent),
        start_time: Some(timestamp(it.start_time)),
        duration: Some(seconds(it.seconds)),
        billable: it.billable,
        organization: organization(tenant, &it.organization),
        counts_to: format!("tenants/{tenant}/tickets/{}", it.root_ticket_id),
        reverses: it.reverses.map(|id| name(tenant, of, id)).unwrap_or_default(),
        reversed,
        overlaps,
        author: Some(pb::Actor { kind: actor_kind(it.author_kind), id: it.author_id.clone() }),
        create_time: Some(timestamp(it.create_time)),
        activity: it.activity,
        note: it.note,
        level: it.level,
        team: it.team,
    }
}

/// What an event tells of work; absent: nothing.
pub fn of_event(event: &Event) -> Option<pb::WorkNotice> {
    let text = |field: &str| event.details.get(field).and_then(|it| it.as_str()).unwrap_or_default();
    let id = |field: &str| text(field).parse().ok().map(|id| name(&event.tenant_id, event.ticket_id, id));
    let worklog = id("worklog")?;
    let start: Option<crate::time::Time> = text("start_time").parse().ok();
    let spent = event.details.get("seconds").and_then(|it| it.as_i64()).unwrap_or_default();
    Some(pb::WorkNotice {
        worklog,
        reverses: id("reverses").unwrap_or_default(),
        agent: format!("tenants/{}/agents/{}", event.tenant_id, text("agent")),
        activity: text("activity").to_owned(),
        start_time: start.map(timestamp),
        duration: Some(seconds(spent)),
        billable: event.details.get("billable").and_then(|it| it.as_bool()).unwrap_or_default(),
        level: text("level").to_owned(),
        team: text("team").to_owned(),
    })
}
