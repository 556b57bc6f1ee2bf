//! Agents as messages and back.

use ticketing_proto::v1 as pb;

use super::{Agent, Availability, Loaded, MAX_DISPLAY_NAME, read::Workload, upsert::Upsert};
use crate::{
    error::{Result, Violations},
    ids::{TenantId, child_of},
    tickets::wire,
    time::Time,
};

/// What UpsertAgent asks for, and for which tenant.
pub fn upsert(faults: &mut Violations, request: &pb::UpsertAgentRequest) -> Result<(TenantId, Upsert)> {
    let empty = pb::Agent::default();
    let agent = request.agent.as_ref().unwrap_or(&empty);
    let (tenant, key) = child_of("agent.name", &agent.name, "agents")?;
    let upsert = Upsert {
        key: key.to_owned(),
        version: wire::version(faults, "agent.etag", &agent.etag),
        display_name: wire::text(faults, "agent.display_name", &agent.display_name, MAX_DISPLAY_NAME),
        teams: agent.teams.clone(),
        // A level that is not given is the lowest.
        skills: agent
            .skills
            .iter()
            .map(|has| (has.skill.clone(), if has.level == 0 { 1 } else { has.level }))
            .collect(),
        capacity: agent.capacity,
        calendar: agent.calendar.clone(),
        validate_only: request.validate_only,
    };
    Ok((tenant, upsert))
}

pub fn availability(faults: &mut Violations, field: &str, value: i32) -> Option<Availability> {
    let name = |value: &pb::Availability| value.as_str_name();
    if value == 0 {
        faults.add(field, "is required");
    }
    wire::code(faults, field, value, name, "AVAILABILITY_", Availability::parse)
}

/// The agent as it is to be told at a time: an absence that is over is none.
pub fn agent(agent: &Agent, now: Time) -> pb::Agent {
    let away = agent.is_away(now);
    pb::Agent {
        name: agent.name(),
        etag: agent.etag(),
        display_name: agent.display_name.clone(),
        teams: agent.teams.clone(),
        skills: agent
            .skills
            .iter()
            .map(|(skill, level)| pb::AgentSkill { skill: skill.clone(), level: *level })
            .collect(),
        capacity: agent.capacity,
        availability: if away { pb::Availability::Away } else { pb::Availability::Available }.into(),
        availability_until_time: agent.availability_until_time.filter(|_| away).map(wire::timestamp),
        calendar: agent.calendar.clone(),
        create_time: Some(wire::timestamp(agent.create_time)),
        update_time: Some(wire::timestamp(agent.update_time)),
        cool_down_until_time: agent.cool_down_until_time.filter(|until| now < *until).map(wire::timestamp),
        last_assign_time: agent.last_assign_time.map(wire::timestamp),
    }
}

pub fn workload(workload: &Workload) -> pb::Workload {
    let count = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
    let Loaded { agent, used, .. } = &workload.loaded;
    pb::Workload {
        agent: agent.name(),
        used: count(*used),
        capacity: agent.capacity,
        states: workload
            .states
            .iter()
            .map(|(state, owned)| pb::StateCount { state: state.name().to_owned(), count: count(*owned) })
            .collect(),
        offered_count: count(workload.offered),
        on_shift: workload.shift.on,
        shift_change_time: workload.shift.change_time.map(wire::timestamp),
    }
}
