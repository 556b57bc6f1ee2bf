//! Escalations as messages and back.

use serde_json::Value;
use ticketing_proto::v1::{self as pb, escalate_ticket_request as request};

use super::{DeclineReason, Escalation, HandBackReason, Mode, Why, escalate::To};
use crate::{
    ctx::ActorKind,
    error::{Result, Violations},
    events::Event,
    ids::{Id, TenantId, grandchild_of},
    tickets::{
        MAX_NOTE, Target,
        wire::{actor_kind, code, text, timestamp, version, wire},
    },
};

/// Takes `tenants/{tenant}/tickets/{ticket}/escalations/{id}` apart.
pub fn name(name: &str) -> Result<(TenantId, Id, Id)> {
    let (tenant, ticket, id) = grandchild_of("name", name, "escalations")?;
    let id = id.parse().map_err(|()| crate::error::Error::not_found("escalation", name))?;
    Ok((tenant, ticket, id))
}

/// The ticket that an answer concerns, and what is said with the answer.
pub fn answer(faults: &mut Violations, ticket: Id, etag: &str, note: &str) -> Target {
    Target {
        version: version(faults, "etag", etag),
        note: text(faults, "note", note, MAX_NOTE),
        ..Target::of(ticket)
    }
}

/// Text that must say something.
pub fn required_text(faults: &mut Violations, field: &str, value: &str) -> String {
    if value.trim().is_empty() {
        faults.add(field, "is required");
    }
    text(faults, field, value, MAX_NOTE)
}

pub fn mode(faults: &mut Violations, value: i32) -> Mode {
    let name = |value: &pb::EscalationMode| value.as_str_name();
    code(faults, "mode", value, name, "ESCALATION_MODE_", Mode::parse).unwrap_or(Mode::Handover)
}

pub fn target(faults: &mut Violations, target: Option<&request::Target>) -> To {
    match target {
        Some(request::Target::Level(level)) => To::Level(level.clone()),
        Some(request::Target::Team(team)) => To::Team(team.clone()),
        None => {
            faults.add("target", "must be a level or a team");
            To::Level(String::new())
        }
    }
}

pub fn reason(faults: &mut Violations, value: i32) -> Why {
    let name = |value: &pb::EscalationReason| value.as_str_name();
    let found = code(faults, "escalation_reason", value, name, "ESCALATION_REASON_", Why::parse);
    required(faults, "escalation_reason", value, found, Why::Complexity)
}

pub fn decline_reason(faults: &mut Violations, value: i32) -> DeclineReason {
    let name = |value: &pb::DeclineReason| value.as_str_name();
    let found = code(faults, "decline_reason", value, name, "DECLINE_REASON_", DeclineReason::parse);
    required(faults, "decline_reason", value, found, DeclineReason::NotOurArea)
}

pub fn hand_back_reason(faults: &mut Violations, value: i32) -> HandBackReason {
    let name = |value: &pb::HandBackReason| value.as_str_name();
    let found = code(faults, "hand_back_reason", value, name, "HAND_BACK_REASON_", HandBackReason::parse);
    required(faults, "hand_back_reason", value, found, HandBackReason::NotOurArea)
}

/// `instead` stands in where there is a fault, and goes no further.
fn required<C>(faults: &mut Violations, field: &str, value: i32, found: Option<C>, instead: C) -> C {
    if value == 0 {
        faults.add(field, "is required");
    }
    found.unwrap_or(instead)
}

pub fn escalation(it: &Escalation) -> pb::Escalation {
    let end = |level: &str, team: &str, queue: &str, agent: Option<&String>| pb::EscalationEnd {
        level: level.to_owned(),
        team: team.to_owned(),
        queue: queue.to_owned(),
        agent: agent.map(|key| format!("tenants/{}/agents/{key}", it.tenant_id)).unwrap_or_default(),
    };
    let actor = |kind: ActorKind, id: &str| pb::Actor { kind: actor_kind(kind), id: id.to_owned() };
    pb::Escalation {
        name: it.name(),
        mode: wire("ESCALATION_MODE_", it.mode.name(), pb::EscalationMode::from_str_name),
        state: wire("ESCALATION_STATE_", it.state.name(), pb::EscalationState::from_str_name),
        reason: wire("ESCALATION_REASON_", it.reason.name(), pb::EscalationReason::from_str_name),
        justification: it.justification.clone(),
        from: Some(end(&it.from_level, &it.from_team, &it.from_queue, it.from_agent.as_ref())),
        to: Some(end(&it.to_level, &it.to_team, &it.to_queue, it.to_agent.as_ref())),
        author: Some(actor(it.author_kind, &it.author_id)),
        create_time: Some(timestamp(it.create_time)),
        acceptance_due_time: it.acceptance_due_time.map(timestamp),
        expire_time: it.expire_time.map(timestamp),
        settle_time: it.settle_time.map(timestamp),
        settler: it.settler_kind.zip(it.settler_id.as_deref()).map(|(kind, id)| actor(kind, id)),
        decline_reason: it
            .decline_reason
            .map_or(0, |reason| wire("DECLINE_REASON_", reason.name(), pb::DeclineReason::from_str_name)),
        settle_note: it.settle_note.clone(),
        hand_back_reason: it
            .hand_back_reason
            .map_or(0, |reason| wire("HAND_BACK_REASON_", reason.name(), pb::HandBackReason::from_str_name)),
        hand_back_time: it.hand_back_time.map(timestamp),
    }
}

/// Whether a manager is to be told; what belongs to the other kind is a fault then.
pub fn is_hierarchical(faults: &mut Violations, request: &pb::EscalateTicketRequest) -> bool {
    match pb::EscalationKind::try_from(request.kind) {
        Ok(pb::EscalationKind::Hierarchical) => {
            for (field, given) in [
                ("mode", request.mode != 0),
                ("target", request.target.is_some()),
                ("override_policy", request.override_policy),
            ] {
                if given {
                    faults.add(field, "goes with the kind FUNCTIONAL only");
                }
            }
            true
        }
        Ok(_) => false,
        Err(_) => {
            faults.add("kind", format!("{} is no known value", request.kind));
            false
        }
    }
}

/// Whom an event is for, as [`super::Audience`] told it.
pub fn audience(event: &Event) -> Option<pb::EventAudience> {
    let agent = |key: &str| format!("tenants/{}/agents/{key}", event.tenant_id);
    let members = event.details.get("audience")?.as_array()?;
    let of = |kind: &str| {
        let named = members.iter().filter_map(Value::as_str);
        named.filter_map(|one| one.strip_prefix(kind)).map(str::to_owned).collect::<Vec<_>>()
    };
    let passed_over = event.details.get("passed_over").and_then(Value::as_array);
    let passed_over = passed_over.into_iter().flatten().map(|one| pb::PassedOver {
        agent: agent(one["agent"].as_str().unwrap_or_default()),
        reason: one["reason"].as_str().unwrap_or_default().to_owned(),
    });
    Some(pb::EventAudience {
        agents: of("agent:").iter().map(|key| agent(key)).collect(),
        teams: of("team:"),
        called: event.details.get("called").and_then(Value::as_str).map(agent).unwrap_or_default(),
        passed_over: passed_over.collect(),
    })
}
