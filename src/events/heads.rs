//! How far the stream of each bucket has come, as this process knows: readers wait here, so that a thousand of them ask
//! the database no more often than one. What is placed here is known at once; what other processes place, soon.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use super::store_stream as store;
use crate::{app::App, error::chain, ids::BUCKETS};

/// How long what another process placed goes unnoticed at most, while somebody reads here.
const PERIOD: Duration = Duration::from_millis(25);

/// Positions by bucket.
#[derive(Debug)]
pub struct Heads(watch::Sender<Vec<i64>>);

/// One bucket, watched.
#[derive(Debug)]
pub struct Head {
    heads: watch::Receiver<Vec<i64>>,
    bucket: usize,
}

impl Default for Heads {
    fn default() -> Self {
        Self(watch::Sender::new(vec![0; BUCKETS]))
    }
}

impl Heads {
    /// The bucket has come this far, at least.
    pub(super) fn tell(&self, bucket: i16, position: i64) {
        self.0.send_if_modified(|heads| {
            let head = &mut heads[bucket as usize];
            let news = position > *head;
            *head = position.max(*head);
            news
        });
    }

    /// How far each has come.
    pub(super) fn positions(&self) -> Vec<i64> {
        self.0.borrow().clone()
    }

    pub(super) fn watch(&self, bucket: i16) -> Head {
        Head { heads: self.0.subscribe(), bucket: bucket as usize }
    }
}

/// Looks at what other processes place, as long as there is anybody who asks, until the service goes down.
pub async fn follow(app: Arc<App>) {
    while app.drain.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_some() {
        if app.heads.0.receiver_count() == 0 && app.relay.is_none() {
            continue;
        }
        match store::heads(app.db.across()).await {
            Ok(heads) => heads.into_iter().for_each(|(bucket, position)| app.heads.tell(bucket, position)),
            Err(error) => tracing::debug!(error = chain(&error), "the heads of the stream cannot be read"),
        }
    }
}

impl Head {
    /// How far it has come.
    pub fn position(&self) -> i64 {
        self.heads.borrow()[self.bucket]
    }

    /// Waits until it has come further than this.
    pub async fn beyond(&mut self, position: i64) {
        let bucket = self.bucket;
        if self.heads.wait_for(|heads| heads[bucket] > position).await.is_err() {
            // The service is gone, and nothing will come any more; whoever waits is about to be dropped too.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_waiter_hears_of_its_own_bucket_and_never_of_less() {
        let heads = Heads::default();
        let mut head = heads.watch(7);
        heads.tell(8, 100);
        heads.tell(7, 5);
        heads.tell(7, 3);
        head.beyond(4).await;
        assert_eq!(head.position(), 5);
        let waits = tokio::time::timeout(Duration::ZERO, head.beyond(5)).await;
        assert!(waits.is_err(), "nothing is behind 5 yet");
    }
}
