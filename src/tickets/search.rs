//! Tickets by words, the best first, and what of them to show. Which tickets a caller may find is what the caller may list; by
//! which words, what the caller may read: a customer's search is among the own tickets alone, also in how it is ranked.
//!
//! A search is paged as it began: by the words that answered and the weight that each had for the first page.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{
    Receipt, Shown, Ticket,
    list::{self, Selection},
    read, restricted, store, store_list,
};
use crate::{
    app::App,
    comments,
    ctx::Ctx,
    db::Tx,
    error::{Error, Reason, Result, Violation},
    ids::Id,
    seal::Page,
    search::{self, Corpus, Hit, Plan, Scope, Snippet, Wanted},
    tickets::index,
};

/// Bytes of a query.
pub const LONGEST: usize = 512;
/// A customer's tickets among which is searched, the newest.
const OWN: i64 = 2000;
/// Tickets among which is searched one by one, when a filter selects no more and the words are common.
const FEW: i64 = 1000;
/// What is found at most.
const MOST: usize = 5000;
/// Tickets that are read at once, until a page is full.
const PIECE: usize = 300;

/// What SearchTickets asks for.
#[derive(Clone, Debug)]
pub struct Search<'a> {
    pub query: &'a str,
    pub filter: &'a str,
    pub page_size: i32,
    pub page_token: &'a str,
    pub min_revision: Option<Receipt>,
}

/// A ticket that was found.
#[derive(Clone, Debug)]
pub struct Found {
    pub shown: Shown,
    pub score: i64,
    pub snippets: Vec<Piece>,
}

/// What answers in a ticket.
#[derive(Clone, Debug)]
pub struct Piece {
    pub field: &'static str,
    pub comment: Option<Id>,
    pub snippet: Snippet,
}

/// A page of what was found.
#[derive(Clone, Debug)]
pub struct Results {
    pub found: Vec<Found>,
    pub next: String,
    pub behind: bool,
}

/// Where a page ended, and how the search began.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Cursor {
    plan: Plan,
    /// Whether it is among few, one by one.
    narrow: bool,
    /// What is newer was not there.
    until: Id,
    last: Hit,
}

pub async fn search(app: &App, ctx: &Ctx, search: Search<'_>) -> Result<Results> {
    let selection = Selection::parse(app, ctx, search.filter).await?;
    let purpose = purpose(&selection, search.query);
    let page = Page::<Cursor>::parse(&app.sealer, &purpose, search.page_size, search.page_token)?;
    read::await_revision(app, ctx, search.min_revision).await?;
    let mut tx = app.db.read(&ctx.tenant).await?;
    let (read, behind) = index::behind_in(app, &mut tx, search.min_revision.map(|it| it.ticket)).await?;
    let begun = match &page.after {
        Some(cursor) => cursor.clone(),
        None => begin(app, &mut tx, &selection, search.query).await?,
    };
    let few = if begun.narrow { Some(few(&mut tx, &selection).await?) } else { None };
    let scope =
        Scope { among: few.as_deref(), until: page.after.as_ref().map(|cursor| cursor.until), read: &read };
    let mut hits = search::find_in(&mut tx, &begun.plan, scope, MOST).await?;
    // Another replica's clock may be a little ahead.
    let until = hits.iter().map(|hit| hit.id).max().map_or(begun.until, |newest| newest.max(begun.until));
    let until = if page.after.is_some() { begun.until } else { until };
    hits.retain(|hit| page.after.as_ref().is_none_or(|cursor| *hit < cursor.last));
    let rows = fill(&mut tx, &selection, &hits, page.limit() as usize).await?;
    let cursor = |row: &(Hit, Ticket)| Cursor { last: row.0, until, ..begun.clone() };
    let (rows, next) =
        page.finish_within(&app.sealer, &purpose, rows, cursor, |row| 2000 + row.1.title.len())?;
    let (hits, tickets): (Vec<Hit>, Vec<Ticket>) = rows.into_iter().unzip();
    let shown = app.names.put_on(&mut tx, &ctx.tenant, tickets).await?;
    let mut pieces = pieces(&mut tx, ctx, &begun.plan, &shown).await?;
    tx.keep();
    restricted::note(app, ctx, &shown).await?;
    let found = shown.into_iter().zip(hits).map(|(shown, hit)| Found {
        snippets: pieces.remove(&shown.id).unwrap_or_default(),
        score: hit.score,
        shown,
    });
    Ok(Results { found: found.collect(), next, behind })
}

