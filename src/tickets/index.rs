//! What of a ticket is searched, and the job that keeps the index up with it. It follows the stream: whoever writes a text
//! writes its event and nothing else, and a search looks itself at what came since the job's place.

use std::collections::{BTreeSet, HashMap};

use super::store;
use crate::{
    app::App,
    comments::{self, Visibility},
    configuration,
    db::Tx,
    error::Result,
    events::{self, EventType},
    ids::{Id, TenantId},
    jobs::{Report, Tally},
    search::{self, Corpus, Document, Field, Passage, Read},
};

/// What may change the texts of a ticket.
const TELLING: &[EventType] = &[
    EventType::TicketCreated,
    EventType::TicketUpdated,
    EventType::TicketCommented,
    EventType::TicketCommentRedacted,
];
/// Events that a turn reads at most: of few tickets each, so that nobody who erases waits for long.
const BATCH: i64 = 200;
/// Events behind the index at which a search looks itself.
const TAIL: i64 = 200;

/// One tick: a turn for each tenant that is behind, until `limit` tickets were read.
pub async fn run_once(app: &App, limit: usize) -> Result<Report> {
    // Known before anything is read, so what is read is all up to here.
    let heads: HashMap<i16, i64> = events::stream_heads(app.db.across()).await?.into_iter().collect();
    let positions = search::positions(app.db.across(), Corpus::Tickets).await?;
    let mut tally = Tally::default();
    let mut room = limit as i64;
    let mut tenants = configuration::store::list_tenants(app.db.across()).await?;
    // One that is far behind does not keep the others waiting.
    fastrand::shuffle(&mut tenants);
    for (tenant, _) in tenants {
        let Some(tenant) = TenantId::parse(&tenant) else { continue };
        let head = heads.get(&tenant.bucket()).copied().unwrap_or(0);
        let position = positions.get(&tenant).copied();
        if position.unwrap_or(0) >= head {
            continue;
        }
        if position.is_none() {
            // By itself: who begins keeps others waiting who do.
            let mut tx = app.db.begin(&tenant).await?;
            search::begin_in(&mut tx, Corpus::Tickets).await?;
            tx.commit().await?;
        }
        if room <= 0 {
            tally.add(Ok(Report { done: 0, full: true }));
            break;
        }
        let turn = turn(app, &tenant, head, room.min(BATCH)).await;
        room -= turn.as_ref().map_or(0, |turn| turn.done as i64);
        tally.add(turn);
    }
    tally.finish()
}

/// Indexes what came behind the tenant's place. The words and the new place are one transaction under the corpus's lock.
async fn turn(app: &App, tenant: &TenantId, head: i64, limit: i64) -> Result<Report> {
    let mut tx = app.db.begin_derived(tenant).await?;
    let Some(position) = search::lock_free_in(&mut tx, Corpus::Tickets).await? else {
        return Ok(Report::default());
    };
    let steps = events::steps_in(&mut tx, position, TELLING, limit).await?;
    let full = steps.len() as i64 >= limit;
    let last = steps.last().map_or(position, |step| step.position);
    let tickets: BTreeSet<Id> = steps.iter().filter(|step| step.wanted).map(|step| step.ticket_id).collect();
    let tickets: Vec<Id> = tickets.into_iter().collect();
    index_in(&mut tx, &tickets).await?;
    search::advance_in(&mut tx, Corpus::Tickets, if full { last } else { last.max(head) }).await?;
    tx.commit().await?;
    Ok(Report { done: tickets.len(), full })
}

/// Makes the index say what these tickets say now.
pub async fn index_in(tx: &mut Tx, tickets: &[Id]) -> Result<()> {
    let documents = documents_in(tx, tickets).await?;
    search::index_in(tx, Corpus::Tickets, &documents).await
}

/// What of these tickets is searched.
async fn documents_in(tx: &mut Tx, tickets: &[Id]) -> Result<Vec<Document>> {
    if tickets.is_empty() {
        return Ok(Vec::new());
    }
    let mut said: HashMap<Id, Vec<Passage>> = HashMap::new();
    for comment in comments::texts_in(tx, tickets).await? {
        let hidden = comment.visibility != Visibility::Public;
        let passage = Passage { field: Field::Talk, hidden, text: comment.text };
        said.entry(comment.ticket_id).or_default().push(passage);
    }
    let documents = store::find_texts(tx, tickets).await?.into_iter().map(|ticket| {
        let own = [(Field::Title, ticket.title), (Field::Body, ticket.description)];
        let own = own.into_iter().map(|(field, text)| Passage { field, hidden: false, text });
        Document {
            id: ticket.id,
            language_code: ticket.language_code,
            passages: own.chain(said.remove(&ticket.id).unwrap_or_default()).collect(),
        }
    });
    Ok(documents.collect())
}

/// What the index does not know yet, read; and whether there is more of it than this. `known` is looked at in any case.
pub async fn behind_in(app: &App, tx: &mut Tx, known: Option<Id>) -> Result<(Vec<Read>, bool)> {
    let position = search::position_in(tx, Corpus::Tickets).await?;
    let passed = events::passed(app, tx.tenant().bucket());
    let (mut tickets, more) = events::since_in(tx, position, passed, TELLING, TAIL).await?;
    if let Some(known) = known.filter(|known| more && !tickets.contains(known)) {
        tickets.push(known);
    }
    let documents = documents_in(tx, &tickets).await?;
    Ok((search::read_in(tx, &documents).await?, more))
}
