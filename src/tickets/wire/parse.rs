//! Messages as what to record and what to change.

use std::collections::{BTreeMap, HashSet};

use ticketing_proto::v1 as pb;

use super::{code, reference, target, text, time};
use crate::{
    error::{Error, Result, Violations},
    ids::{Id, TenantId, is_key},
    tickets::{
        Channel, Create, FieldValue, Impact, Kind, MAX_TAGS, MAX_TEXT, MAX_TITLE, OnConflict, Urgency,
        update::{Edit, Update},
    },
};

/// Tickets that one batch records at most.
pub const MAX_BATCH: usize = 100;

/// Reads one field of a ticket at a time; what is wrong with it is kept, by path.
struct Parse<'a> {
    faults: Violations,
    tenant: &'a TenantId,
    ticket: &'a pb::Ticket,
}

impl Parse<'_> {
    fn title(&mut self) -> String {
        if self.ticket.title.trim().is_empty() {
            self.faults.add("ticket.title", "is required");
        }
        text(&mut self.faults, "ticket.title", &self.ticket.title, MAX_TITLE)
    }

    fn text(&mut self, field: &str, value: &str, max: usize) -> String {
        text(&mut self.faults, &format!("ticket.{field}"), value, max)
    }

    fn requester(&mut self) -> String {
        reference(&mut self.faults, "ticket.requester", &self.ticket.requester, self.tenant, "contacts")
    }

    fn organization(&mut self) -> String {
        let name = &self.ticket.organization;
        reference(&mut self.faults, "ticket.organization", name, self.tenant, "organizations")
    }

    fn kind(&mut self) -> Kind {
        let name = |kind: &pb::TicketKind| kind.as_str_name();
        code(&mut self.faults, "ticket.kind", self.ticket.kind, name, "TICKET_KIND_", Kind::parse)
            .unwrap_or(Kind::Incident)
    }

    fn channel(&mut self) -> Channel {
        let name = |channel: &pb::Channel| channel.as_str_name();
        code(&mut self.faults, "ticket.channel", self.ticket.channel, name, "CHANNEL_", Channel::parse)
            .unwrap_or(Channel::Api)
    }

    fn impact(&mut self) -> Impact {
        let name = |impact: &pb::Impact| impact.as_str_name();
        code(&mut self.faults, "ticket.impact", self.ticket.impact, name, "IMPACT_", Impact::parse)
            .unwrap_or(Impact::Medium)
    }

    fn urgency(&mut self) -> Urgency {
        let name = |urgency: &pb::Urgency| urgency.as_str_name();
        code(&mut self.faults, "ticket.urgency", self.ticket.urgency, name, "URGENCY_", Urgency::parse)
            .unwrap_or(Urgency::Medium)
    }

    fn custom_fields(&mut self) -> BTreeMap<String, FieldValue> {
        let values = &self.ticket.custom_fields;
        values.iter().filter_map(|(key, value)| Some((key.clone(), self.custom_field(key, value)?))).collect()
    }

    fn custom_field(&mut self, key: &str, value: &pb::FieldValue) -> Option<FieldValue> {
        let field = format!("ticket.custom_fields.{key}");
        match &value.kind {
            Some(pb::field_value::Kind::StringValue(value)) => {
                Some(FieldValue::String(text(&mut self.faults, &field, value, 4096)))
            }
            Some(pb::field_value::Kind::IntValue(value)) => Some(FieldValue::Int(*value)),
            Some(pb::field_value::Kind::BoolValue(value)) => Some(FieldValue::Bool(*value)),
            Some(pb::field_value::Kind::TimeValue(value)) => {
                time(&mut self.faults, &field, Some(value)).map(|time| FieldValue::Time { time })
            }
            None => {
                self.faults.add(field, "has no value");
                None
            }
        }
    }

    fn annotations(&mut self) -> BTreeMap<String, String> {
        let values = &self.ticket.annotations;
        values.iter().map(|(key, value)| (key.clone(), self.annotation(key, value))).collect()
    }

    fn annotation(&mut self, key: &str, value: &str) -> String {
        if key.contains('\0') || value.contains('\0') {
            self.faults.add("ticket.annotations", "must not contain NUL");
        }
        value.to_owned()
    }

    fn external_key(&mut self) -> Option<(String, String)> {
        let key = self.ticket.external_key.as_ref()?;
        for (part, value) in [("source", &key.source), ("id", &key.id)] {
            if value.is_empty() {
                self.faults.add(format!("ticket.external_key.{part}"), "is required");
            }
        }
        Some((self.text("external_key.source", &key.source, 64), self.text("external_key.id", &key.id, 255)))
    }

    /// The edit that a path of an update mask stands for.
    fn edit(&mut self, path: &str) -> Option<Edit> {
        let ticket = self.ticket;
        Some(match path {
            "title" => Edit::Title(self.title()),
            "description" => Edit::Description(self.text(path, &ticket.description, MAX_TEXT)),
            "kind" => Edit::Kind(self.kind()),
            "requester" => Edit::Requester(self.requester()),
            "organization" => Edit::Organization(self.organization()),
            "category" => Edit::Category(self.text(path, &ticket.category, 64)),
            "product" => Edit::Product(self.text(path, &ticket.product, 128)),
            "language_code" => Edit::LanguageCode(self.text(path, &ticket.language_code, 35)),
            "impact" => Edit::Impact(self.impact()),
            "urgency" => Edit::Urgency(self.urgency()),
            "restricted" => Edit::Restricted(ticket.restricted),
            "priority" => Edit::Priority(self.text(path, &ticket.priority, 64)),
            "custom_fields" => Edit::CustomFields(self.custom_fields()),
            "annotations" => Edit::Annotations(self.annotations()),
            _ => match path.split_once('.')? {
                ("custom_fields", key) => {
                    let value = ticket.custom_fields.get(key).map(|value| self.custom_field(key, value));
                    Edit::CustomField(key.to_owned(), value.flatten())
                }
                ("annotations", key) => {
                    let value = ticket.annotations.get(key).map(|value| self.annotation(key, value));
                    Edit::Annotation(key.to_owned(), value)
                }
                _ => return None,
            },
        })
    }
}

