//! Events page by page: the pull twin of watching.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{
    Filter,
    cursor::{Start, position},
    project::Notice,
    tail::{BATCH, Tail},
};
use crate::{app::App, ctx::Ctx, error::Result, tickets::Sight};

/// Batches that one call looks through for what the filter wants.
const MAX_BATCHES: usize = 20;

/// What to list.
#[derive(Clone, Debug)]
pub struct List {
    pub start: Start,
    pub filter: Filter,
    pub size: usize,
    /// How long to wait for the first event.
    pub wait: Duration,
}

/// A page of events.
#[derive(Debug, Default)]
pub struct Page {
    pub notices: Vec<Arc<Notice>>,
    /// The page is current through here.
    pub through: i64,
    /// Whether the log goes on.
    pub more: bool,
}

/// Reads a page; waits for its first event if asked, and not once the service goes down.
pub async fn list(app: &Arc<App>, ctx: &Ctx, list: &List) -> Result<Page> {
    let until = Instant::now() + list.wait;
    let sight = Sight::of(app, ctx).await?;
    let filter = Filter { sight, ..list.filter.clone() };
    let start = position(app, &ctx.tenant, &list.start).await?;
    let mut tail = Tail::new(Arc::clone(app), ctx.tenant.clone(), start);
    loop {
        let page = page(&mut tail, &filter, list.size).await?;
        if !page.notices.is_empty() || page.more || Instant::now() >= until {
            return Ok(page);
        }
        let news = app.drain.run_until_cancelled(timeout_at(until, tail.wait())).await;
        if !matches!(news, Some(Ok(()))) {
            return Ok(page);
        }
    }
}

async fn page(tail: &mut Tail, filter: &Filter, size: usize) -> Result<Page> {
    let mut page = Page::default();
    for _ in 0..MAX_BATCHES {
        let room = size - page.notices.len();
        let batch = tail.read(if filter.is_empty() { room as i64 } else { BATCH }).await?;
        (page.through, page.more) = (batch.through, batch.more);
        let mut wanted = batch.notices.into_iter().filter(|notice| filter.matches(notice));
        page.notices.extend(wanted.by_ref().take(room));
        if wanted.next().is_some() {
            // The rest of the batch belongs to the next page.
            page.through = page.notices.last().map_or(page.through, |notice| notice.position);
            page.more = true;
        }
        if page.notices.len() == size || !page.more {
            break;
        }
    }
    Ok(page)
}
