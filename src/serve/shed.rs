//! How much work the server takes at a time: over the limit a call is turned away at once, while that is still cheap.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::{
    layer::{Answer, Call, Reply, keep},
    policy::policy,
    refuse,
};
use crate::error::{Error, Reason};

/// Turns calls away that find no room. Streams have room of their own: they wait far more than they work, and would
/// else keep everybody else out.
pub(super) struct Shed<A> {
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    next: A,
}

impl<A> Shed<A> {
    pub(super) fn new(calls: usize, streams: usize, next: A) -> Self {
        let room = |places| Arc::new(Semaphore::new(places));
        Self { calls: room(calls), streams: room(streams), next }
    }
}

impl<A: Answer> Answer for Shed<A> {
    async fn answer(&self, call: Call) -> Reply {
        let policy = policy(&call);
        if policy.cost == 0 {
            return self.next.answer(call).await;
        }
        let room = if policy.streaming { &self.streams } else { &self.calls };
        let Ok(place) = Arc::clone(room).try_acquire_owned() else { return refuse(busy()) };
        keep(self.next.answer(call).await, place)
    }
}

fn busy() -> Error {
    Error::Unavailable {
        reason: Reason::Overloaded,
        text: "the server has more work than it can take; retry",
        retry_after: Duration::from_secs(1),
    }
}
