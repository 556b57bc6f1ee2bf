//! What happens to tickets, entered into the books of their clocks, in the transaction in which it happens.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use serde_json::Value;

use super::{
    book::{Book, Revisions},
    model::Clock,
    points::Point,
    select::select,
    store,
    told::tell,
};
use crate::{
    configuration::{Configuration, Configurations},
    ctx::Ctx,
    db::Tx,
    error::Result,
    events::{self, Event, EventType},
    ids::Id,
    routing::CONDITION_FIELDS,
    tickets::{Change, Ticket},
};

/// Promises a new ticket what the configuration holds for such.
pub fn promise(configuration: &Configuration, ticket: &mut Ticket) {
    if !configuration.document.sla_policies.is_empty() {
        ticket.sla_policies = select(configuration, ticket);
        ticket.sla_revision = configuration.revision;
    }
}

/// Starts the clocks of a new ticket.
#[must_use]
pub fn begin(configuration: &Configuration, change: Change) -> Change {
    if change.next.sla_policies.is_empty() {
        return change;
    }
    let revisions = Revisions::from([(configuration.revision, configuration)]);
    let clocks = Book::recomputed(&revisions, &change.events).clocks;
    Change { clocks, ..change }
}

/// Enters what happened to tickets that the transaction has locked.
pub async fn follow_in(
    tx: &mut Tx,
    configurations: &Configurations,
    changes: Vec<Change>,
) -> Result<Vec<Change>> {
    let promised = |change: &&Change| change.next.sla_revision > 0 && !change.is_empty();
    if !changes.iter().any(|change| promised(&change)) {
        return Ok(changes);
    }
    let tickets: Vec<&Ticket> = changes.iter().filter(promised).map(|change| &change.next).collect();
    let ledger = Ledger::open_in(tx, configurations, &tickets).await?;
    ledger.enter_in(tx, changes).await
}

/// The clocks of some tickets that the transaction has locked, with the configurations that they are pinned to.
#[derive(Debug)]
pub struct Ledger {
    pinned: HashMap<i64, Arc<Configuration>>,
    clocks: HashMap<Id, Vec<Clock>>,
}

impl Ledger {
    pub async fn open_in(tx: &mut Tx, configurations: &Configurations, tickets: &[&Ticket]) -> Result<Self> {
        let ids: Vec<Id> = tickets.iter().map(|ticket| ticket.id).collect();
        let promised = tickets.iter().map(|ticket| ticket.sla_revision).collect();
        Self::of_in(tx, configurations, &ids, promised).await
    }

    /// As [`Ledger::open_in`]. `promised`: the revisions by which the tickets' policies hold, or held.
    pub async fn of_in(
        tx: &mut Tx,
        configurations: &Configurations,
        ids: &[Id],
        mut promised: BTreeSet<i64>,
    ) -> Result<Self> {
        let clocks = store::of_tickets(tx, ids).await?;
        promised.extend(clocks.values().flatten().map(|clock| clock.configuration_revision));
        let mut pinned = HashMap::new();
        for revision in promised.into_iter().filter(|revision| *revision > 0) {
            if let Some(configuration) = configurations.at_in(tx, revision).await? {
                pinned.insert(revision, configuration);
            }
        }
        Ok(Self { pinned, clocks })
    }

    #[cfg(test)]
    pub fn of(pinned: HashMap<i64, Arc<Configuration>>, clocks: HashMap<Id, Vec<Clock>>) -> Self {
        Self { pinned, clocks }
    }

    /// As [`Ledger::enter_in`] for one ticket, of which everything is at hand.
    #[cfg(test)]
    pub fn enter_alone(&self, mut change: Change, log: Vec<Event>) -> Change {
        self.choose(&mut change);
        let book = self.book(&change);
        let renews = change.events.iter().any(|event| book.renews(event));
        self.enter(&self.revisions(), change, if renews { log } else { Vec::new() })
    }

    /// The configuration that a clock is pinned to.
    pub fn pinned(&self, clock: &Clock) -> Option<&Configuration> {
        self.pinned.get(&clock.configuration_revision).map(Arc::as_ref)
    }

