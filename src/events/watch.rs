//! Events as they come: one stream to one reader, with a word every few seconds, an end in good order, and no patience
//! with who does not read.

use std::{
    ops::Range,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::{
    sync::{
        mpsc::{self, error::SendTimeoutError},
        oneshot,
    },
    time::{Instant, sleep, sleep_until},
};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    Filter,
    cursor::{Start, cursor, position},
    project::Notice,
    tail::{BATCH, Batch, Tail},
};
use crate::{
    app::App,
    ctx::{Clock, Ctx},
    error::{Error, Reason, Result},
    serve::{Leaving, Why},
    tickets::{self, Live, Sight, Ticket},
    time::Time,
};

/// A message follows the one before it after this time at the latest; the contract promises 15 seconds.
const BOOKMARK: Duration = Duration::from_secs(10);
/// Messages that wait for the reader at most.
const BUFFER: usize = 64;
/// How long they may wait when no more fit.
const GRACE: Duration = Duration::from_secs(10);
/// How old a stream becomes, in seconds: streams that began together do not end together.
const AGE: Range<u64> = 20 * 60..40 * 60;
/// Events in one message at most.
const EVENTS: usize = 200;
/// Tickets in one message of the snapshot at most.
const TICKETS: i64 = 100;

/// What to watch.
#[derive(Clone, Debug)]
pub struct Watch {
    pub start: Start,
    pub filter: Filter,
    pub include_initial_state: bool,
}

/// What the reader gets.
#[derive(Debug)]
pub struct Message {
    /// Nothing at or before this position will follow. `None` in a snapshot: one that breaks off begins anew.
    pub position: Option<i64>,
    pub body: Body,
}

#[derive(Debug)]
pub enum Body {
    Events(Vec<Arc<Notice>>),
    Bookmark(Time),
    SnapshotChunk(Vec<Ticket>),
    SnapshotComplete(i64),
    Goodbye(Goodbye),
}

/// Why the service ends a stream that could go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goodbye {
    Drain,
    MaxAge,
}

