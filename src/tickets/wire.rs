//! Tickets as messages and back. Every fault of a message is named at once, by its path.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ticketing_proto::v1 as pb;

use super::{
    Channel, Create, FieldValue, HoldKind, Impact, Kind, MAX_NOTE, MAX_TEXT, MAX_TITLE, OnConflict,
    Resolution, Target, Ticket, Urgency, Written,
};
use crate::{
    ctx::ActorKind,
    error::{Error, Result, Violations},
    ids::{Id, TenantId, child_of, is_key},
    time::Time,
};

/// How much of a ticket an answer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Basic,
    Full,
}

/// The view that was asked for, or the method's default.
pub fn view(field: &str, view: i32, default: View) -> Result<View> {
    match pb::TicketView::try_from(view) {
        Ok(pb::TicketView::Unspecified) => Ok(default),
        Ok(pb::TicketView::Basic) => Ok(View::Basic),
        Ok(pb::TicketView::Full) => Ok(View::Full),
        Err(_) => Err(Error::field(field, "is no known view")),
    }
}

/// An enum value of a message as one of our codes: `PREFIX_CODE` without its prefix. Unspecified is `None`.
pub fn code<P: TryFrom<i32>, C>(
    faults: &mut Violations,
    field: &str,
    value: i32,
    name: fn(&P) -> &'static str,
    prefix: &str,
    parse: fn(&str) -> Option<C>,
) -> Option<C> {
    if value == 0 {
        return None;
    }
    let known = P::try_from(value).ok().and_then(|value| parse(name(&value).strip_prefix(prefix)?));
    if known.is_none() {
        faults.add(field, format!("{value} is no known value"));
    }
    known
}

/// Text within its limit, without characters that Postgres cannot keep.
pub fn text(faults: &mut Violations, field: &str, text: &str, max: usize) -> String {
    if text.chars().count() > max {
        faults.add(field, format!("must be at most {max} characters"));
    } else if text.contains('\0') {
        faults.add(field, "must not contain NUL");
    }
    text.to_owned()
}

/// A reference by name (`tenants/{tenant}/{collection}/{key}`) as the key; empty stays empty.
pub fn reference(
    faults: &mut Violations,
    field: &str,
    name: &str,
    tenant: &TenantId,
    collection: &str,
) -> String {
    if name.is_empty() {
        return String::new();
    }
    match child_of(field, name, collection) {
        Ok((found, key)) if found == *tenant => return key.to_owned(),
        Ok(_) => faults.add(field, "must be of the same tenant"),
        Err(_) => faults.add(field, format!("must be tenants/{{tenant}}/{collection}/{{key}}")),
    }
    String::new()
}

/// An instant of a message; out of range is a fault.
pub fn time(faults: &mut Violations, field: &str, time: Option<&prost_types::Timestamp>) -> Option<Time> {
    let time = time?;
    match Timestamp::new(time.seconds, time.nanos) {
        Ok(timestamp) => Some(Time::new(timestamp)),
        Err(_) => {
            faults.add(field, "is no valid time");
            None
        }
    }
}

pub fn timestamp(time: Time) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

/// The version that an etag stands for.
pub fn version(faults: &mut Violations, field: &str, etag: &str) -> Option<i64> {
    if etag.is_empty() {
        return None;
    }
    let version = etag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).and_then(|v| v.parse().ok());
    if version.is_none() {
        faults.add(field, "is no etag of this service; send back the one that was read");
    }
    version
}

/// Takes `tenants/{tenant}/tickets/{id}` apart; a number is for GetTicket alone.
pub fn ticket_name(field: &str, name: &str) -> Result<(TenantId, Id)> {
    let (tenant, id) = child_of(field, name, "tickets")?;
    let id = id.parse().map_err(|()| Error::not_found("ticket", name))?;
    Ok((tenant, id))
}

/// The fields that every verb on a ticket has.
pub fn target(
    faults: &mut Violations,
    id: Id,
    etag: &str,
    validate_only: bool,
    note: &str,
    reason: &str,
) -> Target {
    Target {
        id,
        version: version(faults, "etag", etag),
        validate_only,
        note: text(faults, "note", note, MAX_NOTE),
        reason: text(faults, "reason", reason, 64),
    }
}

