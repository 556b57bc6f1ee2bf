//! Where a reader begins, and the cursor with which it comes back: a position in the tenant's stream, sealed.

use serde::{Deserialize, Serialize};

use super::store_stream as store;
use crate::{
    app::App,
    db::Db,
    error::{Error, Reason, Refusal, Result, Violation},
    ids::TenantId,
    seal::Sealer,
    time::Time,
};

/// The name of their key.
const SEAL: &str = "cursor-seal";

/// Where to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    Now,
    Oldest,
    /// Behind this one.
    Cursor(String),
    /// With the first event recorded at this time or later.
    Time(Time),
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    position: i64,
}

fn purpose(tenant: &TenantId) -> String {
    format!("{tenant} events")
}

/// What seals cursors.
pub async fn sealer(db: &Db) -> Result<Sealer> {
    Sealer::load(db, SEAL).await
}

/// No server that starts from now on takes a cursor from before.
pub async fn refuse_all(db: &Db) -> Result<()> {
    db.replace_secret(SEAL, &Sealer::fresh_key()).await
}

/// The cursor behind a position.
pub fn cursor(app: &App, tenant: &TenantId, position: i64) -> Result<String> {
    app.cursor_sealer.seal(&purpose(tenant), &Cursor { position })
}

/// The position that a cursor of this tenant says.
pub fn behind(app: &App, tenant: &TenantId, cursor: &str) -> Result<i64> {
    let Cursor { position } = app.cursor_sealer.open(&purpose(tenant), cursor).ok_or_else(invalid)?;
    Ok(position)
}

/// The position behind which to read.
pub async fn position(app: &App, tenant: &TenantId, start: &Start) -> Result<i64> {
    let kept = store::kept(&mut *app.db.read(tenant).await?, tenant).await?;
    app.heads.tell(tenant.bucket(), kept.head);
    match start {
        Start::Now => Ok(kept.head),
        Start::Oldest => Ok(kept.dropped),
        Start::Time(time) => {
            // What was recorded since and has no place yet comes behind the head.
            let first = store::first_since(&mut *app.db.read(tenant).await?, tenant, *time).await?;
            Ok(first.map_or(kept.head, |first| first - 1))
        }
        Start::Cursor(text) => {
            let position = behind(app, tenant, text)?;
            // Ahead of the log: the log was set back, for instance by a restored backup. Waiting for it to catch up
            // would lead past what happened in between.
            if position > kept.head {
                return Err(invalid());
            }
            if position < kept.dropped {
                return Err(expired(&cursor(app, tenant, kept.dropped)?));
            }
            Ok(position)
        }
    }
}

fn invalid() -> Error {
    let text = "is no cursor of this tenant's events; read the state anew and begin with now";
    Error::Invalid(Reason::CursorInvalid, vec![Violation { field: "cursor".into(), text: text.into() }])
}

fn expired(oldest: &str) -> Error {
    let text =
        "the events behind this cursor are no longer kept; read the state anew, or begin with oldest_cursor";
    Error::OutOfRange(Box::new(Refusal::new(Reason::CursorExpired, text).with("oldest_cursor", oldest)))
}
