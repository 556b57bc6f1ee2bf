//! What an event does, in one transaction with the note that it was done.

use sqlx::{Connection as _, PgConnection, query, query_scalar};
use ticketing_proto::v1 as pb;

use crate::price::price;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Now,
    /// It had been taken in already.
    Before,
    /// Versions of its ticket are missing before it; nothing was done.
    TooEarly,
}

/// The next version is the one that follows what is known.
fn gate(known: i64, version: i64) -> Taken {
    match version - known {
        ..=0 => Taken::Before,
        1 => Taken::Now,
        2.. => Taken::TooEarly,
    }
}

/// Takes an event in: effect, version and inbox are committed together, or not at all.
pub async fn take(database: &mut PgConnection, event: &pb::Event) -> sqlx::Result<Taken> {
    let mut tx = database.begin().await?;
    // The ticket's row is the lock: a process beside this one waits here.
    query("insert into tickets (ticket) values ($1) on conflict do nothing")
        .bind(&event.resource)
        .execute(&mut *tx)
        .await?;
    let known = query_scalar("select version from tickets where ticket = $1 for update")
        .bind(&event.resource)
        .fetch_one(&mut *tx)
        .await?;
    let taken = gate(known, event.ticket_version);
    if taken != Taken::Now {
        return Ok(taken); // rolled back
    }
    let new = query("insert into inbox (event) values ($1) on conflict do nothing")
        .bind(&event.id)
        .execute(&mut *tx)
        .await?;
    if new.rows_affected() == 0 {
        return Ok(Taken::Before);
    }
    query("update tickets set version = $2, plan = coalesce($3, plan) where ticket = $1")
        .bind(&event.resource)
        .bind(event.ticket_version)
        .bind(plan(event))
        .execute(&mut *tx)
        .await?;
    // Types that are not known here move the version and nothing else. Nobody pays for imported history.
    if event.r#type == "ticket.resolved" && !event.imported {
        bill(&mut tx, event).await?;
    }
    tx.commit().await?;
    Ok(Taken::Now)
}

async fn bill(database: &mut PgConnection, event: &pb::Event) -> sqlx::Result<()> {
    let facts = event.facts.clone().unwrap_or_default();
    let time = event.occur_time.unwrap_or_default();
    let plan: String = query_scalar("select plan from tickets where ticket = $1")
        .bind(&event.resource)
        .fetch_one(&mut *database)
        .await?;
    query(
        "insert into invoice_lines (event, ticket, number, organization, plan, level, code, cents, resolve_time)
         values ($1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9))",
    )
    .bind(&event.id)
    .bind(&event.resource)
    .bind(facts.number)
    .bind(&facts.organization)
    .bind(&plan)
    .bind(&facts.level)
    .bind(&facts.resolution_code)
    .bind(price(&plan, &facts.level))
    .bind(time.seconds as f64 + f64::from(time.nanos) / 1e9)
    .execute(database)
    .await?;
    Ok(())
}

/// The plan that the ticket has from this event on, if it says so.
fn plan(event: &pb::Event) -> Option<String> {
    let change = event.changes.iter().find(|change| change.field == "plan")?;
    Some(serde_json::from_str(&change.after_json).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_taken_one_after_the_other() {
        let cases = [
            (0, 1, Taken::Now),
            (0, 2, Taken::TooEarly),
            (5, 5, Taken::Before),
            (5, 6, Taken::Now),
            (5, 7, Taken::TooEarly),
        ];
        for (known, version, taken) in cases {
            assert_eq!(gate(known, version), taken, "{version} after {known}");
        }
    }

    #[test]
    fn a_plan_is_read_off_the_changes() {
        let event = |after: &str| pb::Event {
            changes: vec![pb::FieldChange {
                field: "plan".into(),
                after_json: after.into(),
                ..Default::default()
            }],
            ..Default::default()
        };
        assert_eq!(plan(&pb::Event::default()), None, "it stays as it was");
        assert_eq!(plan(&event("\"gold\"")).as_deref(), Some("gold"));
        assert_eq!(plan(&event("")).as_deref(), Some(""), "it was taken away");
    }
}
