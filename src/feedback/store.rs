//! The only SQL that names `feedback` and `feedback_due`.

use sqlx::{PgConnection, PgPool, QueryBuilder};

use super::{Feedback, State, read::Wanted, schedule::Due};
use crate::{
    configuration::FeedbackScale,
    ctx::ActorKind,
    db::Tx,
    error::{Error, Result},
    filter::{Expr, Scope},
    ids::{Id, TenantId},
    tickets::Person,
    time::Time,
};

/// Notes when tickets that the transaction has locked are to be asked about; the last resolution counts.
pub async fn note_due(tx: &mut Tx, due: &[Due]) -> Result<()> {
    let rows = serde_json::to_string(due).map_err(Error::internal)?;
    sqlx::query!(
        "insert into feedback_due (tenant_id, ticket_id, survey, resolve_time, due_time)
         select tenant_id, ticket_id, survey, resolve_time, due_time
         from json_populate_recordset(null::feedback_due, $1::text::json)
         on conflict (tenant_id, ticket_id) do update
         set survey = excluded.survey, resolve_time = excluded.resolve_time, due_time = excluded.due_time",
        rows
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What is due, of all tenants, the longest due first.
pub async fn list_due(db: &PgPool, now: Time, limit: usize) -> Result<Vec<(TenantId, Id)>> {
    let due = sqlx::query!(
        r#"select tenant_id as "tenant: TenantId", ticket_id as "ticket: Id" from feedback_due
           where due_time <= $1 order by due_time limit $2"#,
        now as Time,
        limit as i64,
    )
    .fetch_all(db)
    .await?;
    Ok(due.into_iter().map(|row| (row.tenant, row.ticket)).collect())
}

/// Whether this transaction is the only one that asks customers of its tenant, until it ends.
pub async fn take_turn(tx: &mut Tx) -> Result<bool> {
    let tenant = tx.tenant().clone();
    let taken = sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended('feedback ' || $1::text, 0)) as "taken!""#,
        tenant.as_str(),
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(taken)
}

/// What is to be asked about these tickets.
pub async fn due_of(tx: &mut Tx, tickets: &[Id]) -> Result<Vec<Due>> {
    let tenant = tx.tenant().clone();
    let due = sqlx::query_as!(
        Due,
        r#"select tenant_id as "tenant_id: TenantId", ticket_id as "ticket_id: Id", survey,
                  resolve_time as "resolve_time: Time", due_time as "due_time: Time"
           from feedback_due where tenant_id = $1 and ticket_id = any($2)"#,
        tenant.as_str(),
        tickets as &[Id],
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(due)
}

/// These tickets were looked at: what was due is so no more.
pub async fn settle_due(tx: &mut Tx, tickets: &[Id], now: Time) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "delete from feedback_due where tenant_id = $1 and ticket_id = any($2) and due_time <= $3",
        tenant.as_str(),
        tickets as &[Id],
        now as Time,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// When each of these customers was asked last.
pub async fn last_asked(tx: &mut Tx, contacts: &[String]) -> Result<Vec<(String, Time)>> {
    let tenant = tx.tenant().clone();
    let asked = sqlx::query!(
        r#"select k.contact as "contact!", l.request_time as "time: Time"
           from (select distinct unnest($2::text[]) as contact) k cross join lateral (
               select request_time from feedback where tenant_id = $1 and contact = k.contact
               order by request_time desc limit 1) l"#,
        tenant.as_str(),
        contacts,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(asked.into_iter().map(|row| (row.contact, row.time)).collect())
}

/// Writes questions about tickets that the transaction has locked.
pub async fn insert(tx: &mut Tx, questions: &[Feedback]) -> Result<()> {
    if questions.is_empty() {
        return Ok(());
    }
    let rows = serde_json::to_string(questions).map_err(Error::internal)?;
    sqlx::query!(
        "insert into feedback (tenant_id, id, ticket_id, survey, scale, state, contact, agent, level, team, queue, organization,
                               resolve_time, request_time, comment)
         select tenant_id, id, ticket_id, survey, scale, state, contact, agent, level, team, queue, organization,
                resolve_time, request_time, comment
         from json_populate_recordset(null::feedback, $1::text::json)",
        rows
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub async fn find(db: &mut PgConnection, tenant: &TenantId, id: Id) -> Result<Option<Feedback>> {
    let found = sqlx::query_as!(
        Feedback,
        "select * from feedback where tenant_id = $1 and id = $2",
        tenant.as_str(),
        id as Id,
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// Keeps what is known of a new token. The transaction has locked the ticket.
pub async fn keep_token(tx: &mut Tx, feedback: &Feedback) -> Result<()> {
    sqlx::query!(
        "update feedback set token_hash = $3, token_expire_time = $4, token_issuer_kind = $5, token_issuer_id = $6
         where tenant_id = $1 and id = $2",
        feedback.tenant_id.as_str(),
        feedback.id as Id,
        feedback.token_hash,
        feedback.token_expire_time as Option<Time>,
        feedback.token_issuer_kind as Option<ActorKind>,
        feedback.token_issuer_id,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Keeps an answer, if the token still is the question's: nothing is written into what was erased meanwhile.
pub async fn keep_answer(tx: &mut Tx, feedback: &Feedback) -> Result<bool> {
    let kept = sqlx::query!(
        "update feedback set state = $3, score = $4, comment = $5, give_time = $6
         where tenant_id = $1 and id = $2 and token_hash = $7",
        feedback.tenant_id.as_str(),
        feedback.id as Id,
        feedback.state as State,
        feedback.score,
        feedback.comment,
        feedback.give_time as Option<Time>,
        feedback.token_hash,
    )
    .execute(&mut **tx)
    .await?;
    Ok(kept.rows_affected() == 1)
}

/// What a list asks for.
#[derive(Debug)]
pub struct List<'a> {
    /// `None`: of all tickets.
    pub ticket: Option<Id>,
    pub filter: Option<&'a Expr>,
    pub scope: Scope<'a>,
    /// Behind this one.
    pub after: Option<(Time, Id)>,
    pub limit: i64,
}

/// What passes, the newest question first.
pub async fn list(db: &mut PgConnection, tenant: &TenantId, list: List<'_>) -> Result<Vec<Feedback>> {
    let mut query = QueryBuilder::new("select * from feedback where tenant_id = ");
    query.push_bind(tenant.as_str());
    if let Some(ticket) = list.ticket {
        query.push(" and ticket_id = ").push_bind(ticket);
    }
    if let Some((time, id)) = list.after {
        query.push(" and (request_time, id) < (").push_bind(time).push(", ").push_bind(id).push(")");
    }
    if let Some(filter) = list.filter {
        query.push(" and ");
        filter.push_sql(&mut query, &list.scope);
    }
    query.push(" order by request_time desc, id desc limit ").push_bind(list.limit);
    Ok(query.build_query_as().fetch_all(db).await?)
}

/// How often a score was given.
#[derive(Debug, sqlx::FromRow)]
pub struct Count {
    pub scale: FeedbackScale,
    /// `None`: it was not answered.
    pub score: Option<i32>,
    pub count: i64,
    pub last_time: Time,
}

/// Counts the scores that were given to a survey.
pub async fn count(
    db: &mut PgConnection,
    tenant: &TenantId,
    wanted: &Wanted,
    filter: Option<&Expr>,
    scope: &Scope<'_>,
) -> Result<Vec<Count>> {
    let mut query = QueryBuilder::new(
        "select scale, score, count(*) as count, max(request_time) as last_time from feedback where tenant_id = ",
    );
    query.push_bind(tenant.as_str()).push(" and survey = ").push_bind(&wanted.survey);
    if let Some(from) = wanted.from {
        query.push(" and request_time >= ").push_bind(from);
    }
    if let Some(until) = wanted.until {
        query.push(" and request_time < ").push_bind(until);
    }
    if let Some(filter) = filter {
        query.push(" and ");
        filter.push_sql(&mut query, scope);
    }
    query.push(" group by scale, score");
    Ok(query.build_query_as().fetch_all(db).await?)
}

/// Takes a person out of what was asked, and all words out of what was asked about these tickets: nobody is asked any more. Scores
/// stay, nameless.
pub async fn erase(tx: &mut Tx, tickets: &[Id], person: &Person) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "update feedback set contact = '', comment = '', token_hash = null
         where tenant_id = $1 and (ticket_id = any($2) or contact = $3)",
        tenant.as_str(),
        tickets as &[Id],
        person.key,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What was and is to be asked about these tickets, which go.
pub async fn forget(tx: &mut Tx, tickets: &[Id]) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "with gone as (delete from feedback where tenant_id = $1 and ticket_id = any($2))
         delete from feedback_due where tenant_id = $1 and ticket_id = any($2)",
        tenant.as_str(),
        tickets as &[Id],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
