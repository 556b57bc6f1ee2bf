//! Read transactions that wait for the next reader of their tenant instead of ending: reads that follow each other share a
//! begin and an end, and what a lone read costs is its statement. Each statement sees what is committed when it begins.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{Postgres, Transaction};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep},
};

use crate::ids::TenantId;

/// How long one waits for a reader.
const IDLE: Duration = Duration::from_millis(20);
/// How long one goes on at most: whoever wants to change a table waits for it.
const LIFE: Duration = Duration::from_millis(250);

/// Those that wait.
#[derive(Debug)]
pub(super) struct Readers {
    /// How many may.
    room: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    readers: Vec<Reader>,
    /// Whether somebody ends those for whom nobody comes.
    watched: bool,
}

#[derive(Debug)]
struct Reader {
    tenant: TenantId,
    transaction: Transaction<'static, Postgres>,
    begun: Instant,
    since: Instant,
}

impl Readers {
    pub fn new(room: usize) -> Self {
        Self { room, waiting: Mutex::default() }
    }

    /// One of this tenant, and when it began.
    pub fn take(&self, tenant: &TenantId) -> Option<(Transaction<'static, Postgres>, Instant)> {
        let mut waiting = self.lock();
        let place = waiting.readers.iter().rposition(|reader| reader.tenant == *tenant)?;
        let reader = waiting.readers.swap_remove(place);
        Some((reader.transaction, reader.begun))
    }

    /// Lets one wait, if it is young and there is room; else it ends.
    pub fn keep(
        self: &Arc<Self>,
        tenant: TenantId,
        transaction: Transaction<'static, Postgres>,
        begun: Instant,
    ) {
        let (now, Ok(runtime)) = (Instant::now(), Handle::try_current()) else { return };
        if now >= begun + LIFE {
            return;
        }
        let mut waiting = self.lock();
        if waiting.readers.len() >= self.room {
            return;
        }
        waiting.readers.push(Reader { tenant, transaction, begun, since: now });
        if !waiting.watched {
            waiting.watched = true;
            runtime.spawn(watch(Arc::clone(self)));
        }
    }

    /// Ends all that wait.
    pub fn clear(&self) {
        let ended = std::mem::take(&mut self.lock().readers);
        drop(ended);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends those that waited for too long, until none is left.
async fn watch(readers: Arc<Readers>) {
    loop {
        sleep(IDLE).await;
        let now = Instant::now();
        let mut waiting = readers.lock();
        let ended: Vec<Reader> =
            waiting.readers.extract_if(.., |reader| now >= reader.since + IDLE).collect();
        waiting.watched = !waiting.readers.is_empty();
        let watched = waiting.watched;
        drop(waiting);
        drop(ended);
        if !watched {
            return;
        }
    }
}