pub fn hold_kind(faults: &mut Violations, field: &str, kind: i32) -> HoldKind {
    let name = |kind: &pb::HoldKind| kind.as_str_name();
    code(faults, field, kind, name, "HOLD_KIND_", HoldKind::parse).unwrap_or(HoldKind::Other)
}

pub fn resolution(faults: &mut Violations, field: &str, resolution: Option<&pb::Resolution>) -> Resolution {
    let Some(resolution) = resolution else {
        faults.add(field, "is required");
        return Resolution::default();
    };
    Resolution {
        code: text(faults, &format!("{field}.code"), &resolution.code, 64),
        summary: text(faults, &format!("{field}.summary"), &resolution.summary, MAX_NOTE),
        article: text(faults, &format!("{field}.article"), &resolution.article, 128),
        no_article_reason: text(
            faults,
            &format!("{field}.no_article_reason"),
            &resolution.no_article_reason,
            1000,
        ),
    }
}

/// What CreateTicket asks for. `path` is where the ticket stands in the request.
pub fn create(tenant: &TenantId, path: &str, request: &pb::CreateTicketRequest) -> Result<Create> {
    let mut faults = Violations::default();
    let empty = pb::Ticket::default();
    let ticket = request.ticket.as_ref().unwrap_or_else(|| {
        faults.add(path, "is required");
        &empty
    });
    let at = |field: &str| format!("{path}.{field}");
    if request.ticket.is_some() && ticket.title.trim().is_empty() {
        faults.add(at("title"), "is required");
    }
    let impact = |impact: &pb::Impact| impact.as_str_name();
    let urgency = |urgency: &pb::Urgency| urgency.as_str_name();
    let kind = |kind: &pb::TicketKind| kind.as_str_name();
    let channel = |channel: &pb::Channel| channel.as_str_name();
    let create = Create {
        kind: code(&mut faults, &at("kind"), ticket.kind, kind, "TICKET_KIND_", Kind::parse)
            .unwrap_or(Kind::Incident),
        channel: code(&mut faults, &at("channel"), ticket.channel, channel, "CHANNEL_", Channel::parse)
            .unwrap_or(Channel::Api),
        title: text(&mut faults, &at("title"), &ticket.title, MAX_TITLE),
        description: text(&mut faults, &at("description"), &ticket.description, MAX_TEXT),
        requester: reference(&mut faults, &at("requester"), &ticket.requester, tenant, "contacts"),
        organization: reference(
            &mut faults,
            &at("organization"),
            &ticket.organization,
            tenant,
            "organizations",
        ),
        category: text(&mut faults, &at("category"), &ticket.category, 64),
        product: text(&mut faults, &at("product"), &ticket.product, 128),
        language_code: text(&mut faults, &at("language_code"), &ticket.language_code, 35),
        impact: code(&mut faults, &at("impact"), ticket.impact, impact, "IMPACT_", Impact::parse)
            .unwrap_or(Impact::Medium),
        urgency: code(&mut faults, &at("urgency"), ticket.urgency, urgency, "URGENCY_", Urgency::parse)
            .unwrap_or(Urgency::Medium),
        priority: text(&mut faults, &at("priority"), &ticket.priority, 64),
        custom_fields: custom_fields(&mut faults, path, &ticket.custom_fields),
        tags: tags(&mut faults, &at("tags"), &ticket.tags),
        annotations: annotations(&mut faults, path, &ticket.annotations),
        external_key: external_key(&mut faults, path, ticket.external_key.as_ref()),
        follow_up_of: None,
        on_conflict: on_conflict(&mut faults, request.on_conflict),
        validate_only: request.validate_only,
    };
    faults.into_result()?;
    Ok(create)
}

