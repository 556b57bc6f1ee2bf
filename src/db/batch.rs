//! Micro-batches without a timer: what queued up while the batch before was at work goes together. A lone call is not
//! slowed down, a crowd shares the round trips and the commit, and everybody is answered after it.

use std::{future::Future, sync::Arc};

use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span};

use crate::{
    error::{Error, Reason, Result},
    telemetry::hop::shared,
};

/// A line of jobs `J` that are done together, each with its own answer `A`.
#[derive(Debug)]
pub struct Batcher<J, A> {
    lanes: Vec<mpsc::Sender<Job<J, A>>>,
}

/// One caller's work; it is skipped when the caller has gone.
type Job<J, A> = (J, Caller<A>);

/// Who waits for the answer, and the span of its call.
type Caller<A> = (oneshot::Sender<Result<A>>, Span);

impl<J: Send + 'static, A: Send + 'static> Batcher<J, A> {
    /// `lanes` workers, each taking at most `max` jobs at once. `work` answers in the order of the jobs.
    pub fn start<F, W>(tasks: &TaskTracker, lanes: usize, max: usize, work: W) -> Self
    where
        W: Fn(Vec<J>) -> F + Send + Sync + 'static,
        F: Future<Output = Vec<Result<A>>> + Send + 'static,
    {
        let work = Arc::new(work);
        let lanes = (0..lanes)
            .map(|_| {
                let (sender, receiver) = mpsc::channel(4 * max);
                tasks.spawn(run(receiver, max, Arc::clone(&work)));
                sender
            })
            .collect();
        Self { lanes }
    }

    /// Does the job with whatever else waits in the lane that `key` falls into.
    pub async fn submit(&self, key: u64, job: J) -> Result<A> {
        let (answer, answered) = oneshot::channel();
        let lane = &self.lanes[key as usize % self.lanes.len()];
        lane.try_send((job, (answer, Span::current()))).map_err(|_| Error::Unavailable {
            reason: Reason::Overloaded,
            text: "more writes are waiting than can be taken; retry",
            retry_after: std::time::Duration::from_millis(200),
        })?;
        answered.await.unwrap_or_else(|_| Err(Error::internal("the batch ended without an answer")))
    }
}

async fn run<J, A, F, W>(mut receiver: mpsc::Receiver<Job<J, A>>, max: usize, work: Arc<W>)
where
    W: Fn(Vec<J>) -> F,
    F: Future<Output = Vec<Result<A>>>,
{
    let mut waiting = Vec::with_capacity(max);
    while receiver.recv_many(&mut waiting, max).await > 0 {
        waiting.retain(|(_, (answer, _))| !answer.is_closed());
        let (jobs, callers): (Vec<_>, Vec<_>) = waiting.drain(..).unzip();
        let (callers, spans): (Vec<_>, Vec<_>) = callers.into_iter().unzip();
        if jobs.is_empty() {
            continue;
        }
        for (caller, answer) in callers.into_iter().zip(work(jobs).instrument(shared(&spans)).await) {
            // A caller who left in the meantime finds the outcome under the request_id.
            _ = caller.send(answer);
        }
    }
}
