//! The job that counts: it follows the tenants' streams, and folds what happened into the stories of their tickets. A ticket's
//! events are folded once each, by their versions, whoever counts and whoever dies; so it may see a ticket twice.

use std::collections::{BTreeSet, HashMap};

use super::{
    store::{self, Head, Judged},
    story::{Step, Story},
};
use crate::{
    app::App,
    configuration,
    db::Tx,
    error::Result,
    events,
    ids::{Id, TenantId},
    jobs::{Report, Tally},
    sla, tickets,
    time::Time,
};

/// Events of the stream that a tenant's turn reads at most.
const BATCH: i64 = 500;
/// Tickets that a turn counts from their beginning at most.
const WALK: i64 = 200;

/// One tick: a turn for each tenant of which there is something to count, at most `limit` of them.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    let now = app.db.now(&app.clock).await?;
    // Known before anything is read, so what is read is all up to here.
    let heads: HashMap<i16, i64> = events::stream_heads(app.db.across()).await?.into_iter().collect();
    let head = |tenant: &TenantId| heads.get(&tenant.bucket()).copied().unwrap_or(0);
    let behind = behind(app, head).await?;
    let found = behind.len();
    let mut tally = Tally::default();
    for tenant in behind.into_iter().take(limit) {
        let head = head(&tenant);
        tally.add(turn(app, &tenant, head, now).await);
    }
    let report = tally.finish()?;
    Ok(Report { full: report.full || report.done > 0 && found > limit, ..report })
}

/// The tenants of which there is something to count: those that are not whole first, then those behind whose place something
/// happened. In the bucket of a busy tenant there are others to whom nothing did.
async fn behind(app: &App, stream_head: impl Fn(&TenantId) -> i64) -> Result<Vec<TenantId>> {
    let counted: HashMap<TenantId, Head> = store::heads(app.db.across()).await?.into_iter().collect();
    let tenants = configuration::store::list_tenants(app.db.across()).await?;
    let mut behind = Vec::new();
    let mut maybe = Vec::new();
    for tenant in tenants.into_iter().filter_map(|(tenant, _)| TenantId::parse(&tenant)) {
        match counted.get(&tenant).filter(|head| head.is_whole()) {
            None => behind.push(tenant),
            Some(head) if head.position < stream_head(&tenant) => maybe.push((tenant, head.position)),
            Some(_) => {}
        }
    }
    behind.extend(events::behind_of(app.db.across(), &maybe).await?);
    Ok(behind)
}

async fn turn(app: &App, tenant: &TenantId, stream_head: i64, now: Time) -> Result<Report> {
    let mut tx = app.db.begin_derived(tenant).await?;
    let Some(head) = store::lock_head(&mut tx, stream_head, now).await? else { return Ok(Report::default()) };
    let touched = events::touched_in(&mut tx, head.position, BATCH).await?;
    let full = touched.len() as i64 >= BATCH;
    let last = touched.last().map_or((head.position, head.record_time), |it| (it.position, it.record_time));
    let mut due: BTreeSet<Id> = touched.iter().map(|it| it.ticket_id).collect();
    let walked = match head.walked_to {
        Some(behind) => tickets::ids_behind_in(&mut tx, behind, WALK).await?,
        None => Vec::new(),
    };
    due.extend(&walked);
    let due: Vec<Id> = due.into_iter().collect();
    let done = count_in(&mut tx, &due).await?;
    let walked_to = if (walked.len() as i64) < WALK { None } else { walked.last().copied() };
    let position = if full { last.0 } else { last.0.max(stream_head) };
    store::put_head(&mut tx, &Head { position, walked_to, record_time: last.1, ..head }).await?;
    tx.commit().await?;
    Ok(Report { done, full: full || walked_to.is_some() })
}

/// Counts what happened to these tickets since they were looked at last; says how many events that were.
async fn count_in(tx: &mut Tx, tickets: &[Id]) -> Result<usize> {
    if tickets.is_empty() {
        return Ok(0);
    }
    let mut stories: HashMap<Id, Story> =
        store::stories(tx, tickets).await?.into_iter().map(|story| (story.ticket_id, story)).collect();
    let from: Vec<(Id, i64)> =
        tickets.iter().map(|id| (*id, stories.get(id).map_or(0, |story| story.version))).collect();
    let events = events::behind_versions_in(tx, &from).await?;
    let merged: HashMap<Id, bool> = stories.iter().map(|(id, story)| (*id, story.is_merged())).collect();
    let (mut steps, mut anew): (Vec<Step>, Vec<Id>) = (Vec::new(), Vec::new());
    for event in &events {
        let story = stories.entry(event.ticket_id).or_insert_with(|| {
            anew.push(event.ticket_id);
            Story::new(event)
        });
        steps.extend(story.see(event));
    }
    // Whoever has no new events has no new clocks.
    let moved: BTreeSet<Id> = events.iter().map(|event| event.ticket_id).collect();
    let moved: Vec<Id> = moved.into_iter().collect();
    let clocks = sla::of_tickets_in(tx, &moved).await?;
    let stories: Vec<Story> = moved.iter().filter_map(|id| stories.remove(id)).collect();
    let was = |id: &Id| merged.get(id).copied().unwrap_or_default();
    let turned = stories.iter().filter(|story| story.is_merged() != was(&story.ticket_id));
    let turned: Vec<Id> = turned.map(|story| story.ticket_id).collect();
    let judged: Vec<Judged<'_>> = stories
        .iter()
        .flat_map(|story| {
            let clocks = clocks.get(&story.ticket_id).map(Vec::as_slice).unwrap_or_default();
            clocks.iter().filter_map(move |clock| Judged::of(clock, story))
        })
        .collect();
    store::put(tx, &stories, &anew, &turned, &steps, &judged).await?;
    Ok(events.len())
}
