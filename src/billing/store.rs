//! The only SQL that names `billables`, `billing_accounts`, `billing_locks`, `credit_notes` and `rerates`.

use sqlx::{PgConnection, PgPool};

use super::{
    deltas::Standing,
    model::{Account, Billable, CreditNote, Lock},
    rate::Key,
    read::Total,
};
use crate::{
    db::Tx,
    error::{Error, Result},
    ids::{Id, TenantId},
    seal::Page,
    time::Time,
};

/// What was told of a ticket's lines. The transaction holds the ticket's lock.
pub async fn standing(tx: &mut Tx, ticket: Id) -> Result<Vec<Standing>> {
    let tenant = tx.tenant().clone();
    let rows = sqlx::query!(
        r#"select distinct on (organization, tariff, grouping_key, rate)
               organization, tariff, grouping_key, rate, sequence, price, currency, work_time,
               (sum(units) over line)::bigint as "units!", (sum(amount) over line)::bigint as "amount!"
           from billables where tenant_id = $1 and ticket_id = $2
           window line as (partition by organization, tariff, grouping_key, rate)
           order by organization, tariff, grouping_key, rate, sequence desc"#,
        tenant.as_str(),
        ticket as Id,
    )
    .fetch_all(&mut **tx)
    .await?;
    let standing = rows.into_iter().map(|row| Standing {
        key: Key {
            organization: row.organization,
            tariff: row.tariff,
            group: row.grouping_key,
            rate: row.rate,
        },
        units: row.units,
        amount: row.amount,
        sequence: row.sequence,
        price: row.price,
        currency: row.currency,
        work_time: row.work_time,
    });
    Ok(standing.collect())
}

