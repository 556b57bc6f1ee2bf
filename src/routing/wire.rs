//! Routing decisions as messages.

use ticketing_proto::v1 as pb;

use super::{Decision, candidates::Rejection};
use crate::{error::Error, ids::TenantId, tickets::wire::timestamp, time::Time};

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
            })
            .collect(),
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
