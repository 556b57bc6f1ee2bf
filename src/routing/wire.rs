//! Routing decisions as messages.

use ticketing_proto::v1 as pb;

use super::{Decision, candidates::Rejection, decline_offer::DeclineReason, queue_stats::QueueStats};
use crate::{
    error::{Error, Violations},
    ids::TenantId,
    tickets::wire::{code, timestamp},
    time::Time,
};

/// A decision as a message; `taken`: its name and when it was taken, `None` in a preview.
pub fn decision(
    tenant: &TenantId,
    decision: &Decision,
    taken: Option<(String, Time)>,
) -> pb::RoutingDecision {
    let agent = |key: &str| {
        if key.is_empty() { String::new() } else { format!("tenants/{tenant}/agents/{key}") }
    };
    let (name, create_time) = taken.unzip();
    pb::RoutingDecision {
        name: name.unwrap_or_default(),
        create_time: create_time.map(timestamp),
        configuration_revision: decision.configuration_revision,
        rule: decision.rule.clone(),
        trials: decision
            .trials
            .iter()
            .map(|trial| pb::RuleTrial {
                rule: trial.rule.clone(),
                matched: trial.matched,
                error: trial.error.clone(),
            })
            .collect(),
        queue: decision.queue.clone(),
        team: decision.team.clone(),
        level: decision.level.clone(),
        priority: decision.priority.clone(),
        assignee: agent(&decision.assignee),
        candidates: decision
            .candidates
            .iter()
            .map(|candidate| pb::Candidate {
                agent: agent(&candidate.agent),
                used: i32::try_from(candidate.used).unwrap_or(i32::MAX),
                capacity: candidate.capacity,
                rejection: candidate.rejection.map_or("", Rejection::name).to_owned(),
                former_assignee: candidate.former_assignee,
                same_organization: candidate.same_organization,
                last_assign_time: candidate.last_assign_time.map(timestamp),
            })
            .collect(),
        offered: decision.offered,
        skills: decision
            .skills
            .iter()
            .map(|need| pb::SkillRequirement { skill: need.skill.clone(), min_level: need.min_level })
            .collect(),
        weight: i32::try_from(decision.weight).unwrap_or(i32::MAX),
        further_rejections: decision
            .further_rejections
            .iter()
            .map(|(rejection, count)| (rejection.name().to_owned(), *count))
            .collect(),
        overflow_from: decision.overflow_from.clone(),
    }
}

pub fn decline_reason(faults: &mut Violations, reason: i32) -> DeclineReason {
    let field = "decline_reason";
    let name = |value: &pb::OfferDeclineReason| value.as_str_name();
    if reason == 0 {
        faults.add(field, "is required");
    }
    let reason = code(faults, field, reason, name, "OFFER_DECLINE_REASON_", DeclineReason::parse);
    reason.unwrap_or(DeclineReason::Other)
}

pub fn queue_stats(tenant: &TenantId, queue: &str, stats: &QueueStats) -> pb::QueueStats {
    let count = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
    let QueueStats { read_time, depth, staffing } = stats;
    let wait =
        |percentile| depth.wait(percentile).and_then(|wait| prost_types::Duration::try_from(wait).ok());
    pb::QueueStats {
        queue: format!("tenants/{tenant}/queues/{queue}"),
        read_time: Some(timestamp(*read_time)),
        depth: count(depth.waiting),
        offered_count: count(depth.offered),
        escalated_count: count(depth.escalated),
        exhausted_count: count(depth.exhausted),
        oldest_queue_time: depth.oldest.map(timestamp),
        wait_p50_duration: wait(0),
        wait_p90_duration: wait(1),
        wait_p99_duration: wait(2),
        agent_count: count(staffing.agents),
        present_agent_count: count(staffing.present),
        free_agent_count: count(staffing.free),
        room: count(staffing.room),
    }
}

/// A draft's faults stand at `draft`, not at `ticket` as those of a request to record it.
pub fn of_draft(error: Error) -> Error {
    let Error::Invalid(reason, mut violations) = error else { return error };
    for violation in &mut violations {
        if let Some(field) = violation.field.strip_prefix("ticket.") {
            violation.field = format!("draft.{field}");
        }
    }
    Error::Invalid(reason, violations)
}

/// The name of the decision that led to a version of a ticket.
pub fn decision_name(ticket: &str, version: i64) -> String {
    format!("{ticket}/routingDecisions/{version}")
}
