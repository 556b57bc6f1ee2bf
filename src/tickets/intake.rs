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
        | (FieldType::Time, FieldValue::Time { .. }) => {}
        (kind, _) => faults.add(path, format!("must be of type {kind:?}")),
    }
}

/// `path`: where the annotations stand in the request.
pub fn check_annotations(annotations: &BTreeMap<String, String>, path: &str, faults: &mut Violations) {
    let bytes: usize = annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    if annotations.len() > MAX_ENTRIES || bytes > MAX_ANNOTATIONS {
        faults.add(path, format!("must be at most {MAX_ENTRIES} entries and {MAX_ANNOTATIONS} bytes in all"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::{Json, State, fixture};

    #[test]
    fn everything_that_the_category_and_those_above_it_require_is_named() {
        let configuration = fixture::configuration();
        let missing = |category: &str, description: &str, product: &str| {
            let ticket = Ticket {
                category: category.to_owned(),
                description: description.to_owned(),
                product: product.to_owned(),
                ..fixture::ticket(State::New)
            };
            complete(configuration, &ticket).err().map(|refusal| refusal.metadata["fields"].clone())
        };
        let fields = |text: &str| Some(text.to_owned());
        assert_eq!(missing("", "", ""), None);
        assert_eq!(missing("network", "", ""), None);
        assert_eq!(missing("software", "", ""), fields("product"));
        assert_eq!(missing("software.error", "", ""), fields("description,product"));
        assert_eq!(missing("software.error", "Absturz", ""), fields("product"));
        assert_eq!(missing("software.error", "Absturz", "ERP"), None);
        assert_eq!(missing("hardware.printer", "", ""), fields("custom_fields.serial_number"));
    }

    #[test]
    fn a_required_custom_field_must_say_something() {
        let configuration = fixture::configuration();
        let refused = |value: Option<FieldValue>| {
            let values = value.map(|value| ("serial_number".to_owned(), value)).into_iter().collect();
            let category = "hardware.printer".to_owned();
            let ticket = Ticket { category, custom_fields: Json(values), ..fixture::ticket(State::New) };
            complete(configuration, &ticket).is_err()
        };
        assert!(refused(None));
        assert!(refused(Some(FieldValue::String(" ".to_owned()))));
        assert!(!refused(Some(FieldValue::String("AB-1".to_owned()))));
        assert!(!refused(Some(FieldValue::Int(0))), "zero and no are answers");
        assert!(!refused(Some(FieldValue::Bool(false))));
    }

    #[test]
    fn custom_fields_have_the_type_that_is_configured() {
        let configuration = fixture::configuration();
        let text = |text: &str| FieldValue::String(text.to_owned());
        let cases = [
            ("serial_number", text("AB-1"), true),
            ("serial_number", FieldValue::Int(1), false),
            ("affected_users", FieldValue::Int(1), true),
            ("affected_users", text("1"), false),
            ("production", FieldValue::Bool(true), true),
            ("since", FieldValue::Time { time: fixture::start() }, true),
            ("since", text("yesterday"), false),
            ("environment", text("staging"), true),
            ("environment", text("moon"), false),
            ("unheard_of", text("x"), false),
        ];
        for (key, value, fits) in cases {
            let mut faults = Violations::default();
            check_custom_field(configuration, key, &value, &mut faults);
            assert_eq!(faults.is_empty(), fits, "{key} {value:?}");
        }
    }

    #[test]
    fn annotations_are_bounded_in_number_and_in_bytes() {
        let fits = |count: usize, bytes: usize| {
            let annotations = (0..count).map(|n| (format!("{n:02}"), "x".repeat(bytes - 2))).collect();
            let mut faults = Violations::default();
            check_annotations(&annotations, "ticket.annotations", &mut faults);
            faults.is_empty()
        };
        assert!(fits(32, 128));
        assert!(!fits(33, 2));
        assert!(!fits(32, 129));
    }
}
