//! A ticket's next state together with the events that say how it came about, and its clocks. A change is the only thing that the
//! store writes, so state without its event, or an event without its state, cannot be expressed.

use std::{
    collections::{BTreeMap, HashSet},
    sync::OnceLock,
};

use serde_json::{Map, Value};

use super::{Json, State, Ticket};
use crate::{
    ctx::Ctx,
    error::Result,
    events::{Event, EventType},
    sla::Clock,
};

/// Fields that every change touches, or that follow from the event itself: they would say nothing in its `changes`.
const BOOKKEEPING: &[&str] = &["tenant_id", "id", "version", "update_time", "configuration_revision"];

/// What one call does to one ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub next: Ticket,
    pub events: Vec<Event>,
    /// The clocks that run otherwise now.
    pub clocks: Vec<Clock>,
}

impl Change {
    /// A new ticket. `ticket.version` is 1.
    pub fn created(ctx: &Ctx, ticket: Ticket, note: impl FnOnce(&mut Event)) -> Self {
        let mut event = Event::new(ctx, EventType::TicketCreated, ticket.id, 1);
        event.changes = Json(differences(Map::new(), fields(&ticket)));
        event.configuration_revision = ticket.configuration_revision;
        event.facts = Json(ticket.facts());
        event.imported = ticket.imported;
        note(&mut event);
        Self { next: ticket, events: vec![event], clocks: Vec::new() }
    }

    /// A ticket to which nothing has happened yet.
    pub fn of(ticket: Ticket) -> Self {
        Self { next: ticket, events: Vec::new(), clocks: Vec::new() }
    }

    /// One more thing that happens to it: `edit` changes the ticket and says what belongs to the event.
    #[must_use]
    pub fn step(mut self, ctx: &Ctx, kind: EventType, edit: impl FnOnce(&mut Ticket, &mut Event)) -> Self {
        self.next.version += 1;
        self.next.update_time = ctx.now;
        let before = self.next.clone();
        let mut event = Event::new(ctx, kind, self.next.id, self.next.version);
        event.configuration_revision = self.next.configuration_revision;
        edit(&mut self.next, &mut event);
        if self.next != before {
            event.changes = Json(differences(fields(&before), fields(&self.next)));
        }
        event.facts = Json(self.next.facts());
        self.events.push(event);
        self
    }

    /// What follows from one of its events, as part of it.
    pub fn amend(&mut self, event: usize, edit: impl FnOnce(&mut Ticket)) {
        let before = fields(&self.next);
        edit(&mut self.next);
        let changes = &mut self.events[event].changes;
        for (field, (before, after)) in differences(before, fields(&self.next)) {
            let first = changes.get(&field).map_or(before, |(first, _)| first.clone());
            changes.insert(field, (first, after));
        }
    }

    /// What happens to it next, by another rule.
    pub fn then(mut self, decide: impl FnOnce(Ticket) -> Result<Self>) -> Result<Self> {
        let after = decide(self.next)?;
        self.events.extend(after.events);
        Ok(Self { next: after.next, events: self.events, clocks: after.clocks })
    }

    /// Whether it begins with the ticket's creation.
    pub fn is_new(&self) -> bool {
        self.events.first().is_some_and(|event| event.version == 1)
    }

    /// Whether the ticket is as it was, but for what every change touches.
    pub fn is_quiet(&self) -> bool {
        self.events.iter().all(|event| event.changes.is_empty())
    }

