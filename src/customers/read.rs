//! Reading customers: one, a list, or only the names that ride along with tickets.

use std::collections::HashMap;

use sqlx::PgExecutor;

use super::{
    Account, Contact, Customer, Organization,
    model::{CONTACT_FIELDS, ORGANIZATION_FIELDS},
    store,
};
use crate::{
    app::App,
    ctx::Ctx,
    error::{Error, Result},
    filter::{self, Expr, Schema},
    ids::TenantId,
    seal::Page,
};

/// Display names by key; who is not recorded has none.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub contacts: HashMap<String, String>,
    pub organizations: HashMap<String, String>,
}

/// The names of these contacts and organizations, in one statement, or none when there is nobody to ask about.
pub async fn names(
    db: impl PgExecutor<'_>,
    tenant: &TenantId,
    contacts: &[String],
    organizations: &[String],
) -> Result<Names> {
    if contacts.is_empty() && organizations.is_empty() {
        return Ok(Names::default());
    }
    store::names(db, tenant, contacts, organizations).await
}

/// The account of each of these customers, in their order, in one statement, or none when there is nobody to ask about.
pub async fn accounts(
    db: impl PgExecutor<'_>,
    tenant: &TenantId,
    customers: &[Customer],
) -> Result<Vec<Account>> {
    if customers.iter().all(Customer::is_nobody) {
        return Ok(vec![Account::default(); customers.len()]);
    }
    store::accounts(db, tenant, customers).await
}

/// The plan of an organization, in one statement; empty when it has none or is not on record.
pub async fn plan_of(db: impl PgExecutor<'_>, tenant: &TenantId, organization: &str) -> Result<String> {
    let customer = Customer { organization: organization.to_owned(), ..Customer::default() };
    let mut accounts = accounts(db, tenant, &[customer]).await?;
    Ok(accounts.remove(0).plan)
}

pub async fn get_organization(app: &App, ctx: &Ctx, key: &str) -> Result<Organization> {
    let found = store::find_organization(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, key).await?;
    found.ok_or_else(|| {
        Error::not_found("organization", format!("tenants/{}/organizations/{key}", ctx.tenant))
    })
}

pub async fn get_contact(app: &App, ctx: &Ctx, key: &str) -> Result<Contact> {
    let found = store::find_contact(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, key).await?;
    found.ok_or_else(|| Error::not_found("contact", format!("tenants/{}/contacts/{key}", ctx.tenant)))
}

/// A page of a list, as the caller asks for it.
#[derive(Clone, Copy, Debug)]
pub struct List<'a> {
    pub page_size: i32,
    pub page_token: &'a str,
    pub filter: &'a str,
}

/// A page of organizations in the order of their keys, and where the next one begins.
pub async fn list_organizations(app: &App, ctx: &Ctx, list: List<'_>) -> Result<(Vec<Organization>, String)> {
    let (filter, purpose) = parse(ctx, "ListOrganizations", list, &ORGANIZATION_FIELDS)?;
    let page = Page::<String>::parse(&app.sealer, &purpose, list.page_size, list.page_token)?;
    let rows =
        store::list_organizations(&mut *app.db.read(&ctx.tenant).await?, ctx, filter.as_ref(), &page).await?;
    page.finish(&app.sealer, &purpose, rows, |organization| organization.key.clone())
}

/// A page of contacts in the order of their keys, and where the next one begins.
pub async fn list_contacts(app: &App, ctx: &Ctx, list: List<'_>) -> Result<(Vec<Contact>, String)> {
    let (filter, purpose) = parse(ctx, "ListContacts", list, &CONTACT_FIELDS)?;
    let page = Page::<String>::parse(&app.sealer, &purpose, list.page_size, list.page_token)?;
    let rows =
        store::list_contacts(&mut *app.db.read(&ctx.tenant).await?, ctx, filter.as_ref(), &page).await?;
    page.finish(&app.sealer, &purpose, rows, |contact| contact.key.clone())
}

/// The filter, and what the page tokens of this list are bound to.
fn parse(ctx: &Ctx, method: &str, list: List<'_>, schema: &Schema) -> Result<(Option<Expr>, String)> {
    let filter = filter::parse(list.filter, schema)?;
    let canonical = filter.as_ref().map(ToString::to_string).unwrap_or_default();
    Ok((filter, format!("{} {method} {canonical}", ctx.tenant)))
}