    /// The configurations that the tickets and their clocks are pinned to.
    pub fn revisions(&self) -> Revisions<'_> {
        self.pinned.iter().map(|(revision, pinned)| (*revision, &**pinned)).collect()
    }

    /// The clocks of a ticket.
    pub fn clocks(&self, ticket: Id) -> &[Clock] {
        self.clocks.get(&ticket).map(Vec::as_slice).unwrap_or_default()
    }

    /// Enters what happened; tells of clocks that turn out to be late.
    pub async fn enter_in(&self, tx: &mut Tx, mut changes: Vec<Change>) -> Result<Vec<Change>> {
        for change in &mut changes {
            self.choose(change);
        }
        let renewed: Vec<Id> = changes
            .iter()
            .filter(|change| !change.is_quiet())
            .filter(|change| {
                let book = self.book(change);
                change.events.iter().any(|event| book.renews(event))
            })
            .map(|change| change.next.id)
            .collect();
        let mut logs =
            if renewed.is_empty() { HashMap::new() } else { events::logs_in(tx, &renewed).await? };
        let revisions = self.revisions();
        let enter = |change: Change| {
            let log = logs.remove(&change.next.id).unwrap_or_default();
            self.enter(&revisions, change, log)
        };
        Ok(changes.into_iter().map(enter).collect())
    }

    /// Chooses the policies anew if the ticket is no longer what was asked for.
    fn choose(&self, change: &mut Change) {
        let asked = |event: &Event| CONDITION_FIELDS.iter().any(|field| event.changes.contains_key(*field));
        let Some(event) = change.events.iter().rposition(asked) else { return };
        let Some(configuration) = self.pinned.get(&change.next.sla_revision) else { return };
        let policies = select(configuration, &change.next);
        if policies != change.next.sla_policies {
            change.amend(event, |ticket| ticket.sla_policies = policies);
        }
    }

    /// The book as it was before the change.
    fn book(&self, change: &Change) -> Book {
        let before = |field: &str| {
            let mut events = change.events.iter();
            events.find_map(|event| event.changes.get(field)).map(|(before, _)| before)
        };
        let policies = before("sla_policies").cloned().map(serde_json::from_value::<Option<Vec<String>>>);
        let policies = policies.and_then(Result::ok).map(Option::unwrap_or_default);
        Book {
            policies: policies.unwrap_or_else(|| change.next.sla_policies.clone()),
            revision: before("sla_revision").and_then(Value::as_i64).unwrap_or(change.next.sla_revision),
            clocks: self.clocks(change.next.id).to_vec(),
        }
    }

    /// `log`: what happened before, if that has to be known.
    fn enter(&self, revisions: &Revisions<'_>, mut change: Change, mut log: Vec<Event>) -> Change {
        if change.is_empty() || change.next.sla_revision == 0 {
            return change;
        }
        let mut book = self.book(&change);
        let before = self.clocks(change.next.id);
        for event in &change.events {
            if !change.is_quiet() {
                log.push(event.clone());
            }
            book.follow(revisions, event, &log);
        }
        let owed: Vec<i32> = book.clocks.iter().filter(|it| it.owes_breach()).map(|it| it.number).collect();
        for number in owed {
            change = owe(revisions, change, &mut book, number);
        }
        book.clocks.retain(|clock| !before.contains(clock));
        change.clocks = book.clocks;
        change
    }
}

/// The revisions of which a log speaks.
pub fn promised<'e>(log: impl IntoIterator<Item = &'e Event>) -> BTreeSet<i64> {
    log.into_iter().filter_map(|event| event.changes.get("sla_revision")?.1.as_i64()).collect()
}

/// Tells of a clock that was late before anybody looked.
fn owe(revisions: &Revisions<'_>, change: Change, book: &mut Book, number: i32) -> Change {
    let clock = book.clocks.iter().find(|clock| clock.number == number).cloned();
    let pinned = clock.as_ref().and_then(|clock| revisions.get(&clock.configuration_revision));
    let (Some(clock), Some(pinned)) = (&clock, pinned) else { return change };
    let (now, traceparent) =
        change.events.last().map(|last| (last.occur_time, last.traceparent.clone())).unwrap_or_default();
    let ctx = Ctx { traceparent, ..Ctx::system(change.next.tenant_id.clone(), "sla", now) };
    let change =
        change.step(&ctx, EventType::SlaBreached, |_, event| tell(event, pinned, clock, Point::Breach));
    if let Some(event) = change.events.last() {
        book.follow(revisions, event, &[]);
    }
    change
}