    /// Whether anything happened.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

/// The ticket as it was before the events, which come newest first: time travel by undoing.
pub fn undo(ticket: &Ticket, events: &[Event]) -> Result<Ticket, serde_json::Error> {
    let mut fields = fields(ticket);
    for event in events {
        for (field, (before, _)) in &*event.changes {
            fields.insert(field.clone(), before.clone());
        }
        fields.insert("version".into(), Value::from(event.version - 1));
    }
    serde_json::from_value(Value::Object(fields))
}

/// The ticket as it was after an event, by how it was before: the opposite of undoing.
pub fn redo(ticket: &Ticket, event: &Event) -> Result<Ticket, serde_json::Error> {
    let mut fields = fields(ticket);
    for (field, (_, after)) in &*event.changes {
        fields.insert(field.clone(), after.clone());
    }
    fields.insert("version".into(), Value::from(event.version));
    serde_json::from_value(Value::Object(fields))
}

/// The ticket as it came in, by the `changes` of its creation. What those do not name was empty then; where a field cannot
/// be empty, it is younger than the event, and has the value that it has now.
pub fn came(now: &Ticket, created: &BTreeMap<String, (Value, Value)>) -> Result<Ticket, serde_json::Error> {
    let mut fields = fields(now);
    let optional = optional(&fields);
    fields.retain(|field, value| {
        let said = created.get(field);
        if let Some((_, after)) = said {
            value.clone_from(after);
        }
        said.is_some() || !optional.contains(field)
    });
    fields.insert("version".into(), Value::from(1));
    fields.insert("update_time".into(), fields["create_time"].clone());
    serde_json::from_value(Value::Object(fields))
}

/// The ticket with each of its fields read in another way.
pub fn reread(ticket: &Ticket, read: impl Fn(&str, &Value) -> Value) -> Result<Ticket, serde_json::Error> {
    let mut fields = fields(ticket);
    for (field, value) in &mut fields {
        *value = read(field, value);
    }
    serde_json::from_value(Value::Object(fields))
}

/// The fields that may be empty: a ticket reads without them.
fn optional(fields: &Map<String, Value>) -> &'static HashSet<String> {
    static OPTIONAL: OnceLock<HashSet<String>> = OnceLock::new();
    OPTIONAL.get_or_init(|| {
        let reads_without = |field: &String| {
            let mut fields = fields.clone();
            fields.remove(field);
            serde_json::from_value::<Ticket>(Value::Object(fields)).is_ok()
        };
        fields.keys().filter(|field| reads_without(field)).cloned().collect()
    })
}

/// A state that the step leads to, and what ends with it.
pub fn enter(ticket: &mut Ticket, state: State) {
    if ticket.state != state {
        ticket.end_hold();
    }
    if !matches!(state, State::New | State::Open) {
        ticket.end_offer();
    }
    ticket.state = state;
}

fn fields(ticket: &Ticket) -> Map<String, Value> {
    match serde_json::to_value(ticket) {
        Ok(Value::Object(fields)) => fields,
        _ => unreachable!("a ticket is a struct of plain values"),
    }
}

fn differences(
    mut before: Map<String, Value>,
    after: Map<String, Value>,
) -> BTreeMap<String, (Value, Value)> {
    after
        .into_iter()
        .filter(|(field, _)| !BOOKKEEPING.contains(&field.as_str()))
        .filter_map(|(field, after)| {
            let before = before.remove(&field).unwrap_or(Value::Null);
            (before != after).then_some((field, (before, after)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ctx::Role, tickets::fixture};

    #[test]
    fn a_ticket_comes_in_as_its_first_event_says() {
        let ctx = fixture::ctx(Role::Agent);
        let first = Ticket { tags: vec!["vip".into()], ..fixture::ticket(State::New) };
        let created = Change::created(&ctx, first.clone(), |_| {}).events.remove(0);
        let later = Change::of(first.clone()).step(&ctx, EventType::TicketAssigned, |ticket, _| {
            ticket.assign("anna", ctx.now);
            ticket.tags.clear();
            ticket.title = "Toner leer".into();
        });
        assert_eq!(came(&later.next, &created.changes).ok(), Some(first.clone()));

        // An event from before the field was there.
        let mut old = created.changes.0.clone();
        old.remove("language_code");
        old.remove("skills");
        old.remove("plan");
        let later = Ticket { plan: "gold".into(), ..later.next };
        assert_eq!(came(&later, &old).ok(), Some(first));
    }

    #[test]
    fn what_is_only_told_of_a_ticket_is_quiet() {
        let ctx = fixture::ctx(Role::Agent);
        let told = Change::of(fixture::ticket(State::New)).step(&ctx, EventType::SlaBreached, |_, event| {
            event.details.insert("clock".into(), 1.into());
        });
        assert!(told.is_quiet() && !told.is_empty());
        let given = told.step(&ctx, EventType::TicketAssigned, |ticket, _| ticket.assign("anna", ctx.now));
        assert!(!given.is_quiet());
        let back = given.step(&ctx, EventType::TicketReleased, |ticket, _| ticket.assignee = None);
        assert!(!back.is_quiet(), "what went and came back was written in between");
    }

    #[test]
    fn what_may_be_empty_is_known() {
        let fields = fields(&fixture::ticket(State::New));
        let optional = optional(&fields);
        for (field, expected) in
            [("assignee", true), ("resolution", true), ("plan", true), ("queue", false), ("tags", false)]
        {
            assert_eq!(optional.contains(field), expected, "{field}");
        }
    }
}