fn on_conflict(faults: &mut Violations, value: i32) -> OnConflict {
    match pb::OnConflict::try_from(value) {
        Ok(pb::OnConflict::Unspecified | pb::OnConflict::Fail) => OnConflict::Fail,
        Ok(pb::OnConflict::ReturnExisting) => OnConflict::ReturnExisting,
        Ok(pb::OnConflict::AddComment) => OnConflict::AddComment,
        Err(_) => {
            faults.add("on_conflict", format!("{value} is no known value"));
            OnConflict::Fail
        }
    }
}

fn external_key(
    faults: &mut Violations,
    path: &str,
    key: Option<&pb::ExternalKey>,
) -> Option<(String, String)> {
    let key = key?;
    for (part, value) in [("source", &key.source), ("id", &key.id)] {
        if value.is_empty() {
            faults.add(format!("{path}.external_key.{part}"), "is required");
        }
    }
    let source = text(faults, &format!("{path}.external_key.source"), &key.source, 64);
    let id = text(faults, &format!("{path}.external_key.id"), &key.id, 255);
    Some((source, id))
}

pub fn tags(faults: &mut Violations, field: &str, tags: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(tags.len());
    for (place, tag) in tags.iter().enumerate() {
        if tag.chars().count() > 64 || !is_key(tag) {
            faults.add(
                format!("{field}[{place}]"),
                "must be 1 to 64 characters without / and control characters",
            );
        } else if !kept.contains(tag) {
            kept.push(tag.clone());
        }
    }
    kept
}

pub fn annotations(
    faults: &mut Violations,
    path: &str,
    annotations: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    if annotations.iter().any(|(key, value)| key.contains('\0') || value.contains('\0')) {
        faults.add(format!("{path}.annotations"), "must not contain NUL");
    }
    annotations.clone()
}

pub fn custom_fields(
    faults: &mut Violations,
    path: &str,
    values: &BTreeMap<String, pb::FieldValue>,
) -> BTreeMap<String, FieldValue> {
    let mut kept = BTreeMap::new();
    for (key, value) in values {
        let field = format!("{path}.custom_fields.{key}");
        match &value.kind {
            Some(pb::field_value::Kind::StringValue(value)) => {
                kept.insert(key.clone(), FieldValue::String(text(faults, &field, value, 4096)));
            }
            Some(pb::field_value::Kind::IntValue(value)) => {
                _ = kept.insert(key.clone(), FieldValue::Int(*value))
            }
            Some(pb::field_value::Kind::BoolValue(value)) => {
                _ = kept.insert(key.clone(), FieldValue::Bool(*value))
            }
            Some(pb::field_value::Kind::TimeValue(value)) => {
                if let Some(value) = time(faults, &field, Some(value)) {
                    kept.insert(key.clone(), FieldValue::Time(value));
                }
            }
            None => faults.add(field, "has no value"),
        }
    }
    kept
}

/// The wire's value of one of our codes.
pub fn wire<P: Into<i32>>(prefix: &str, code: &str, from: fn(&str) -> Option<P>) -> i32 {
    from(&format!("{prefix}{code}")).map_or(0, Into::into)
}

pub fn actor_kind(kind: ActorKind) -> i32 {
    match kind {
        ActorKind::Customer => pb::ActorKind::Customer,
        ActorKind::Agent => pb::ActorKind::Agent,
        ActorKind::Service => pb::ActorKind::Service,
        ActorKind::System => pb::ActorKind::System,
    }
    .into()
}

pub fn state(state: super::State) -> i32 {
    wire("TICKET_STATE_", state.name(), pb::TicketState::from_str_name)
}