/// What the page tokens are bound to.
fn purpose(selection: &Selection<'_>, query: &str) -> String {
    format!("{} {query}", list::purpose_of(selection, "SearchTickets"))
}

/// How a search begins.
async fn begin(app: &App, tx: &mut Tx, selection: &Selection<'_>, query: &str) -> Result<Cursor> {
    let ctx = selection.ctx;
    let customer = ctx.actor.is_customer();
    let plan = if customer {
        let own = few(tx, selection).await?;
        search::plan_among_in(tx, Corpus::Tickets, query, &own).await?
    } else {
        search::plan_in(tx, Corpus::Tickets, query, Wanted::All, true).await?
    };
    if plan.is_empty() {
        let text = "needs a word that not every text has";
        let violation = Violation { field: "query".into(), text: text.into() };
        return Err(Error::Invalid(Reason::QueryWithoutWords, vec![violation]));
    }
    let narrow = customer
        || selection.filter.is_some()
            && plan.has_common_words()
            && store_list::newest(tx, selection, FEW + 1).await?.len() as i64 <= FEW;
    let last = Hit { score: i64::MAX, id: app.ids.next() };
    Ok(Cursor { plan, narrow, until: last.id, last })
}

/// The tickets among which a narrow search looks.
async fn few(tx: &mut Tx, selection: &Selection<'_>) -> Result<Vec<Id>> {
    let most = if selection.ctx.actor.is_customer() { OWN } else { FEW };
    store_list::newest(tx, selection, most).await
}

/// The tickets behind the first hits that the caller may see and the filter selects, at most `limit`.
async fn fill(
    tx: &mut Tx,
    selection: &Selection<'_>,
    hits: &[Hit],
    limit: usize,
) -> Result<Vec<(Hit, Ticket)>> {
    let mut rows = Vec::with_capacity(limit);
    for piece in std::iter::once(&hits[..hits.len().min(limit)])
        .chain(hits.get(limit..).unwrap_or_default().chunks(PIECE))
    {
        let ids: Vec<Id> = piece.iter().map(|hit| hit.id).collect();
        let found = store_list::among(tx, selection, &ids).await?;
        let mut found: HashMap<Id, Ticket> = found.into_iter().map(|ticket| (ticket.id, ticket)).collect();
        rows.extend(piece.iter().filter_map(|hit| Some((*hit, found.remove(&hit.id)?))));
        if rows.len() >= limit {
            break;
        }
    }
    rows.truncate(limit);
    Ok(rows)
}

/// What answers in these tickets, of what the caller may read.
async fn pieces(tx: &mut Tx, ctx: &Ctx, plan: &Plan, shown: &[Shown]) -> Result<HashMap<Id, Vec<Piece>>> {
    let ids: Vec<Id> = shown.iter().map(|ticket| ticket.id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let own = store::find_texts(tx, &ids).await?;
    let mut said = comments::texts_in(tx, &ids).await?;
    said.retain(|comment| comment.visibility.is_shown_to(&ctx.actor));
    let own = own.iter().flat_map(|ticket| {
        [(ticket.id, "title", None, &ticket.title), (ticket.id, "description", None, &ticket.description)]
    });
    let said = said.iter().map(|comment| (comment.ticket_id, "comment", Some(comment.id), &comment.text));
    let texts: Vec<_> = own.chain(said).collect();
    let all: Vec<&str> = texts.iter().map(|text| text.3.as_str()).collect();
    let mut pieces: HashMap<Id, Vec<Piece>> = HashMap::new();
    for ((ticket, field, comment, _), snippet) in
        texts.iter().zip(search::highlight_in(tx, plan, &all).await?)
    {
        let Some(snippet) = snippet else { continue };
        let pieces = pieces.entry(*ticket).or_default();
        // Comments come newest first: the first that answers is shown.
        if comment.is_none() || !pieces.iter().any(|piece| piece.comment.is_some()) {
            pieces.push(Piece { field, comment: *comment, snippet });
        }
    }
    Ok(pieces)
}