/// The tenant's account, locked until the transaction ends: whoever posts, or hands a period over, stands in line.
pub async fn lock_account(tx: &mut Tx) -> Result<Account> {
    let tenant = tx.tenant().clone();
    let row = sqlx::query!(
        r#"insert into billing_accounts as a (tenant_id, last_position) values ($1, 0)
           on conflict (tenant_id) do update set last_position = a.last_position
           returning last_position, locked_until"#,
        tenant.as_str(),
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(Account { last_position: row.last_position, locked_until: row.locked_until })
}

/// Writes where the books stand; the transaction has locked the account.
pub async fn put_account(tx: &mut Tx, account: Account) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "update billing_accounts set last_position = $2, locked_until = $3 where tenant_id = $1",
        tenant.as_str(),
        account.last_position,
        account.locked_until as Option<Time>,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Where the books stand, as far as it is committed.
pub async fn account(db: &mut PgConnection, tenant: &TenantId) -> Result<Account> {
    let row = sqlx::query!(
        "select last_position, locked_until from billing_accounts where tenant_id = $1",
        tenant.as_str(),
    )
    .fetch_optional(db)
    .await?;
    let account = |last_position, locked_until| Account { last_position, locked_until };
    Ok(row.map_or_else(Account::default, |row| account(row.last_position, row.locked_until)))
}

pub async fn insert(tx: &mut Tx, billables: &[Billable]) -> Result<()> {
    let rows = serde_json::to_string(billables).map_err(Error::internal)?;
    sqlx::query!(
        "insert into billables select * from json_populate_recordset(null::billables, $1::text::json)",
        rows
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Which billables.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Empty: of all.
    pub organization: String,
    pub ticket: Option<Id>,
    /// When they are posted.
    pub from: Option<Time>,
    pub until: Option<Time>,
    /// Not those that came later.
    pub snapshot: i64,
}

/// What was posted, in the order of the commits.
pub async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    wanted: &Wanted,
    after: i64,
    limit: i64,
) -> Result<Vec<Billable>> {
    let found = sqlx::query_as!(
        Billable,
        "select * from billables
         where tenant_id = $1 and position > $2 and position <= $3 and ($4 = '' or organization = $4)
           and ($5::uuid is null or ticket_id = $5) and ($6::timestamptz is null or post_time >= $6)
           and ($7::timestamptz is null or post_time < $7)
         order by position limit $8",
        tenant.as_str(),
        after,
        wanted.snapshot,
        wanted.organization,
        wanted.ticket as Option<Id>,
        wanted.from as Option<Time>,
        wanted.until as Option<Time>,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

pub async fn find(db: &mut PgConnection, tenant: &TenantId, position: i64) -> Result<Option<Billable>> {
    let found = sqlx::query_as!(
        Billable,
        "select * from billables where tenant_id = $1 and position = $2",
        tenant.as_str(),
        position,
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

pub async fn insert_lock(tx: &mut Tx, lock: &Lock) -> Result<()> {
    let row = serde_json::to_string(lock).map_err(Error::internal)?;
    sqlx::query!(
        "insert into billing_locks select * from json_populate_record(null::billing_locks, $1::text::json)",
        row
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What of a billable was given back so far.
pub async fn credited(tx: &mut Tx, position: i64) -> Result<i64> {
    let tenant = tx.tenant().clone();
    let sum = sqlx::query_scalar!(
        r#"select coalesce(sum(amount), 0)::bigint as "sum!" from credit_notes where tenant_id = $1 and position = $2"#,
        tenant.as_str(),
        position,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(sum)
}

pub async fn insert_note(tx: &mut Tx, note: &CreditNote) -> Result<()> {
    let row = serde_json::to_string(note).map_err(Error::internal)?;
    sqlx::query!(
        "insert into credit_notes select * from json_populate_record(null::credit_notes, $1::text::json)",
        row
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub async fn find_note(db: &mut PgConnection, tenant: &TenantId, id: Id) -> Result<Option<CreditNote>> {
    let found = sqlx::query_as!(
        CreditNote,
        "select * from credit_notes where tenant_id = $1 and id = $2",
        tenant.as_str(),
        id as Id,
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// Credit notes in their order; of an organization, or (empty) of all.
pub async fn list_notes(
    db: &mut PgConnection,
    tenant: &TenantId,
    organization: &str,
    page: &Page<Id>,
) -> Result<Vec<CreditNote>> {
    let found = sqlx::query_as!(
        CreditNote,
        "select * from credit_notes
         where tenant_id = $1 and ($2 = '' or organization = $2) and ($3::uuid is null or id > $3)
         order by id limit $4",
        tenant.as_str(),
        organization,
        page.after as Option<Id>,
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// These tickets are to be rated again.
pub async fn mark(tx: &mut Tx, tickets: &[Id], now: Time) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "insert into rerates (tenant_id, ticket_id, due_time) select $1, id, $3 from unnest($2::uuid[]) id
         on conflict (tenant_id, ticket_id) do update set due_time = least(rerates.due_time, excluded.due_time)",
        tenant.as_str(),
        tickets as &[Id],
        now as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Tickets that are to be rated again, the longest waiting first. Looks across tenants.
pub async fn due(pool: &PgPool, limit: i64) -> Result<Vec<(TenantId, Id)>> {
    let due = sqlx::query!("select tenant_id, ticket_id from rerates order by due_time limit $1", limit)
        .fetch_all(pool)
        .await?;
    Ok(due.into_iter().map(|it| (it.tenant_id, it.ticket_id)).collect())
}

/// The ticket is being rated; whoever marks it from now on marks it anew.
pub async fn unmark(tx: &mut Tx, ticket: Id) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "delete from rerates where tenant_id = $1 and ticket_id = $2",
        tenant.as_str(),
        ticket as Id,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whoever rates work for an organization, or says what was sold to it, stands in line until the transaction ends: what is
/// drawn from one allowance is drawn by one at a time.
pub async fn lock_organization(tx: &mut Tx, organization: &str) -> Result<()> {
    let key = format!("billing/{}/{organization}", tx.tenant());
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", key).execute(&mut **tx).await?;
    Ok(())
}

/// What a period that was handed over comes to, by organization and currency.
pub async fn totals(tx: &mut Tx, lock: &Lock) -> Result<Vec<Total>> {
    let found = sqlx::query_as!(
        Total,
        r#"select organization, currency, sum(units)::bigint as "units!", sum(amount)::bigint as "amount!" from billables
           where tenant_id = $1 and post_time < $2 and ($3::timestamptz is null or post_time >= $3) and position <= $4
           group by organization, currency order by organization, currency"#,
        lock.tenant_id.as_str(),
        lock.end_time as Time,
        lock.start_time as Option<Time>,
        lock.position,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(found)
}

/// Empties what was typed into the credit notes of these tickets. The transaction has locked them.
pub async fn erase(tx: &mut Tx, tickets: &[Id]) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "update credit_notes set reason = '' where tenant_id = $1 and ticket_id = any($2)",
        tenant.as_str(),
        tickets as &[Id],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
