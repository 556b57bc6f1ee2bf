//! What is recorded at intake must make sense by the configuration, and must be complete before the ticket leaves the
//! first level or is resolved.

use std::collections::BTreeMap;

use super::{FieldValue, MAX_ANNOTATIONS, MAX_TAGS, Ticket};
use crate::{
    configuration::{Configuration, FieldType},
    error::{Reason, Refusal, Violations},
};

/// Annotations of one ticket.
const MAX_ENTRIES: usize = 32;

/// The fields that a category may require, with whether a ticket has them; beside them `custom_fields.KEY`.
pub const REQUIRABLE: &[(&str, fn(&Ticket) -> bool)] = &[
    ("description", |ticket| !ticket.description.is_empty()),
    ("requester", |ticket| !ticket.requester.is_empty()),
    ("organization", |ticket| !ticket.organization.is_empty()),
    ("category", |ticket| !ticket.category.is_empty()),
    ("product", |ticket| !ticket.product.is_empty()),
    ("language_code", |ticket| !ticket.language_code.is_empty()),
    ("tags", |ticket| !ticket.tags.is_empty()),
    ("external_key", |ticket| ticket.external_id.is_some()),
];

/// Refuses while anything that the ticket's category requires is missing; names all of it.
pub fn complete(configuration: &Configuration, ticket: &Ticket) -> Result<(), Refusal> {
    let mut missing = configuration.required_fields(&ticket.category);
    missing.retain(|field| !is_filled(ticket, field));
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    let fields = missing.join(",");
    let text = format!("the category {} requires what is still empty: {fields}", ticket.category);
    Err(Refusal::new(Reason::IntakeIncomplete, text).with("fields", fields))
}

fn is_filled(ticket: &Ticket, field: &str) -> bool {
    if let Some(key) = field.strip_prefix("custom_fields.") {
        return match ticket.custom_fields.get(key) {
            Some(FieldValue::String(text)) => !text.trim().is_empty(),
            value => value.is_some(),
        };
    }
    // What always has a value, such as the title or the priority, is never missing.
    REQUIRABLE.iter().find(|(name, _)| *name == field).is_none_or(|(_, is_filled)| is_filled(ticket))
}

pub fn check_category(configuration: &Configuration, category: &str, faults: &mut Violations) {
    if !category.is_empty() && configuration.category(category).is_none() {
        faults.add("ticket.category", format!("no category {category:?} is configured"));
    }
}

pub fn check_priority(configuration: &Configuration, priority: &str, faults: &mut Violations) {
    if !priority.is_empty() && configuration.priority_rank(priority).is_none() {
        faults.add("ticket.priority", format!("no priority {priority:?} is configured"));
    }
}

/// `path`: where the labels stand in the request.
pub fn check_tags(tags: &[String], path: &str, faults: &mut Violations) {
    if tags.len() > MAX_TAGS {
        faults.add(path, format!("must be at most {MAX_TAGS} on a ticket"));
    }
}

/// A custom field must be configured, and have the type that is configured.
pub fn check_custom_field(
    configuration: &Configuration,
    key: &str,
    value: &FieldValue,
    faults: &mut Violations,
) {
    let path = format!("ticket.custom_fields.{key}");
    let Some(field) = configuration.custom_field(key) else {
        return faults.add(path, "no such custom field is configured");
    };
    match (field.kind, value) {
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

pub fn check_annotations(annotations: &BTreeMap<String, String>, faults: &mut Violations) {
    let bytes: usize = annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    if annotations.len() > MAX_ENTRIES || bytes > MAX_ANNOTATIONS {
        faults.add(
            "ticket.annotations",
            format!("must be at most {MAX_ENTRIES} entries and {MAX_ANNOTATIONS} bytes in all"),
        );
    }
}
