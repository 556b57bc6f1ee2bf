//! The SQL of what the figures are counted from, and of how far that has come.

use serde::Serialize;
use sqlx::PgPool;

use super::story::{REVISION, Step, Story};
use crate::{
    db::Tx,
    error::{Error, Result},
    ids::{Id, TenantId},
    sla::Clock,
    time::Time,
};

/// How far a tenant's events are counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    pub position: i64,
    pub revision: i32,
    /// The last ticket that was counted from its beginning; `None`: all were.
    pub walked_to: Option<Id>,
    pub record_time: Time,
}

/// How far each tenant's events are counted.
pub async fn heads(pool: &PgPool) -> Result<Vec<(TenantId, Head)>> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id: TenantId", position, revision, walked_to as "walked_to: Id",
                  record_time as "record_time: Time"
           from report_heads"#
    )
    .fetch_all(pool)
    .await?;
    let head =
        |position, revision, walked_to, record_time| Head { position, revision, walked_to, record_time };
    Ok(rows
        .into_iter()
        .map(|row| (row.tenant_id, head(row.position, row.revision, row.walked_to, row.record_time)))
        .collect())
}

impl Head {
    /// All its tickets are counted by the rules of today.
    pub fn is_whole(&self) -> bool {
        self.revision == REVISION && self.walked_to.is_none()
    }
}

/// The tenant's head, locked, if nobody else has it. One that is not there, or counts by other rules, begins: behind `position`,
/// with all tickets to be counted from their beginning.
pub async fn lock_head(tx: &mut Tx, position: i64, now: Time) -> Result<Option<Head>> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "insert into report_heads (tenant_id, position, revision, walked_to, record_time) values ($1, $2, $3, $4, $5)
         on conflict do nothing",
        tenant.as_str(),
        position,
        REVISION,
        Id::NIL as Id,
        now as Time,
    )
    .execute(&mut **tx)
    .await?;
    let head = sqlx::query_as!(
        Head,
        r#"select position, revision, walked_to as "walked_to: Id", record_time as "record_time: Time"
           from report_heads where tenant_id = $1 for update skip locked"#,
        tenant.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    let by_todays_rules = |head: Head| match head.revision {
        REVISION => head,
        _ => Head { revision: REVISION, walked_to: Some(Id::NIL), ..head },
    };
    Ok(head.map(by_todays_rules))
}

pub async fn put_head(tx: &mut Tx, head: &Head) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "update report_heads set position = $2, revision = $3, walked_to = $4, record_time = $5 where tenant_id = $1",
        tenant.as_str(),
        head.position,
        head.revision,
        head.walked_to as Option<Id>,
        head.record_time as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// How far the figures have come; `None`: nothing was counted yet.
pub async fn head(tx: &mut Tx) -> Result<Option<Head>> {
    let tenant = tx.tenant().clone();
    let head = sqlx::query_as!(
        Head,
        r#"select position, revision, walked_to as "walked_to: Id", record_time as "record_time: Time"
           from report_heads where tenant_id = $1"#,
        tenant.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(head)
}

/// What is known of these tickets by the rules of today.
pub async fn stories(tx: &mut Tx, tickets: &[Id]) -> Result<Vec<Story>> {
    let tenant = tx.tenant().clone();
    let rows = sqlx::query_scalar!(
        r#"select to_jsonb(r) as "row!" from report_tickets r
           where tenant_id = $1 and ticket_id = any($2) and revision = $3"#,
        tenant.as_str(),
        tickets as &[Id],
        REVISION,
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| serde_json::from_value(row).map_err(Error::internal)).collect()
}

/// Writes what is known of tickets now: their stories, the new steps, and all their clocks that were judged. Of those whose
/// story is counted from the beginning (`anew`), what was there goes; of those that were merged or unmerged (`turned`), the steps
/// before are told.
pub async fn put(
    tx: &mut Tx,
    stories: &[Story],
    anew: &[Id],
    turned: &[Id],
    steps: &[Step],
    clocks: &[Judged<'_>],
) -> Result<()> {
    let tenant = tx.tenant().clone();
    let ids: Vec<Id> = stories.iter().map(|story| story.ticket_id).collect();
    sqlx::query!(
        "with steps as (delete from report_steps where tenant_id = $1 and ticket_id = any($3)),
              clocks as (delete from report_clocks where tenant_id = $1 and ticket_id = any($2))
         delete from report_tickets where tenant_id = $1 and ticket_id = any($2)",
        tenant.as_str(),
        &ids as &[Id],
        anew as &[Id],
    )
    .execute(&mut **tx)
    .await?;
    let [stories, steps, clocks] = [json(stories)?, json(steps)?, json(clocks)?];
    sqlx::query!(
        "with steps as (
             insert into report_steps select * from jsonb_populate_recordset(null::report_steps, $2)
         ), clocks as (
             insert into report_clocks select * from jsonb_populate_recordset(null::report_clocks, $3)
         )
         insert into report_tickets select * from jsonb_populate_recordset(null::report_tickets, $1)",
        stories,
        steps,
        clocks,
    )
    .execute(&mut **tx)
    .await?;
    if !turned.is_empty() {
        sqlx::query!(
            "update report_steps s set merged = t.state = 'MERGED' from report_tickets t
             where s.tenant_id = $1 and s.ticket_id = any($2) and t.tenant_id = $1 and t.ticket_id = s.ticket_id",
            tenant.as_str(),
            turned as &[Id],
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

fn json<T: Serialize>(rows: &[T]) -> Result<serde_json::Value> {
    serde_json::to_value(rows).map_err(Error::internal)
}

/// A clock that was kept or not, and by what its ticket is counted. Field names are the columns of `report_clocks`.
#[derive(Debug, Serialize)]
pub struct Judged<'a> {
    tenant_id: &'a TenantId,
    ticket_id: Id,
    number: i32,
    agreement: &'a str,
    policy: &'a str,
    clock: &'a str,
    kept: bool,
    judge_time: Time,
    elapsed_seconds: Option<i64>,
    #[serde(flatten)]
    at: &'a super::story::Dimensions,
}

impl<'a> Judged<'a> {
    /// What is to be said of the clock: nothing of one that still runs in time, that was called off, that was late when it
    /// began, or whose ticket goes on in another one.
    pub fn of(clock: &'a Clock, story: &'a Story) -> Option<Self> {
        let (kept, judge_time) = clock.judged().filter(|_| !story.is_merged())?;
        Some(Self {
            tenant_id: &story.tenant_id,
            ticket_id: story.ticket_id,
            number: clock.number,
            agreement: clock.agreement.name(),
            policy: &clock.policy,
            clock: clock.kind.name(),
            kept,
            judge_time,
            elapsed_seconds: clock.end_time.map(|_| clock.elapsed_seconds),
            at: &story.at,
        })
    }
}

/// Forgets tickets.
pub async fn forget(tx: &mut Tx, tickets: &[Id]) -> Result<()> {
    let tenant = tx.tenant().clone();
    // Whoever counts has read the events and has not written what they come to: it would come back.
    sqlx::query!("select position from report_heads where tenant_id = $1 for update", tenant.as_str())
        .fetch_optional(&mut **tx)
        .await?;
    sqlx::query!(
        "with steps as (delete from report_steps where tenant_id = $1 and ticket_id = any($2)),
              clocks as (delete from report_clocks where tenant_id = $1 and ticket_id = any($2))
         delete from report_tickets where tenant_id = $1 and ticket_id = any($2)",
        tenant.as_str(),
        tickets as &[Id],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
