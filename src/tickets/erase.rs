//! Erasing a person from tickets. On a ticket that is asked in the person's name, everything goes that somebody wrote or made
//! up; on one that is another's by now, what the person wrote there. A ticket and its log are read through one rule,
//! value by value, so that they go on saying the same: states of the past, clocks and figures come out as before.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Ticket, change::reread, index, store};
use crate::{
    app::App,
    attachments, billing, comments,
    configuration::{Configuration, FieldType},
    ctx::{ActorKind, Ctx},
    db::Tx,
    error::{Error, Result},
    escalation::{self, HandBackReason, Why},
    events::{self, Event},
    feedback,
    idempotency::Known,
    ids::Id,
    knowledge, routing, webhooks, worklogs,
};

/// What stands where a text was, if something must stand there.
pub const ERASED: &str = "(erased)";

/// The fields of a ticket that hold what somebody wrote or made up. Of the custom fields, the texts; of a resolution, all but
/// the code and the article.
const TEXTS: &[&str] = &[
    "title",
    "description",
    "custom_fields",
    "tags",
    "annotations",
    "external_id",
    "vendor_reference",
    "hold_reason",
    "resolution",
];

/// Who is erased.
#[derive(Clone, Debug)]
pub struct Person {
    /// The contact's key.
    pub key: String,
    /// What stands in its place from now on.
    pub alias: String,
}

/// How much was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub tickets: u64,
    pub comments: u64,
    pub events: u64,
    pub escalations: u64,
    pub deliveries: u64,
    pub receipts: u64,
    pub attachments: u64,
    pub articles: u64,
}

/// A ticket without the person.
#[derive(Clone, Debug, PartialEq)]
struct Erased {
    ticket: Ticket,
    /// Whether it is asked in the person's name.
    whole: bool,
    /// The entries of its log that read otherwise, or may have been answered to.
    events: Vec<Event>,
}

/// The rule.
fn decide(
    configuration: &Configuration,
    person: &Person,
    ticket: &Ticket,
    log: &[Event],
) -> Result<Erased, serde_json::Error> {
    let eraser = Eraser::of(configuration, person, ticket, log);
    let whole = matches!(eraser.reach, Reach::Whole);
    let read = log.iter().map(|event| (event, eraser.event(event)));
    let events = read.filter(|(before, after)| whole || *before != after).map(|(_, after)| after).collect();
    Ok(Erased { ticket: reread(ticket, |field, value| eraser.value(field, value))?, whole, events })
}

