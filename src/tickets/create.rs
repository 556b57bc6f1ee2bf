//! Recording a ticket: what intake asks for, what follows from the configuration, where it goes first.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Change, Channel, FieldValue, Impact, Json, Kind, MAX_ANNOTATIONS, MAX_TAGS, State, Ticket, Urgency,
    lines::Draft,
};
use crate::{
    access::Permission,
    app::App,
    configuration::{Configuration, FieldType},
    ctx::Ctx,
    error::{Result, Violations},
    ids::Id,
    routing,
};

/// What to record; keys are plain, texts are within their limits.
#[derive(Clone, Debug)]
pub struct Create {
    pub kind: Kind,
    pub channel: Channel,
    pub title: String,
    pub description: String,
    pub requester: String,
    pub organization: String,
    pub category: String,
    pub product: String,
    pub language_code: String,
    pub impact: Impact,
    pub urgency: Urgency,
    pub priority: String,
    pub custom_fields: BTreeMap<String, FieldValue>,
    pub tags: Vec<String>,
    pub annotations: BTreeMap<String, String>,
    pub external_key: Option<(String, String)>,
    pub follow_up_of: Option<Id>,
    pub on_conflict: OnConflict,
    pub validate_only: bool,
}

/// What to do when the external key is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    Fail,
    ReturnExisting,
    AddComment,
}

/// Which version of which ticket a call led to: the answer of a repetition is that version, read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub ticket: Id,
    pub version: i64,
}

/// What a write answers.
#[derive(Clone, Debug)]
pub struct Written {
    pub ticket: Ticket,
    pub replayed: bool,
    /// The external key led to a ticket that was there.
    pub existing: bool,
}

/// The rule. Every fault is named at once.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    create: &Create,
    id: Id,
    number: i64,
) -> Result<Change> {
    let mut faults = Violations::default();
    check(configuration, create, &mut faults);
    if !create.priority.is_empty() {
        ctx.actor.require(Permission::TicketsDispatch)?;
    }
    faults.into_result()?;
    let mut ticket = intake(ctx, configuration, create, id, number);
    let decision = routing::decide(configuration, &ticket);
    decision.settle(configuration, &mut ticket, ctx.now);
    Ok(Change::created(ctx, ticket, |event| decision.explain(event)))
}

/// What refers to the configuration must be there.
fn check(configuration: &Configuration, create: &Create, faults: &mut Violations) {
    if !create.category.is_empty() && configuration.category(&create.category).is_none() {
        faults.add("ticket.category", format!("no category {:?} is configured", create.category));
    }
    if !create.priority.is_empty() && configuration.priority_rank(&create.priority).is_none() {
        faults.add("ticket.priority", format!("no priority {:?} is configured", create.priority));
    }
    if create.tags.len() > MAX_TAGS {
        faults.add("ticket.tags", format!("must be at most {MAX_TAGS}"));
    }
    check_custom_fields(configuration, &create.custom_fields, faults);
    check_annotations(&create.annotations, faults);
}

/// Custom fields must be configured and have the type that is configured.
pub fn check_custom_fields(
    configuration: &Configuration,
    values: &BTreeMap<String, FieldValue>,
    faults: &mut Violations,
) {
    for (key, value) in values {
        let path = format!("ticket.custom_fields.{key}");
        let Some(field) = configuration.custom_field(key) else {
            faults.add(path, "no such custom field is configured");
            continue;
        };
        match (field.kind, value) {
            (FieldType::String, FieldValue::String(text)) if text.chars().count() > 4096 => {
                faults.add(path, "must be at most 4096 characters");
            }
            (FieldType::Choice, FieldValue::String(option)) if !field.options.contains(option) => {
                faults.add(path, format!("must be one of: {}", field.options.join(", ")));
            }
            (FieldType::String | FieldType::Choice, FieldValue::String(_))
            | (FieldType::Int, FieldValue::Int(_))
            | (FieldType::Bool, FieldValue::Bool(_))
            | (FieldType::Time, FieldValue::Time(_)) => {}
            (kind, _) => faults.add(path, format!("must be of type {kind:?}")),
        }
    }
}

pub fn check_annotations(annotations: &BTreeMap<String, String>, faults: &mut Violations) {
    let bytes: usize = annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    if annotations.len() > 32 || bytes > MAX_ANNOTATIONS {
        faults.add(
            "ticket.annotations",
            format!("must be at most 32 entries and {MAX_ANNOTATIONS} bytes in all"),
        );
    }
}

fn intake(ctx: &Ctx, configuration: &Configuration, create: &Create, id: Id, number: i64) -> Ticket {
    let or =
        |given: &str, default: &str| if given.is_empty() { default.to_owned() } else { given.to_owned() };
    let priority =
        or(&create.priority, configuration.priority_for(create.impact.name(), create.urgency.name()));
    Ticket {
        tenant_id: ctx.tenant.clone(),
        id,
        number,
        version: 1,
        state: State::New,
        kind: create.kind,
        channel: create.channel,
        title: create.title.clone(),
        description: create.description.clone(),
        requester: create.requester.clone(),
        organization: create.organization.clone(),
        category: create.category.clone(),
        product: create.product.clone(),
        language_code: or(&create.language_code, &configuration.document.default_language_code),
        impact: create.impact,
        urgency: create.urgency,
        priority_rank: configuration.priority_rank(&priority).map_or(i32::MAX, |rank| rank as i32),
        priority,
        custom_fields: Json(create.custom_fields.clone()),
        tags: create.tags.clone(),
        annotations: Json(create.annotations.clone()),
        external_source: create.external_key.as_ref().map(|(source, _)| source.clone()),
        external_id: create.external_key.as_ref().map(|(_, id)| id.clone()),
        level: String::new(),
        queue: String::new(),
        team: String::new(),
        assignee: None,
        followers: Vec::new(),
        escalated: false,
        pending_escalation: None,
        vendor_reference: String::new(),
        hold_reason: String::new(),
        hold_until_time: None,
        resolution: None,
        follow_up_of: create.follow_up_of,
        first_level: String::new(),
        highest_level: String::new(),
        teams: Vec::new(),
        transfer_count: 0,
        return_count: 0,
        reopen_count: 0,
        imported: false,
        configuration_revision: configuration.revision,
        create_time: ctx.now,
        update_time: ctx.now,
        queue_time: None,
        assign_time: None,
        resolve_time: None,
        close_time: None,
        auto_close_time: None,
    }
}

/// Records a ticket; answers when it is on disk.
pub async fn create(app: &App, ctx: &Ctx, create: Create) -> Result<Written> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let number = if create.validate_only { 0 } else { app.numbers.take(&ctx.tenant, 1).await?[0] };
    let change = decide(ctx, &configuration, &create, app.ids.next(), number)?;
    if create.validate_only {
        return Ok(Written { ticket: change.next, replayed: false, existing: false });
    }
    let external = create.external_key.is_some();
    app.lines.create(app, Draft { ctx: ctx.clone(), change, external }, create.on_conflict).await
}