/// The ticket as a message. Display names are the reader's to fill in.
pub fn ticket(ticket: &Ticket, view: View) -> pb::Ticket {
    let tenant = &ticket.tenant_id;
    let named = |collection: &str, key: &str| {
        if key.is_empty() { String::new() } else { format!("tenants/{tenant}/{collection}/{key}") }
    };
    let full = view == View::Full;
    pb::Ticket {
        name: ticket.name(),
        number: ticket.number,
        etag: ticket.etag(),
        state: state(ticket.state),
        kind: wire("TICKET_KIND_", ticket.kind.name(), pb::TicketKind::from_str_name),
        channel: wire("CHANNEL_", ticket.channel.name(), pb::Channel::from_str_name),
        title: ticket.title.clone(),
        description: if full { ticket.description.clone() } else { String::new() },
        requester: named("contacts", &ticket.requester),
        requester_display_name: String::new(),
        organization: named("organizations", &ticket.organization),
        organization_display_name: String::new(),
        category: ticket.category.clone(),
        product: ticket.product.clone(),
        language_code: ticket.language_code.clone(),
        impact: wire("IMPACT_", ticket.impact.name(), pb::Impact::from_str_name),
        urgency: wire("URGENCY_", ticket.urgency.name(), pb::Urgency::from_str_name),
        priority: ticket.priority.clone(),
        custom_fields: if full {
            ticket.custom_fields.iter().map(field_value).collect()
        } else {
            BTreeMap::new()
        },
        tags: ticket.tags.clone(),
        annotations: if full { ticket.annotations.0.clone() } else { BTreeMap::new() },
        external_key: ticket
            .external_source
            .clone()
            .zip(ticket.external_id.clone())
            .map(|(source, id)| pb::ExternalKey { source, id }),
        level: ticket.level.clone(),
        queue: ticket.queue.clone(),
        team: ticket.team.clone(),
        assignee: named("agents", ticket.assignee.as_deref().unwrap_or_default()),
        assignee_display_name: String::new(),
        followers: if full {
            ticket.followers.iter().map(|key| named("agents", key)).collect()
        } else {
            Vec::new()
        },
        pending_escalation: ticket
            .pending_escalation
            .map(|id| format!("{}/escalations/{id}", ticket.name()))
            .unwrap_or_default(),
        vendor_reference: ticket.vendor_reference.clone(),
        hold: (!ticket.hold_reason.is_empty() || ticket.hold_until_time.is_some()).then(|| pb::Hold {
            reason: ticket.hold_reason.clone(),
            until_time: ticket.hold_until_time.map(timestamp),
        }),
        resolution: ticket.resolution.as_ref().map(|resolution| pb::Resolution {
            code: resolution.code.clone(),
            summary: resolution.summary.clone(),
            article: resolution.article.clone(),
            no_article_reason: resolution.no_article_reason.clone(),
        }),
        follow_up_of: ticket
            .follow_up_of
            .map(|id| format!("tenants/{tenant}/tickets/{id}"))
            .unwrap_or_default(),
        first_level: ticket.first_level.clone(),
        highest_level: ticket.highest_level.clone(),
        transfer_count: ticket.transfer_count,
        team_count: ticket.teams.len() as i32,
        return_count: ticket.return_count,
        reopen_count: ticket.reopen_count,
        imported: ticket.imported,
        create_time: Some(timestamp(ticket.create_time)),
        update_time: Some(timestamp(ticket.update_time)),
        queue_time: ticket.queue_time.map(timestamp),
        assign_time: ticket.assign_time.map(timestamp),
        resolve_time: ticket.resolve_time.map(timestamp),
        close_time: ticket.close_time.map(timestamp),
        auto_close_time: ticket.auto_close_time.map(timestamp),
    }
}

fn field_value((key, value): (&String, &FieldValue)) -> (String, pb::FieldValue) {
    let kind = match value {
        FieldValue::Bool(value) => pb::field_value::Kind::BoolValue(*value),
        FieldValue::Int(value) => pb::field_value::Kind::IntValue(*value),
        FieldValue::Time(value) => pb::field_value::Kind::TimeValue(timestamp(*value)),
        FieldValue::String(value) => pb::field_value::Kind::StringValue(value.clone()),
    };
    (key.clone(), pb::FieldValue { kind: Some(kind) })
}

/// Proof of a write: names the version that it made.
pub fn revision(ticket: &Ticket) -> String {
    format!("{}.{}", ticket.id, ticket.version)
}

/// What the answer of every ticket verb begins with.
pub fn written(done: &Written) -> (Option<pb::Ticket>, String, bool) {
    (Some(ticket(&done.ticket, View::Full)), revision(&done.ticket), done.replayed)
}
