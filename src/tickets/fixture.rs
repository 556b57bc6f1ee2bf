//! What the tests of the rules stand on: callers, the sample configuration, a ticket as intake leaves it.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use super::{
    Channel, Create, Impact, Kind, OnConflict, State, Target, Ticket, Urgency, change::Change, create::decide,
};
use crate::{
    configuration::{Configuration, Document},
    ctx::{Action, Actor, ActorKind, Ctx, Role},
    error::{Error, Result, Violations},
    ids::{Id, TenantId},
    time::Time,
};

/// A Monday morning.
pub fn start() -> Time {
    "2026-03-02T08:00:00Z".parse().expect("a time")
}

/// A call of the agent anna, who holds this role.
pub fn ctx(role: Role) -> Ctx {
    let kind = if role == Role::Customer { ActorKind::Customer } else { ActorKind::Agent };
    Ctx {
        tenant: TenantId::parse("acme").expect("a tenant"),
        actor: Actor { kind, id: "anna".to_owned(), roles: vec![role], tenants: None },
        now: start(),
        recorded: start(),
        request: None,
        traceparent: String::new(),
        action: Action { method: "test".into(), administers: false },
        call_id: Arc::default(),
    }
}

pub fn document() -> Document {
    serde_saphyr::from_str(include_str!("../../demo/configuration.yaml")).expect("the sample configuration")
}

pub fn configuration() -> &'static Configuration {
    static SAMPLE: LazyLock<Configuration> = LazyLock::new(|| Configuration::new(7, document()));
    &SAMPLE
}

pub fn create() -> Create {
    Create {
        faults: Violations::default(),
        kind: Kind::Incident,
        channel: Channel::Phone,
        title: "Drucker druckt nicht".to_owned(),
        description: String::new(),
        requester: String::new(),
        organization: String::new(),
        plan: String::new(),
        restricted: false,
        category: String::new(),
        product: String::new(),
        language_code: String::new(),
        impact: Impact::Medium,
        urgency: Urgency::Medium,
        priority: String::new(),
        custom_fields: BTreeMap::new(),
        tags: Vec::new(),
        annotations: BTreeMap::new(),
        external_key: None,
        follow_up_of: None,
        on_conflict: OnConflict::Fail,
        validate_only: false,
    }
}

/// A ticket in this state, in the queue of the first level.
pub fn ticket(state: State) -> Ticket {
    let change = decide(&ctx(Role::Agent), configuration(), &create(), id(1), 1).expect("recorded");
    Ticket { state, ..change.next }
}

pub fn id(number: u128) -> Id {
    Id(uuid::Uuid::from_u128(number))
}

/// The ticket with something said.
pub fn target() -> Target {
    Target { note: "so be it".to_owned(), reason: "R1".to_owned(), ..Target::of(id(1)) }
}

/// The reason of a refusal, or what was decided, in a word.
pub fn outcome(decided: &Result<Change>) -> String {
    use crate::error::ReasonName;
    match decided {
        Ok(change) if change.is_empty() => "nothing".to_owned(),
        Ok(change) => change.events.iter().map(|event| event.kind.name()).collect::<Vec<_>>().join(" "),
        Err(error) => error.reason().name().to_owned(),
    }
}

/// The fields that are at fault.
pub fn faults<T>(result: Result<T>) -> Vec<String> {
    match result {
        Err(Error::Invalid(_, violations)) => violations.into_iter().map(|v| v.field).collect(),
        Err(other) => panic!("{other}"),
        Ok(_) => Vec::new(),
    }
}
