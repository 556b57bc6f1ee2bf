//! Feedback as messages, and what an event tells of it.

use ticketing_proto::v1 as pb;

use super::{
    Feedback, State,
    summarize::{Estimate, Summary},
};
use crate::{
    configuration::FeedbackScale,
    entitlements::wire::organization,
    error::{Error, Result},
    events::Event,
    ids::{Id, TenantId, grandchild_of, tenant_of},
    tickets::wire::{actor_kind, ticket_name, timestamp},
    time::Time,
};

pub fn feedback_name(name: &str) -> Result<(TenantId, Id, Id)> {
    let (tenant, ticket, id) = grandchild_of("name", name, "feedback")?;
    let id = id.parse().map_err(|()| Error::not_found("feedback", name))?;
    Ok((tenant, ticket, id))
}

/// A tenant, or a ticket of one.
pub fn parent(parent: &str) -> Result<(TenantId, Option<Id>)> {
    if parent.contains("/tickets/") {
        return ticket_name("parent", parent).map(|(tenant, id)| (tenant, Some(id)));
    }
    Ok((tenant_of(parent)?, None))
}

pub fn feedback(it: Feedback) -> pb::Feedback {
    let tenant = &it.tenant_id;
    let named = |collection: &str, key: &str| {
        if key.is_empty() { String::new() } else { format!("tenants/{tenant}/{collection}/{key}") }
    };
    let issuer = it.token_issuer_kind.zip(it.token_issuer_id.clone());
    pb::Feedback {
        name: it.name(),
        scale: scale(it.scale).into(),
        state: match it.state {
            State::Requested => pb::FeedbackState::Requested,
            State::Given => pb::FeedbackState::Given,
        }
        .into(),
        contact: named("contacts", &it.contact),
        agent: named("agents", &it.agent),
        organization: organization(tenant, &it.organization),
        resolve_time: Some(timestamp(it.resolve_time)),
        request_time: Some(timestamp(it.request_time)),
        token_issuer: issuer.map(|(kind, id)| pb::Actor { kind: actor_kind(kind), id }),
        token_expire_time: it.token_expire_time.map(timestamp),
        give_time: it.give_time.map(timestamp),
        survey: it.survey,
        level: it.level,
        team: it.team,
        queue: it.queue,
        score: it.score,
        comment: it.comment,
    }
}

fn scale(scale: FeedbackScale) -> pb::FeedbackScale {
    match scale {
        FeedbackScale::Unspecified => pb::FeedbackScale::Unspecified,
        FeedbackScale::Csat => pb::FeedbackScale::Csat,
        FeedbackScale::Nps => pb::FeedbackScale::Nps,
        FeedbackScale::Ces => pb::FeedbackScale::Ces,
    }
}

pub fn summary(survey: String, summary: Summary) -> pb::FeedbackSummary {
    let scores = summary.scores.into_iter();
    pb::FeedbackSummary {
        survey,
        scale: scale(summary.scale).into(),
        request_count: summary.asked,
        response_count: summary.answered,
        response_rate: summary.response_rate.map(estimate),
        mean: summary.mean.map(estimate),
        scores: scores.map(|(score, count)| pb::ScoreCount { score, count }).collect(),
        satisfied_share: summary.satisfied_share.map(estimate),
        net_promoter_score: summary.net_promoter_score.map(estimate),
    }
}

fn estimate(Estimate { value, interval }: Estimate) -> pb::Estimate {
    pb::Estimate { value, low: interval.map(|(low, _)| low), high: interval.map(|(_, high)| high) }
}

/// What an event tells of feedback; absent: nothing.
pub fn of_event(event: &Event) -> Option<pb::FeedbackNotice> {
    let text = |field: &str| event.details.get(field).and_then(|it| it.as_str()).unwrap_or_default();
    let id: Id = text("feedback").parse().ok()?;
    let asked: Option<Time> = text("request_time").parse().ok();
    let score = event.details.get("score").and_then(|it| it.as_i64());
    Some(pb::FeedbackNotice {
        feedback: format!("tenants/{}/tickets/{}/feedback/{id}", event.tenant_id, event.ticket_id),
        survey: text("survey").to_owned(),
        scale: FeedbackScale::parse(text("scale")).map_or(pb::FeedbackScale::Unspecified, scale).into(),
        score: score.and_then(|it| it.try_into().ok()),
        request_time: asked.map(timestamp),
    })
}
