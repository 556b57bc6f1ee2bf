//! How far the stream of each bucket has come, as this process knows: readers wait here, so that a thousand of them ask
//! the database no more often than one.

use tokio::sync::watch;

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
        Self(watch::Sender::new(vec![0; 256]))
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

    pub(super) fn watch(&self, bucket: i16) -> Head {
        Head { heads: self.0.subscribe(), bucket: bucket as usize }
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
        let waits = tokio::time::timeout(std::time::Duration::ZERO, head.beyond(5)).await;
        assert!(waits.is_err(), "nothing is behind 5 yet");
    }
}