/// Why a stream ends without a goodbye.
#[derive(Debug)]
enum End {
    /// The reader left.
    Gone,
    /// The reader does not read.
    Slow,
    Failed(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Starts a stream. Its messages come from a task that ends with it.
pub async fn watch(
    app: &Arc<App>,
    ctx: &Ctx,
    mut watch: Watch,
    leaving: Option<Leaving>,
) -> Result<BoxStream<'static, Result<Message>>> {
    watch.filter.sight = Sight::of(app, ctx).await?;
    let start = position(app, &ctx.tenant, &watch.start).await?;
    let (sender, receiver) = mpsc::channel(BUFFER);
    let (failed, failure) = oneshot::channel();
    let out = Outlet { sender, position: start };
    let (app, ctx, reader) = (Arc::clone(app), ctx.clone(), app.metrics.watchers.enter());
    app.tasks.clone().spawn(async move {
        let _reader = reader;
        if let Some(error) = run(&app, &ctx, &watch, leaving, out).await {
            _ = failed.send(Err(error));
        }
    });
    // The error comes behind all that was sent before it.
    let last = stream::once(failure).filter_map(async |failure| failure.ok());
    Ok(ReceiverStream::new(receiver).map(Ok).chain(last).boxed())
}

/// Runs a stream to its end; returns the error that ends it, if one does.
async fn run(
    app: &Arc<App>,
    ctx: &Ctx,
    watch: &Watch,
    leaving: Option<Leaving>,
    mut out: Outlet,
) -> Option<Error> {
    let mut tail = Tail::new(Arc::clone(app), ctx.tenant.clone(), out.position);
    let ended = async {
        if watch.include_initial_state {
            snapshot(app, ctx, &watch.filter, &mut out).await?;
        }
        follow(&mut tail, &watch.filter, &app.clock, pin!(leave(app, leaving)), &mut out).await
    }
    .await;
    match ended {
        Ok(()) | Err(End::Gone) => None,
        Err(End::Failed(error)) => Some(error),
        Err(End::Slow) => {
            Some(cursor(app, &ctx.tenant, out.position).map_or_else(|error| error, slow_reader))
        }
    }
}

fn slow_reader(resume_cursor: String) -> Error {
    Error::Exhausted {
        reason: Reason::SlowReader,
        text: "the events come faster than they are read; resume at resume_cursor".to_owned(),
        metadata: vec![("resume_cursor", resume_cursor)],
    }
}

/// The live tickets that the filter selects, whatever types of events it wants.
async fn snapshot(app: &App, ctx: &Ctx, filter: &Filter, out: &mut Outlet) -> Result<(), End> {
    let live = Live { ticket: filter.ticket, queues: &filter.queues, teams: &filter.teams };
    let (mut count, mut after) = (0, None);
    loop {
        let chunk = tickets::list_live(app, ctx, live, after, TICKETS).await?;
        let Some(last) = chunk.last() else { break };
        after = Some(last.id);
        let chunk = tickets::see(app, ctx, chunk).await?;
        count += chunk.len() as i64;
        out.send(None, Body::SnapshotChunk(chunk)).await?;
    }
    out.send(Some(out.position), Body::SnapshotComplete(count)).await
}

/// Where the events come from.
trait Source {
    /// What comes next. Cancelling it loses nothing.
    fn next(&mut self) -> impl Future<Output = Result<Batch>> + Send;
}

impl Source for Tail {
    async fn next(&mut self) -> Result<Batch> {
        self.wait().await;
        self.read(BATCH).await
    }
}

/// Sends what comes until the stream is to end.
async fn follow(
    source: &mut impl Source,
    filter: &Filter,
    clock: &Clock,
    mut leave: Pin<&mut impl Future<Output = Goodbye>>,
    out: &mut Outlet,
) -> Result<(), End> {
    let mut through = out.position;
    let mut bookmark = Instant::now() + BOOKMARK;
    loop {
        // In this order: a source that never rests keeps neither the end nor a bookmark off.
        let body = tokio::select! {
            biased;
            () = out.sender.closed() => return Err(End::Gone),
            goodbye = &mut leave => Body::Goodbye(goodbye),
            () = sleep_until(bookmark) => Body::Bookmark(clock.now()),
            batch = source.next() => {
                let batch = batch?;
                through = batch.through;
                if out.events(batch, filter).await? {
                    bookmark = Instant::now() + BOOKMARK;
                }
                continue;
            }
        };
        let end = matches!(body, Body::Goodbye(_));
        out.send(Some(through), body).await?;
        if end {
            return Ok(());
        }
        bookmark = Instant::now() + BOOKMARK;
    }
}

/// Where the messages go.
struct Outlet {
    sender: mpsc::Sender<Message>,
    /// Where the reader resumes who has read all that was sent.
    position: i64,
}

impl Outlet {
    /// Sends what the filter wants of a batch; answers whether that was anything.
    async fn events(&mut self, batch: Batch, filter: &Filter) -> Result<bool, End> {
        let mut wanted: Vec<Arc<Notice>> =
            batch.notices.into_iter().filter(|notice| filter.matches(notice)).collect();
        let any = !wanted.is_empty();
        while !wanted.is_empty() {
            let rest = wanted.split_off(EVENTS.min(wanted.len()));
            let last =
                if rest.is_empty() { Some(batch.through) } else { wanted.last().map(|last| last.position) };
            self.send(last, Body::Events(wanted)).await?;
            wanted = rest;
        }
        Ok(any)
    }

    async fn send(&mut self, position: Option<i64>, body: Body) -> Result<(), End> {
        match self.sender.send_timeout(Message { position, body }, GRACE).await {
            Ok(()) => {
                self.position = position.unwrap_or(self.position);
                Ok(())
            }
            Err(SendTimeoutError::Timeout(_)) => Err(End::Slow),
            Err(SendTimeoutError::Closed(_)) => Err(End::Gone),
        }
    }
}

/// Resolves when the stream should end, with the reason.
async fn leave(app: &App, leaving: Option<Leaving>) -> Goodbye {
    let connection = async {
        match leaving {
            Some(leaving) => match leaving.wait().await {
                Why::Age => Goodbye::MaxAge,
                Why::Drain => Goodbye::Drain,
            },
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = app.drain.cancelled() => Goodbye::Drain,
        goodbye = connection => goodbye,
        () = sleep(Duration::from_secs(fastrand::u64(AGE))) => Goodbye::MaxAge,
    }
}

#[cfg(test)]
mod tests;
