//! Looking back over many tickets, one after the other, while somebody listens: in batches, with breath for others, with
//! word of how far it is, and what differs as it is found.

use std::time::Duration;

use tokio::{task::yield_now, time::Instant};

use super::{Past, Selection, past};
use crate::{
    app::App,
    error::Result,
    parts::{End, Parts, SILENCE, send},
};

/// Tickets that are read together.
const BATCH: i64 = 200;
/// Differences in one part at most.
const DIFFERENCES: usize = 200;
/// How long a look may have a thread to itself.
const TURN: Duration = Duration::from_millis(5);

/// Who looks.
pub trait Look: Send {
    /// What the listener is told.
    type Part: Send;
    type Difference: Send;

    fn progress(done: i64, total: i64) -> Self::Part;

    fn differences(differences: Vec<Self::Difference>) -> Self::Part;

    /// Reads what has to be known of the next tickets beside themselves.
    fn read(&mut self, _: &App, _: &[Past]) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }

    /// Counts a ticket; what differs.
    fn at(&mut self, past: &Past) -> Result<Vec<Self::Difference>>;
}

/// Sees every ticket of the selection, in the order in which they came in. `total`: as many as it had when it was counted.
pub async fn look_back<L: Look>(
    app: &App,
    selection: &Selection<'_>,
    mut total: i64,
    look: &mut L,
    out: &Parts<L::Part>,
) -> Result<(), End> {
    let (mut done, mut after) = (0, None);
    let (mut turn, mut told) = (Instant::now(), Instant::now());
    send(out, L::progress(done, total)).await?;
    loop {
        let batch = past(app, selection, after, BATCH).await?;
        let Some(last) = batch.last() else { return Ok(()) };
        after = Some((last.now.create_time, last.now.id));
        look.read(app, &batch).await?;
        let mut differences = Vec::new();
        for past in &batch {
            differences.extend(look.at(past)?);
            done += 1;
            // Those that came in since they were counted.
            total = total.max(done);
            if turn.elapsed() > TURN {
                yield_now().await;
                turn = Instant::now();
                if told.elapsed() > SILENCE {
                    send(out, L::progress(done, total)).await?;
                    told = Instant::now();
                }
            }
        }
        while !differences.is_empty() {
            let rest = differences.split_off(DIFFERENCES.min(differences.len()));
            send(out, L::differences(differences)).await?;
            differences = rest;
        }
        send(out, L::progress(done, total)).await?;
        told = Instant::now();
    }
}
