//! A question about a resolution, and its answer.

use serde::{Deserialize, Serialize};

use super::token::Token;
use crate::{
    configuration::{FeedbackScale, Survey},
    ctx::{ActorKind, Ctx},
    error::Error,
    events::EventType,
    filter::{Field, Kind, Schema},
    ids::{Id, TenantId},
    tickets::{Change, Ticket, codes},
    time::Time,
};

codes! {
    /// Whether there is an answer.
    State { Requested = "REQUESTED", Given = "GIVEN", }
}

/// What a filter may name.
pub const FIELDS: Schema = Schema(&[
    Field { name: "survey", column: "survey", kind: Kind::Text },
    Field { name: "state", column: "state", kind: Kind::Enum(State::NAMES) },
    Field { name: "score", column: "score", kind: Kind::Int },
    Field { name: "agent", column: "agent", kind: Kind::Text },
    Field { name: "level", column: "level", kind: Kind::Text },
    Field { name: "team", column: "team", kind: Kind::Text },
    Field { name: "queue", column: "queue", kind: Kind::Text },
    Field { name: "organization", column: "organization", kind: Kind::Text },
    Field { name: "request_time", column: "request_time", kind: Kind::Time },
    Field { name: "give_time", column: "give_time", kind: Kind::Time },
]);

/// What was asked and answered. Field names are the columns of `feedback`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Feedback {
    pub tenant_id: TenantId,
    pub id: Id,
    pub ticket_id: Id,
    pub survey: String,
    pub scale: FeedbackScale,
    pub state: State,
    /// Empty: the person was erased.
    pub contact: String,
    pub agent: String,
    pub level: String,
    pub team: String,
    pub queue: String,
    pub organization: String,
    pub resolve_time: Time,
    pub request_time: Time,
    /// Of the secret that answers; nobody is shown it.
    #[serde(skip)]
    pub token_hash: Option<Vec<u8>>,
    pub token_expire_time: Option<Time>,
    pub token_issuer_kind: Option<ActorKind>,
    pub token_issuer_id: Option<String>,
    pub score: Option<i32>,
    pub comment: String,
    pub give_time: Option<Time>,
}

impl Feedback {
    /// A question about how the ticket was resolved.
    pub fn new(ctx: &Ctx, ticket: &Ticket, survey: &Survey, resolve_time: Time, id: Id) -> Self {
        Self {
            tenant_id: ticket.tenant_id.clone(),
            id,
            ticket_id: ticket.id,
            survey: survey.key.clone(),
            scale: survey.scale,
            state: State::Requested,
            contact: ticket.requester.clone(),
            agent: ticket.assignee.clone().unwrap_or_default(),
            level: ticket.level.clone(),
            team: ticket.team.clone(),
            queue: ticket.queue.clone(),
            organization: ticket.organization.clone(),
            resolve_time,
            request_time: ctx.now,
            token_hash: None,
            token_expire_time: None,
            token_issuer_kind: None,
            token_issuer_id: None,
            score: None,
            comment: String::new(),
            give_time: None,
        }
    }

    pub fn name(&self) -> String {
        format!("tenants/{}/tickets/{}/feedback/{}", self.tenant_id, self.ticket_id, self.id)
    }

    /// Whether the token is the one that was made last for this question.
    pub fn is_answered_by(&self, token: &Token) -> bool {
        // Hashes are compared, so that the time it takes tells nothing of the secret.
        self.id == token.id && self.token_hash.as_deref() == Some(&token.hash()[..])
    }

    /// Tells on the ticket what is asked, or answered. What the customer wrote stays here.
    pub fn tell(&self, ctx: &Ctx, ticket: Ticket, kind: EventType) -> Change {
        Change::of(ticket).step(ctx, kind, |_, event| {
            event.rule.clone_from(&self.survey);
            let details = &mut event.details;
            details.insert("feedback".into(), self.id.to_string().into());
            details.insert("survey".into(), self.survey.clone().into());
            details.insert("scale".into(), self.scale.name().into());
            details.insert("score".into(), self.score.into());
            details.insert("request_time".into(), self.request_time.to_string().into());
        })
    }
}

pub fn missing(tenant: &TenantId, ticket: Id, id: Id) -> Error {
    Error::not_found("feedback", format!("tenants/{tenant}/tickets/{ticket}/feedback/{id}"))
}

#[cfg(test)]
pub mod fixture {
    use super::*;
    use crate::{
        ctx::Role,
        tickets::{State as Of, fixture},
    };

    pub fn survey() -> Survey {
        Survey { key: "satisfaction".into(), scale: FeedbackScale::Csat, ..Survey::default() }
    }

    /// Of a ticket that is resolved, asked at the fixture's start.
    pub fn feedback() -> Feedback {
        let ticket = Ticket { requester: "carla".into(), ..fixture::ticket(Of::Resolved) };
        let ctx = fixture::ctx(Role::Agent);
        Feedback::new(&ctx, &ticket, &survey(), ctx.now, fixture::id(70))
    }
}
