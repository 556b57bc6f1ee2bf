//! What a condition sees of a ticket: the fields, and how much there is to read in them. Nothing is copied before a
//! condition asks for it, and lists and maps are made once for all conditions.

use std::sync::OnceLock;

use cel::{
    ExecutionError,
    common::{
        traits::Indexer,
        types::{CelBool, CelInt, CelList, CelMap, CelMapKey, CelString, MAP_TYPE, Type},
        value::{CowVal, Val},
    },
};

use crate::tickets::{Channel, FieldValue, Impact, Kind, MAX_TAGS, MAX_TEXT, Ticket, Urgency};

/// The fields of the view of a ticket, as the guide lists them.
pub const FIELDS: &[&str] = &[
    "kind",
    "channel",
    "title",
    "description",
    "requester",
    "organization",
    "plan",
    "category",
    "product",
    "language_code",
    "impact",
    "urgency",
    "priority",
    "level",
    "tags",
    "custom_fields",
    "annotations",
];

/// The codes that a field may have, if the list is closed.
pub fn codes(field: &str) -> Option<&'static [&'static str]> {
    match field {
        "kind" => Some(Kind::NAMES),
        "channel" => Some(Channel::NAMES),
        "impact" => Some(Impact::NAMES),
        "urgency" => Some(Urgency::NAMES),
        _ => None,
    }
}

/// A ticket as a value of CEL.
#[derive(Clone, Debug)]
pub struct View<'t> {
    ticket: &'t Ticket,
    tags: OnceLock<CelList<'t>>,
    custom_fields: OnceLock<CelMap<'t>>,
    annotations: OnceLock<CelMap<'t>>,
}

impl<'t> View<'t> {
    pub fn of(ticket: &'t Ticket) -> Self {
        Self { ticket, tags: OnceLock::new(), custom_fields: OnceLock::new(), annotations: OnceLock::new() }
    }

    fn text(&self, field: &str) -> Option<&'t str> {
        let ticket = self.ticket;
        Some(match field {
            "kind" => ticket.kind.name(),
            "channel" => ticket.channel.name(),
            "title" => &ticket.title,
            "description" => &ticket.description,
            "requester" => &ticket.requester,
            "organization" => &ticket.organization,
            "plan" => &ticket.plan,
            "category" => &ticket.category,
            "product" => &ticket.product,
            "language_code" => &ticket.language_code,
            "impact" => ticket.impact.name(),
            "urgency" => ticket.urgency.name(),
            "priority" => &ticket.priority,
            "level" => &ticket.level,
            _ => return None,
        })
    }

    fn group(&self, field: &str) -> Option<&(dyn Val + 't)> {
        let ticket = self.ticket;
        Some(match field {
            "tags" => {
                self.tags.get_or_init(|| ticket.tags.iter().map(|tag| text(tag)).collect::<Vec<_>>().into())
            }
            "custom_fields" => self.custom_fields.get_or_init(|| {
                map(ticket.custom_fields.iter().map(|(key, value)| (key.as_str(), plain(value))))
            }),
            "annotations" => self.annotations.get_or_init(|| {
                map(ticket.annotations.iter().map(|(key, value)| (key.as_str(), text(value))))
            }),
            _ => return None,
        })
    }
}

fn text<'t>(text: &'t str) -> Box<dyn Val + 't> {
    Box::new(CelString::from(text))
}

/// An instant is text, as it is in the contract.
fn plain(value: &FieldValue) -> Box<dyn Val + '_> {
    match value {
        FieldValue::Bool(value) => Box::new(CelBool::from(*value)),
        FieldValue::Int(value) => Box::new(CelInt::from(*value)),
        FieldValue::Time { time: value } => Box::new(CelString::from(value.to_string())),
        FieldValue::String(value) => text(value),
    }
}

fn map<'t>(entries: impl Iterator<Item = (&'t str, Box<dyn Val + 't>)>) -> CelMap<'t> {
    entries
        .map(|(key, value)| (CelMapKey::from(key), value))
        .collect::<std::collections::HashMap<_, _>>()
        .into()
}

impl Val for View<'_> {
    fn get_type(&self) -> &Type {
        &MAP_TYPE
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }
}

impl Indexer for View<'_> {
    fn get<'b, 'v>(&'b self, field: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let field = field.downcast_ref::<CelString>().map(CelString::inner).unwrap_or_default();
        if let Some(text) = self.text(field) {
            return Ok(CowVal::owned(CelString::from(text)));
        }
        let group = self.group(field).map(CowVal::Borrowed);
        group.ok_or_else(|| ExecutionError::NoSuchKey(std::sync::Arc::new(field.to_owned())))
    }

    fn steal<'v>(self: Box<Self>, field: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(field).map(CowVal::into_owned)
    }
}

/// How much there is to read in a ticket, in bytes: what the cost of a condition depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    pub title: u64,
    pub description: u64,
    /// The longest of the other texts.
    pub text: u64,
    pub tags: Group,
    pub custom_fields: Group,
    pub annotations: Group,
}

/// A list or a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    pub items: u64,
    /// The longest of the texts in it, be it a key or a value.
    pub text: u64,
    /// All texts in it.
    pub all: u64,
}

impl Sizes {
    /// What tickets have at most, with some room. A larger one, which came in before a limit was there, is measured.
    pub const USUAL: Self = Self {
        title: 2048,
        description: 4 * MAX_TEXT as u64,
        text: 512,
        tags: Group { items: MAX_TAGS as u64, text: 256, all: 256 * MAX_TAGS as u64 },
        custom_fields: Group { items: 256, text: 4096, all: 65_536 },
        annotations: Group { items: 64, text: 4096, all: 8192 },
    };

    pub fn of(ticket: &Ticket) -> Self {
        let keys = [
            &ticket.requester,
            &ticket.organization,
            &ticket.plan,
            &ticket.category,
            &ticket.product,
            &ticket.language_code,
            &ticket.priority,
            &ticket.level,
        ];
        // No code is longer than 16.
        let text = keys.iter().fold(16, |longest, key| longest.max(key.len()));
        Self {
            title: ticket.title.len() as u64,
            description: ticket.description.len() as u64,
            text: text as u64,
            tags: Group::of(ticket.tags.iter().map(|tag| (0, tag.len()))),
            custom_fields: Group::of(ticket.custom_fields.iter().map(|(key, value)| match value {
                FieldValue::String(text) => (key.len(), text.len()),
                // Longer than any number or instant.
                _ => (key.len(), 32),
            })),
            annotations: Group::of(ticket.annotations.iter().map(|(key, text)| (key.len(), text.len()))),
        }
    }

    pub fn within(&self, other: &Self) -> bool {
        self.title <= other.title
            && self.description <= other.description
            && self.text <= other.text
            && self.tags.within(&other.tags)
            && self.custom_fields.within(&other.custom_fields)
            && self.annotations.within(&other.annotations)
    }
}

impl Group {
    fn of(entries: impl Iterator<Item = (usize, usize)>) -> Self {
        entries.fold(Self { items: 0, text: 0, all: 0 }, |group, (key, value)| Self {
            items: group.items + 1,
            text: group.text.max(key as u64).max(value as u64),
            all: group.all + (key + value) as u64,
        })
    }

    fn within(&self, other: &Self) -> bool {
        self.items <= other.items && self.text <= other.text && self.all <= other.all
    }
}
