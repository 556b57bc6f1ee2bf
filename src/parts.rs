//! A long answer in parts: a task makes them, no faster than the reader takes them, and ends with the reader or the drain.

use std::{sync::Arc, time::Duration};

use futures_util::stream::BoxStream;
use tokio::sync::mpsc::{self, Sender};
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    app::App,
    error::{Error, Reason, Result},
};

/// Parts that wait for the reader at most; while they do, the task does, too.
const BUFFER: usize = 8;
/// How long the reader should hear nothing at most.
pub const SILENCE: Duration = Duration::from_secs(1);

/// Why an answer ends before its end.
#[derive(Debug)]
pub enum End {
    /// The reader left.
    Gone,
    Failed(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Where the parts go.
pub type Parts<P> = Sender<Result<P>>;

pub async fn send<P>(out: &Parts<P>, part: P) -> Result<(), End> {
    out.send(Ok(part)).await.map_err(|_| End::Gone)
}

/// Starts the task; its parts are the stream.
pub fn stream<P, F>(app: &Arc<App>, make: impl FnOnce(Parts<P>) -> F) -> BoxStream<'static, Result<P>>
where
    P: Send + 'static,
    F: Future<Output = Result<(), End>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(BUFFER);
    let made = make(sender.clone());
    let drain = app.drain.clone();
    app.tasks.spawn(async move {
        let ended = tokio::select! {
            biased;
            () = sender.closed() => Ok(()),
            () = drain.cancelled() => Err(End::Failed(shutting_down())),
            ended = made => ended,
        };
        if let Err(End::Failed(error)) = ended {
            // A reader who does not read does not keep the server from going down.
            _ = sender.send_timeout(Err(error), SILENCE).await;
        }
    });
    Box::pin(ReceiverStream::new(receiver))
}

fn shutting_down() -> Error {
    Error::Unavailable {
        reason: Reason::ShuttingDown,
        text: "the server goes down; simulate on another",
        retry_after: Duration::ZERO,
    }
}
