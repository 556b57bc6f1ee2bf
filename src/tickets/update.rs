//! Changing what was recorded at intake. Never moves the ticket; the priority follows from impact and urgency unless
//! it is given.

use std::collections::BTreeMap;

use super::{
    Change, FieldValue, Impact, Kind, Ticket, Urgency, Verb, Written, advance,
    intake::{check_annotations, check_category, check_custom_field, check_priority},
    write::{Target, write},
};
use crate::{
    access::Permission,
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    error::{Result, Violations},
    events::EventType,
};

#[derive(Clone, Debug)]
pub struct Update {
    pub target: Target,
    pub edits: Vec<Edit>,
    /// What is wrong with it already, so that the rule can name everything at once.
    pub faults: Violations,
}

/// One field and its new value; empty clears it.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    Title(String),
    Description(String),
    Kind(Kind),
    Requester(String),
    Organization(String),
    Category(String),
    Product(String),
    /// Empty: the configuration's default.
    LanguageCode(String),
    Impact(Impact),
    Urgency(Urgency),
    /// Empty: the one that follows from impact and urgency.
    Priority(String),
    /// All of them.
    CustomFields(BTreeMap<String, FieldValue>),
    CustomField(String, Option<FieldValue>),
    /// All of them.
    Annotations(BTreeMap<String, String>),
    Annotation(String, Option<String>),
}

/// The rule. Every fault is named at once; an update that changes nothing is no event.
pub fn decide(ctx: &Ctx, configuration: &Configuration, ticket: Ticket, update: &Update) -> Result<Change> {
    advance(ticket.state, Verb::Update)?;
    let mut next = ticket.clone();
    for edit in &update.edits {
        edit.clone().apply(configuration, &mut next);
    }
    let mut faults = update.faults.clone();
    check(configuration, &ticket, &next, &mut faults);
    faults.into_result()?;
    prioritise(ctx, configuration, &ticket, &mut next, &update.edits)?;
    if next == ticket {
        return Ok(Change::of(ticket));
    }
    Ok(Change::of(ticket).step(ctx, EventType::TicketUpdated, |ticket, event| {
        let (version, update_time) = (ticket.version, ticket.update_time);
        *ticket = Ticket { version, update_time, ..next };
        event.configuration_revision = configuration.revision;
    }))
}

impl Edit {
    fn apply(self, configuration: &Configuration, ticket: &mut Ticket) {
        match self {
            Self::Title(value) => ticket.title = value,
            Self::Description(value) => ticket.description = value,
            Self::Kind(value) => ticket.kind = value,
            Self::Requester(value) => ticket.requester = value,
            Self::Organization(value) => ticket.organization = value,
            Self::Category(value) => ticket.category = value,
            Self::Product(value) => ticket.product = value,
            Self::LanguageCode(value) if value.is_empty() => {
                ticket.language_code.clone_from(&configuration.document.default_language_code);
            }
            Self::LanguageCode(value) => ticket.language_code = value,
            Self::Impact(value) => ticket.impact = value,
            Self::Urgency(value) => ticket.urgency = value,
            Self::Priority(value) => ticket.priority = value,
            Self::CustomFields(values) => ticket.custom_fields.0 = values,
            Self::CustomField(key, Some(value)) => _ = ticket.custom_fields.insert(key, value),
            Self::CustomField(key, None) => _ = ticket.custom_fields.remove(&key),
            Self::Annotations(values) => ticket.annotations.0 = values,
            Self::Annotation(key, Some(value)) => _ = ticket.annotations.insert(key, value),
            Self::Annotation(key, None) => _ = ticket.annotations.remove(&key),
        }
    }
}

/// What changed must be valid by the configuration in force; what stays is not questioned again.
fn check(configuration: &Configuration, before: &Ticket, after: &Ticket, faults: &mut Violations) {
    if after.category != before.category {
        check_category(configuration, &after.category, faults);
    }
    if after.priority != before.priority {
        check_priority(configuration, &after.priority, faults);
    }
    for (key, value) in &*after.custom_fields {
        if before.custom_fields.get(key) != Some(value) {
            check_custom_field(configuration, key, value, faults);
        }
    }
    if after.annotations != before.annotations {
        check_annotations(&after.annotations, faults);
    }
}

/// Whoever sets another priority than the one that would follow needs the right to.
fn prioritise(
    ctx: &Ctx,
    configuration: &Configuration,
    before: &Ticket,
    after: &mut Ticket,
    edits: &[Edit],
) -> Result<()> {
    let matrix = configuration.priority_for(after.impact.name(), after.urgency.name());
    let weighed_anew = (after.impact, after.urgency) != (before.impact, before.urgency);
    let follows = if weighed_anew { matrix } else { &before.priority };
    let priority = edits.iter().rev().find_map(|edit| match edit {
        Edit::Priority(given) if given.is_empty() => Some(matrix),
        Edit::Priority(given) => Some(given),
        _ => None,
    });
    let priority = priority.unwrap_or(follows);
    if priority != follows {
        ctx.actor.require(Permission::TicketsDispatch)?;
    }
    if priority == before.priority {
        after.priority.clone_from(&before.priority);
    } else {
        after.prioritise(configuration, priority);
    }
    Ok(())
}

pub async fn update(app: &App, ctx: &Ctx, update: Update) -> Result<Written> {
    write(app, ctx, &update.target, |configuration, ticket| decide(ctx, configuration, ticket, &update)).await
}
