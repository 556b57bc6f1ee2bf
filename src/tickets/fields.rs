//! Which fields of tickets a filter may name, and which of them a customer may know. docs/filter.md describes them.

use super::{Channel, Impact, Kind, State, Urgency};
use crate::filter::{Field, Kind as Type, Schema};

/// What filters of the support organization may name.
pub const FIELDS: Schema = Schema(ALL);

/// What filters of customers may name: one that could name more would tell by its answers what is not shown.
pub const PUBLIC_FIELDS: Schema = Schema(ALL.split_at(PUBLIC).0);

/// What CountTickets may group by.
pub const GROUPS: &[&str] =
    &["state", "priority", "level", "queue", "team", "assignee", "category", "kind", "channel", "product"];

/// How many fields, from the first on, are the customer's as well.
const PUBLIC: usize = 22;

const ALL: &[Field] = &[
    field("number", Type::Int),
    field("state", Type::Enum(State::NAMES)),
    field("kind", Type::Enum(Kind::NAMES)),
    field("channel", Type::Enum(Channel::NAMES)),
    field("title", Type::Text),
    field("requester", Type::Text),
    field("organization", Type::Text),
    field("category", Type::Text),
    field("product", Type::Text),
    field("language_code", Type::Text),
    field("impact", Type::Enum(Impact::NAMES)),
    field("urgency", Type::Enum(Urgency::NAMES)),
    field("priority", Type::Text),
    field("custom_fields", Type::Json),
    field("external_source", Type::Text),
    field("external_id", Type::Text),
    computed("resolution_code", "(resolution ->> 'code')", Type::Text),
    field("create_time", Type::Time),
    field("update_time", Type::Time),
    field("resolve_time", Type::Time),
    field("close_time", Type::Time),
    field("auto_close_time", Type::Time),
    // From here on the support organization's alone.
    field("tags", Type::TextSet),
    field("annotations", Type::Json),
    field("level", Type::Text),
    field("queue", Type::Text),
    field("team", Type::Text),
    field("assignee", Type::Text),
    field("followers", Type::TextSet),
    field("vendor_reference", Type::Text),
    field("hold_until_time", Type::Time),
    field("first_level", Type::Text),
    field("highest_level", Type::Text),
    field("transfer_count", Type::Int),
    computed("team_count", "cardinality(teams)", Type::Int),
    field("return_count", Type::Int),
    field("reopen_count", Type::Int),
    field("imported", Type::Bool),
    field("queue_time", Type::Time),
    field("assign_time", Type::Time),
    field("plan", Type::Text),
    field("restricted", Type::Bool),
    computed("merged_into", "spelt(merged_into)", Type::Text),
];

/// A field that is a column of the same name.
const fn field(name: &'static str, kind: Type) -> Field {
    computed(name, name, kind)
}

const fn computed(name: &'static str, column: &'static str, kind: Type) -> Field {
    Field { name, column, kind }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::parse;

    fn type_name(kind: Type) -> &'static str {
        match kind {
            Type::Text => "text",
            Type::TextSet => "set of texts",
            Type::Enum(_) => "enum",
            Type::Int => "number",
            Type::Bool => "boolean",
            Type::Time => "time",
            Type::Json => "map",
        }
    }

    /// The rows of the table behind a heading of docs/filter.md: field, type, customers, example.
    fn documented() -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
        let text = include_str!("../../docs/filter.md");
        let (_, section) = text.split_once("## Tickets\n").expect("a section on tickets");
        let section = section.split("\n## ").next().expect("split has a first part");
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        rows.map(|row| {
            let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            (cells[1], cells[2], cells[3], cells[4])
        })
        .collect()
    }

    #[test]
    fn the_document_names_every_field_with_an_example_that_parses() {
        let rows = documented();
        let expected: Vec<_> = FIELDS.0.iter().map(|field| (field.name, type_name(field.kind))).collect();
        assert_eq!(rows.iter().map(|(name, kind, ..)| (*name, *kind)).collect::<Vec<_>>(), expected);
        for (name, _, customers, example) in rows {
            assert!(example.starts_with(name), "{name}: {example}");
            assert!(parse(example, &FIELDS).is_ok(), "{example}: {:?}", parse(example, &FIELDS));
            assert_eq!(parse(example, &PUBLIC_FIELDS).is_ok(), customers == "yes", "{example}");
        }
    }

    #[test]
    fn what_the_support_organization_keeps_to_itself_has_no_public_field() {
        let own = ["assignee", "followers", "team", "queue", "level", "tags", "annotations"];
        assert!(PUBLIC_FIELDS.0.iter().all(|field| !own.contains(&field.name)));
        assert!(GROUPS.iter().all(|group| FIELDS.0.iter().any(|field| field.name == *group)));
    }
}