/// What CreateTicket asks for.
pub fn create(tenant: &TenantId, request: &pb::CreateTicketRequest) -> Create {
    let empty = pb::Ticket::default();
    let ticket = request.ticket.as_ref().unwrap_or(&empty);
    let mut parse = Parse { faults: Violations::default(), tenant, ticket };
    let on_conflict = on_conflict(&mut parse.faults, request.on_conflict);
    Create {
        kind: parse.kind(),
        channel: parse.channel(),
        title: parse.title(),
        description: parse.text("description", &ticket.description, MAX_TEXT),
        requester: parse.requester(),
        organization: parse.organization(),
        plan: String::new(),
        restricted: ticket.restricted,
        category: parse.text("category", &ticket.category, 64),
        product: parse.text("product", &ticket.product, 128),
        language_code: parse.text("language_code", &ticket.language_code, 35),
        impact: parse.impact(),
        urgency: parse.urgency(),
        priority: parse.text("priority", &ticket.priority, 64),
        custom_fields: parse.custom_fields(),
        tags: tags(&mut parse.faults, "ticket.tags", &ticket.tags),
        annotations: parse.annotations(),
        external_key: parse.external_key(),
        follow_up_of: None,
        on_conflict,
        validate_only: request.validate_only,
        faults: parse.faults,
    }
}

/// What BatchCreateTickets asks for; what is wrong with a request is told by its place.
pub fn batch(tenant: &TenantId, batch: &pb::BatchCreateTicketsRequest) -> Result<Vec<Create>> {
    if !(1..=MAX_BATCH).contains(&batch.requests.len()) {
        return Err(Error::field("requests", &format!("must be 1 to {MAX_BATCH}")));
    }
    let creates = batch.requests.iter().map(|request| {
        let mut create = create(tenant, request);
        if !request.parent.is_empty() && request.parent != batch.parent {
            create.faults.add("parent", "must be empty, or that of the batch");
        }
        if !request.request_id.is_empty() {
            create.faults.add("request_id", "must be empty; the batch has one");
        }
        if request.validate_only {
            create.faults.add("validate_only", "must be empty; the batch has it");
        }
        create
    });
    Ok(creates.collect())
}