/// Every text in a value.
fn words(value: &Value, found: &mut HashSet<String>) {
    match value {
        Value::String(text) => _ = found.insert(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| words(item, found)),
        Value::Object(items) => items.iter().for_each(|(key, item)| {
            found.insert(key.clone());
            words(item, found);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl Person {
    fn did(&self, event: &Event) -> bool {
        event.actor_kind == ActorKind::Customer && event.actor_id == self.key
    }
}

/// Which texts go.
enum Reach {
    Whole,
    /// These.
    Own(HashSet<String>),
}

/// Reads one ticket and its log without the person.
struct Eraser<'a> {
    configuration: &'a Configuration,
    person: &'a Person,
    ticket: Id,
    reach: Reach,
}

impl<'a> Eraser<'a> {
    fn of(configuration: &'a Configuration, person: &'a Person, ticket: &Ticket, log: &[Event]) -> Self {
        let reach = if ticket.requester == person.key {
            Reach::Whole
        } else {
            let mut texts = HashSet::new();
            for event in log.iter().filter(|event| person.did(event)) {
                let said = event.changes.iter().filter(|(field, _)| TEXTS.contains(&field.as_str()));
                said.for_each(|(_, (_, after))| words(after, &mut texts));
            }
            Reach::Own(texts)
        };
        Self { configuration, person, ticket: ticket.id, reach }
    }

    fn goes(&self, text: &str) -> bool {
        match &self.reach {
            Reach::Whole => !text.is_empty(),
            Reach::Own(texts) => !text.is_empty() && texts.contains(text),
        }
    }

    fn event(&self, event: &Event) -> Event {
        let mut next = event.clone();
        for (field, (before, after)) in &mut *next.changes {
            *before = self.value(field, before);
            *after = self.value(field, after);
        }
        let own = self.person.did(event);
        if own {
            next.actor_id.clone_from(&self.person.alias);
        }
        if own || matches!(self.reach, Reach::Whole) {
            for text in [&mut next.note, &mut next.request_id, &mut next.traceparent] {
                text.clear();
            }
            if !is_code(event) {
                next.reason.clear();
            }
        }
        next
    }

    /// What a field holds instead.
    fn value(&self, field: &str, value: &Value) -> Value {
        match (field, value) {
            ("requester", Value::String(key)) if *key == self.person.key => self.person.alias.as_str().into(),
            ("title" | "description" | "vendor_reference" | "hold_reason", Value::String(text)) => {
                self.text(text).into()
            }
            ("external_id", Value::String(id)) if self.goes(id) => format!("erased-{}", self.ticket).into(),
            ("tags", Value::Array(tags)) => self.tags(tags),
            ("annotations", Value::Object(entries)) => {
                let stays = |key: &str, text: &Value| {
                    !self.goes(key) && !text.as_str().is_some_and(|text| self.goes(text))
                };
                let stay = entries.iter().filter(|(key, text)| stays(key, text));
                stay.map(|(key, text)| (key.clone(), text.clone())).collect::<Map<_, _>>().into()
            }
            ("custom_fields", Value::Object(values)) => {
                let read = values.iter().map(|(key, value)| (key.clone(), self.custom_field(key, value)));
                read.collect::<Map<_, _>>().into()
            }
            ("resolution", Value::Object(_)) => {
                let mut resolution = value.clone();
                for part in ["summary", "no_article_reason"] {
                    if let Some(Value::String(text)) = resolution.get_mut(part) {
                        *text = self.text(text).to_owned();
                    }
                }
                resolution
            }
            _ => value.clone(),
        }
    }

    /// What was filled stays filled: a ticket that was complete is so for ever.
    fn text<'t>(&self, text: &'t str) -> &'t str {
        if self.goes(text) { ERASED } else { text }
    }

    fn tags(&self, tags: &[Value]) -> Value {
        let mut left: Vec<&str> = Vec::with_capacity(tags.len());
        for tag in tags.iter().filter_map(Value::as_str).map(|tag| self.text(tag)) {
            if !left.contains(&tag) {
                left.push(tag);
            }
        }
        left.into()
    }

    /// An option of a choice is the tenant's own word and says which, not who.
    fn custom_field(&self, key: &str, value: &Value) -> Value {
        let Value::String(text) = value else { return value.clone() };
        let field = self.configuration.custom_field(key);
        let chosen = field.is_some_and(|it| it.kind == FieldType::Choice && it.options.contains(text));
        if chosen { value.clone() } else { self.text(text).into() }
    }
}

/// Whether the reason is a word of the service, by which figures count, and not one that a caller typed.
fn is_code(event: &Event) -> bool {
    let known: [&[&str]; 5] = [
        Why::NAMES,
        escalation::DeclineReason::NAMES,
        HandBackReason::NAMES,
        routing::DeclineReason::NAMES,
        &["AT_CAPACITY", "NOBODY_ON_SHIFT"],
    ];
    event.actor_kind == ActorKind::System || known.concat().contains(&event.reason.as_str())
}

/// At most `limit` tickets that are asked in this contact's name or, when there are none, once were.
pub async fn asked_by_in(tx: &mut Tx, contact: &str, limit: i64) -> Result<Vec<Id>> {
    let asked = store::list_asked_by(tx, contact, limit).await?;
    if asked.is_empty() { events::formerly_asked_by_in(tx, contact, limit).await } else { Ok(asked) }
}

/// Erases the person from these tickets and from whatever tells of them. Whoever writes to one of them comes before, and is
/// erased with it, or after, and finds a ticket that is nobody's.
pub async fn erase_in(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    configuration: &Configuration,
    person: &Person,
    ids: &[Id],
) -> Result<Tally> {
    let tickets = store::lock_all(tx, ids).await?;
    let logs = events::logs_in(tx, ids).await?;
    let log = |ticket: &Ticket| logs.get(&ticket.id).map_or(&[] as &[Event], Vec::as_slice);
    let erased = tickets
        .iter()
        .map(|ticket| decide(configuration, person, ticket, log(ticket)))
        .collect::<Result<Vec<Erased>, _>>()
        .map_err(Error::internal)?;
    let whole: Vec<Id> = erased.iter().filter(|it| it.whole).map(|it| it.ticket.id).collect();
    let tickets = erased.iter().filter(|it| it.whole || !it.events.is_empty()).count() as u64;
    let calls: Vec<Known> = whole.iter().filter_map(|id| logs.get(id)).flatten().filter_map(known).collect();
    store::overwrite(tx, &erased.iter().map(|it| &it.ticket).collect::<Vec<_>>()).await?;
    let events: Vec<Event> = erased.into_iter().flat_map(|it| it.events).collect();
    events::overwrite_in(tx, &events).await?;
    let comments = comments::erase_in(tx, ids, &whole, person, ctx.now).await?;
    index::index_in(tx, ids).await?;
    let attachments = attachments::erase_in(tx, ids, &whole, person, ctx.now).await?;
    let articles = knowledge::erase_in(tx, &whole, ctx.now).await?;
    worklogs::erase_in(tx, &whole).await?;
    billing::erase_in(tx, &whole).await?;
    feedback::erase_in(tx, &whole, person).await?;
    let (escalations, receipts) = escalation::erase_in(tx, &whole, &calls).await?;
    let deliveries = webhooks::erase_in(app, tx, &events).await?;
    Ok(Tally {
        tickets,
        comments,
        events: events.len() as u64,
        escalations,
        deliveries,
        receipts,
        attachments,
        articles,
    })
}

/// The call that led to an event, if it can be repeated.
fn known(event: &Event) -> Option<Known> {
    let Event { actor_kind: kind, actor_id, request_id, .. } = event;
    (!request_id.is_empty()).then(|| Known {
        kind: *kind,
        id: actor_id.clone(),
        request_id: request_id.clone(),
    })
}

#[cfg(test)]
mod tests;
