//! The end of a tenant's stream in memory, for all who read there: whoever comes first reads for everybody, the others find
//! what was read. A thousand watchers of one tenant ask the database as often as one.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex as StdMutex, PoisonError, Weak},
};

use tokio::sync::Mutex;

use super::{
    project::{Notice, project},
    store_stream::Placed,
    tail::{BATCH, Batch},
};
use crate::{error::Result, ids::TenantId};

/// Events that are kept for those who are a little behind; who is further behind reads alone.
const KEPT: usize = 4096;

/// Who reads the streams of which tenants.
#[derive(Debug, Default)]
pub struct Feeds(StdMutex<HashMap<TenantId, Weak<Mutex<Feed>>>>);

impl Feeds {
    /// The feed of a tenant; a new one begins at `head`.
    pub fn of(&self, tenant: &TenantId, head: i64) -> Arc<Mutex<Feed>> {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feeds.get(tenant).and_then(Weak::upgrade) {
            return feed;
        }
        feeds.retain(|_, feed| feed.strong_count() > 0);
        let feed = Arc::new(Mutex::new(Feed { from: head, through: head, notices: VecDeque::new() }));
        feeds.insert(tenant.clone(), Arc::downgrade(&feed));
        feed
    }
}

/// All events of a tenant behind one position, through another.
#[derive(Debug)]
pub struct Feed {
    from: i64,
    through: i64,
    notices: VecDeque<Arc<Notice>>,
}

impl Feed {
    /// What follows a position, at most `limit`; nothing when that is too far back. What is missing up to `head` is read
    /// for all, in batches.
    pub async fn after(
        &mut self,
        position: i64,
        head: i64,
        limit: usize,
        read: impl AsyncFnOnce(i64, i64) -> Result<Vec<Placed>>,
    ) -> Result<Option<Batch>> {
        if position < self.from {
            return Ok(None);
        }
        if self.through < head && self.through <= position {
            let rows = read(self.through, BATCH).await?;
            self.grow(rows, head);
        }
        let first = self.notices.partition_point(|notice| notice.position <= position);
        let notices: Vec<_> = self.notices.iter().skip(first).take(limit).cloned().collect();
        let all = first + notices.len() == self.notices.len();
        let last = notices.last().map_or(position, |last| last.position);
        let through = if all { last.max(self.through) } else { last };
        Ok(Some(Batch { notices, through, more: through < head }))
    }

    fn grow(&mut self, rows: Vec<Placed>, head: i64) {
        let full = rows.len() as i64 >= BATCH;
        let last = rows.last().map_or(self.through, |last| last.position);
        self.through = if full { last } else { last.max(head) };
        self.notices.extend(rows.into_iter().map(|row| Arc::new(project(row))));
        while self.notices.len() > KEPT {
            self.from = self.notices.pop_front().map_or(self.from, |gone| gone.position);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::{
        ctx::Ctx,
        events::{Event, EventType},
        ids::Id,
    };

    fn tenant() -> TenantId {
        TenantId::parse("acme").expect("a tenant")
    }

    /// The stream has events at the even positions; the odd ones are other tenants'.
    fn rows(after: i64, head: i64, limit: i64) -> Vec<Placed> {
        let ctx = Ctx::system(tenant(), "test", "2026-01-05T09:00:00Z".parse().expect("a time"));
        let event =
            |position| Event::new(&ctx, EventType::TicketNoted, Id(uuid::Uuid::from_u128(1)), position);
        let positions = (after + 1..=head).filter(|position| position % 2 == 0).take(limit as usize);
        positions.map(|position| Placed { position, event: event(position) }).collect()
    }

    #[tokio::test]
    async fn a_thousand_readers_read_once_and_see_the_same() {
        let (feeds, reads) = (Feeds::default(), Cell::new(0));
        let watchers: Vec<_> = (0..1000).map(|_| feeds.of(&tenant(), 100)).collect();
        for head in [111, 121, 131] {
            for feed in &watchers {
                let read = async |after, limit| {
                    reads.set(reads.get() + 1);
                    Ok(rows(after, head, limit))
                };
                let mut feed = feed.lock().await;
                let batch = feed.after(head - 10, head, 500, read).await.expect("read").expect("near enough");
                assert_eq!((batch.through, batch.more), (head, false));
                let wanted: Vec<i64> = (head - 9..=head).filter(|position| position % 2 == 0).collect();
                assert_eq!(batch.notices.iter().map(|notice| notice.position).collect::<Vec<_>>(), wanted);
            }
        }
        assert_eq!(reads.get(), 3);
    }

    #[tokio::test]
    async fn who_is_behind_gets_everything_in_pieces_or_reads_alone() {
        let feeds = Feeds::default();
        let feed = feeds.of(&tenant(), 100);
        let mut feed = feed.lock().await;
        let head = 100 + 2 * 10_000;
        let read = async |after, limit| Ok(rows(after, head, limit));
        assert!(feed.after(99, head, 500, read).await.expect("read").is_none(), "before the feed began");
        let (mut position, mut seen) = (100, Vec::new());
        while let Some(batch) = feed.after(position, head, 300, read).await.expect("read") {
            seen.extend(batch.notices.iter().map(|notice| notice.position));
            position = batch.through;
            if !batch.more {
                break;
            }
        }
        assert_eq!(position, head);
        assert_eq!(seen, (101..=head).filter(|position| position % 2 == 0).collect::<Vec<_>>());
        assert!(feed.after(200, head, 500, read).await.expect("read").is_none(), "no longer kept");
        assert!(feed.notices.len() <= KEPT);
    }

    #[tokio::test]
    async fn a_feed_that_nobody_reads_is_forgotten() {
        let feeds = Feeds::default();
        drop(feeds.of(&tenant(), 100));
        assert_eq!(feeds.of(&tenant(), 7).lock().await.from, 7);
    }
}
