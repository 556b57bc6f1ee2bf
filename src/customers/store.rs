//! The only SQL that names `organizations` and `contacts`.

use sqlx::{PgConnection, PgExecutor, Postgres, QueryBuilder};

use super::{Account, Contact, Customer, Names, Organization};
use crate::{
    ctx::Ctx,
    db::Tx,
    error::{Error, Result},
    filter::{Expr, Scope},
    ids::TenantId,
    seal::Page,
};

/// The organization, locked until the transaction ends.
pub async fn lock_organization(tx: &mut Tx, key: &str) -> Result<Option<Organization>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Organization,
        "select * from organizations where tenant_id = $1 and key = $2 for update",
        tenant.as_str(),
        key,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found)
}

/// The contact, locked until the transaction ends.
pub async fn lock_contact(tx: &mut Tx, key: &str) -> Result<Option<Contact>> {
    let tenant = tx.tenant().clone();
    let found = sqlx::query_as!(
        Contact,
        "select * from contacts where tenant_id = $1 and key = $2 for update",
        tenant.as_str(),
        key,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found)
}

/// Writes the next version; a row that somebody else wrote since is a conflict.
pub async fn put_organization(tx: &mut Tx, organization: &Organization) -> Result<()> {
    let row = serde_json::to_string(organization).map_err(Error::internal)?;
    let done = sqlx::query!(
        "insert into organizations as o select * from json_populate_record(null::organizations, $1::text::json)
         on conflict (tenant_id, key) do update set
             version = excluded.version, display_name = excluded.display_name, annotations = excluded.annotations,
             update_time = excluded.update_time, plan = excluded.plan
         where o.version = excluded.version - 1",
        row,
    )
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(Error::Conflict) }
}

/// Writes the next version; a row that somebody else wrote since is a conflict.
pub async fn put_contact(tx: &mut Tx, contact: &Contact) -> Result<()> {
    let row = serde_json::to_string(contact).map_err(Error::internal)?;
    let done = sqlx::query!(
        "insert into contacts as c select * from json_populate_record(null::contacts, $1::text::json)
         on conflict (tenant_id, key) do update set
             version = excluded.version, display_name = excluded.display_name,
             organization = excluded.organization, email = excluded.email, phone = excluded.phone,
             language_code = excluded.language_code, annotations = excluded.annotations,
             update_time = excluded.update_time
         where c.version = excluded.version - 1",
        row,
    )
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(Error::Conflict) }
}

/// Puts a record into the place of another, which nobody finds any more. The transaction has locked that one.
pub async fn replace_contact(tx: &mut Tx, key: &str, contact: &Contact) -> Result<()> {
    let tenant = tx.tenant().clone();
    sqlx::query!("delete from contacts where tenant_id = $1 and key = $2", tenant.as_str(), key)
        .execute(&mut **tx)
        .await?;
    put_contact(tx, contact).await
}

pub async fn find_organization(
    db: &mut PgConnection,
    tenant: &TenantId,
    key: &str,
) -> Result<Option<Organization>> {
    let found = sqlx::query_as!(
        Organization,
        "select * from organizations where tenant_id = $1 and key = $2",
        tenant.as_str(),
        key,
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

pub async fn find_contact(db: &mut PgConnection, tenant: &TenantId, key: &str) -> Result<Option<Contact>> {
    let found = sqlx::query_as!(
        Contact,
        "select * from contacts where tenant_id = $1 and key = $2",
        tenant.as_str(),
        key,
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

pub async fn list_organizations(
    db: &mut PgConnection,
    ctx: &Ctx,
    filter: Option<&Expr>,
    page: &Page<String>,
) -> Result<Vec<Organization>> {
    let mut query = list("organizations", ctx, filter, page);
    Ok(query.build_query_as().fetch_all(db).await?)
}

pub async fn list_contacts(
    db: &mut PgConnection,
    ctx: &Ctx,
    filter: Option<&Expr>,
    page: &Page<String>,
) -> Result<Vec<Contact>> {
    let mut query = list("contacts", ctx, filter, page);
    Ok(query.build_query_as().fetch_all(db).await?)
}

fn list(table: &str, ctx: &Ctx, filter: Option<&Expr>, page: &Page<String>) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(format!("select * from {table} where tenant_id = "));
    query.push_bind(ctx.tenant.as_str().to_owned());
    if let Some(filter) = filter {
        query.push(" and ");
        filter.push_sql(&mut query, &Scope { now: *ctx.now, me: &ctx.actor.id });
    }
    if let Some(after) = &page.after {
        query.push(" and key > ").push_bind(after.clone());
    }
    query.push(" order by key limit ").push_bind(page.limit());
    query
}

pub async fn names(
    db: impl PgExecutor<'_>,
    tenant: &TenantId,
    contacts: &[String],
    organizations: &[String],
) -> Result<Names> {
    let rows = sqlx::query!(
        r#"select true as "contact!", key as "key!", display_name as "display_name!" from contacts
           where tenant_id = $1 and key = any($2)
           union all
           select false, key, display_name from organizations where tenant_id = $1 and key = any($3)"#,
        tenant.as_str(),
        contacts,
        organizations,
    )
    .fetch_all(db)
    .await?;
    let mut names = Names::default();
    for row in rows {
        let side = if row.contact { &mut names.contacts } else { &mut names.organizations };
        side.insert(row.key, row.display_name);
    }
    Ok(names)
}

/// One for each, in their order. An organization that is named need not be on record.
pub async fn accounts(
    db: impl PgExecutor<'_>,
    tenant: &TenantId,
    customers: &[Customer],
) -> Result<Vec<Account>> {
    let (organizations, contacts): (Vec<String>, Vec<String>) =
        customers.iter().map(|asked| (asked.organization.clone(), asked.contact.clone())).unzip();
    let accounts = sqlx::query_as!(
        Account,
        r#"select coalesce(nullif(asked.organization, ''), c.organization, '') as "organization!",
                  coalesce(o.plan, '') as "plan!"
           from unnest($2::text[], $3::text[]) with ordinality asked (organization, contact, place)
           left join contacts c on c.tenant_id = $1 and c.key = asked.contact and asked.organization = ''
           left join organizations o
               on o.tenant_id = $1 and o.key = coalesce(nullif(asked.organization, ''), c.organization)
           order by place"#,
        tenant.as_str(),
        &organizations,
        &contacts,
    )
    .fetch_all(db)
    .await?;
    Ok(accounts)
}
