//! How much work the server takes at a time: over the limit a call is turned away at once, while that is still cheap.

use std::{sync::Arc, time::Duration};

use http_body_util::BodyExt as _;
use tokio::sync::Semaphore;
use tonic::body::Body;

use super::{
    layer::{Answer, Call, Reply},
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
        // The place is free again when the answer has left, not when it begins.
        self.next.answer(call).await.map(|body| {
            Body::new(body.map_frame(move |frame| {
                let _held = &place;
                frame
            }))
        })
    }
}

fn busy() -> Error {
    Error::Unavailable {
        reason: Reason::Overloaded,
        text: "the server has more work than it can take; retry",
        retry_after: Duration::from_secs(1),
    }
}
