//! A ticket for the tests of rules: recorded, nobody has it, in the queue `desk` of the team `desk` at L1.

use super::{Channel, Impact, Json, Kind, State, Ticket, Urgency};
use crate::{
    ids::{Id, TenantId},
    time::Time,
};

/// When it was recorded.
pub const RECORDED: &str = "2026-01-05T08:00:00Z";

pub fn sample() -> Ticket {
    let recorded: Time = RECORDED.parse().expect("a time");
    Ticket {
        tenant_id: TenantId::parse("acme").expect("a tenant"),
        id: Id(uuid::Uuid::from_u128(1)),
        number: 1,
        version: 1,
        state: State::New,
        kind: Kind::Incident,
        channel: Channel::Phone,
        title: "Printer is silent".into(),
        description: String::new(),
        requester: String::new(),
        organization: String::new(),
        category: String::new(),
        product: String::new(),
        language_code: "en".into(),
        impact: Impact::Medium,
        urgency: Urgency::Medium,
        priority: "P3".into(),
        priority_rank: 2,
        custom_fields: Json::default(),
        tags: Vec::new(),
        annotations: Json::default(),
        external_source: None,
        external_id: None,
        level: "L1".into(),
        queue: "desk".into(),
        team: "desk".into(),
        assignee: None,
        followers: Vec::new(),
        escalated: false,
        pending_escalation: None,
        vendor_reference: String::new(),
        hold_reason: String::new(),
        hold_until_time: None,
        resolution: None,
        follow_up_of: None,
        first_level: "L1".into(),
        highest_level: "L1".into(),
        teams: vec!["desk".into()],
        transfer_count: 0,
        return_count: 0,
        reopen_count: 0,
        imported: false,
        configuration_revision: 1,
        create_time: recorded,
        update_time: recorded,
        queue_time: Some(recorded),
        assign_time: None,
        resolve_time: None,
        close_time: None,
        auto_close_time: None,
    }
}