/// What UpdateTicket asks for.
pub fn update(tenant: &TenantId, id: Id, ticket: &pb::Ticket, request: &pb::UpdateTicketRequest) -> Update {
    let mut parse = Parse { faults: Violations::default(), tenant, ticket };
    let target = target(&mut parse.faults, id, &ticket.etag, request.validate_only, "", "");
    let paths = match &request.update_mask {
        None => populated(ticket),
        Some(mask) => {
            if mask.paths.is_empty() {
                parse.faults.add("update_mask", "names nothing; leave it out to set the fields that are set");
            }
            mask.paths.clone()
        }
    };
    let mut seen = HashSet::new();
    let mut edits = Vec::new();
    for (place, path) in paths.iter().enumerate() {
        // Named twice is set once: each edit holds its value.
        if !seen.insert(path) {
            continue;
        }
        match parse.edit(path) {
            Some(edit) => edits.push(edit),
            None => parse.faults.add(
                format!("update_mask.paths[{place}]"),
                format!("{path:?} is no field that UpdateTicket sets"),
            ),
        }
    }
    Update { target, edits, faults: parse.faults }
}

/// The fields that are set in a message, as a mask would name them. Of a map these are its entries: the others stay.
fn populated(ticket: &pb::Ticket) -> Vec<String> {
    let set = [
        ("title", !ticket.title.is_empty()),
        ("description", !ticket.description.is_empty()),
        ("kind", ticket.kind != 0),
        ("requester", !ticket.requester.is_empty()),
        ("organization", !ticket.organization.is_empty()),
        ("category", !ticket.category.is_empty()),
        ("product", !ticket.product.is_empty()),
        ("language_code", !ticket.language_code.is_empty()),
        ("impact", ticket.impact != 0),
        ("urgency", ticket.urgency != 0),
        ("priority", !ticket.priority.is_empty()),
        ("restricted", ticket.restricted),
    ];
    let fields = set.into_iter().filter(|(_, is_set)| *is_set).map(|(field, _)| field.to_owned());
    let custom_fields = ticket.custom_fields.keys().map(|key| format!("custom_fields.{key}"));
    let annotations = ticket.annotations.keys().map(|key| format!("annotations.{key}"));
    fields.chain(custom_fields).chain(annotations).collect()
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

/// As [`tags`], 1 to 50 of them.
pub fn some_tags(faults: &mut Violations, field: &str, given: &[String]) -> Vec<String> {
    if given.is_empty() || given.len() > MAX_TAGS {
        faults.add(field, format!("must be 1 to {MAX_TAGS}"));
    }
    tags(faults, field, given)
}

fn tags(faults: &mut Violations, field: &str, tags: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut kept: Vec<String> = Vec::new();
    for (place, tag) in tags.iter().enumerate() {
        if tag.chars().count() > 64 || !is_key(tag) {
            faults.add(
                format!("{field}[{place}]"),
                "must be 1 to 64 characters without / and control characters",
            );
        } else if seen.insert(tag) {
            kept.push(tag.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_named_often_holds_its_value_once() {
        let ticket = pb::Ticket { description: "x".repeat(1000), ..Default::default() };
        let paths = ["description", "title", "description"].repeat(100_000);
        let paths = paths.into_iter().map(str::to_owned).collect();
        let update_mask = Some(prost_types::FieldMask { paths });
        let request = pb::UpdateTicketRequest { update_mask, ..Default::default() };
        let tenant = TenantId::parse("acme").expect("a tenant");
        let update = update(&tenant, Id(uuid::Uuid::nil()), &ticket, &request);
        assert!(matches!(update.edits.as_slice(), [Edit::Description(_), Edit::Title(_)]));
    }

    /// As many as a request has room for. If each were compared with all before it, this would take minutes.
    #[test]
    fn many_tags_are_told_apart_in_no_time() {
        let given: Vec<String> = (0..400_000).map(|n| format!("{n:x}")).collect();
        let mut faults = Violations::default();
        assert_eq!(tags(&mut faults, "tags", &[given.as_slice(), &given].concat()), given);
        assert!(faults.is_empty());
    }
}
