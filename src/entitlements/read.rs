//! Reading what was sold, and asking whether support is covered.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::{
    Decision, Entitlement, Subject, Terms, Used,
    check::{self, answer},
    model::name,
    store,
};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    error::{Error, Result},
    ids::{Id, TenantId},
    seal::Page,
    tickets::{self, Change, Json, Ticket},
    time::Time,
};

pub async fn get(app: &App, ctx: &Ctx, key: &str, version: i64) -> Result<Entitlement> {
    let found = store::find(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, key, version).await?;
    found.ok_or_else(|| Error::not_found("entitlement", name(&ctx.tenant, key)))
}

/// A page of the newest versions by key, and where the next one begins.
pub async fn list(
    app: &App,
    ctx: &Ctx,
    organization: &str,
    size: i32,
    token: &str,
) -> Result<(Vec<Entitlement>, String)> {
    let purpose = format!("{} ListEntitlements {organization}", ctx.tenant);
    let page = Page::<String>::parse(&app.sealer, &purpose, size, token)?;
    let found = store::list(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, organization, &page).await?;
    page.finish(&app.sealer, &purpose, found, |it| it.key.clone())
}

/// All versions of what was sold to each of these organizations.
pub async fn sold(
    db: &mut PgConnection,
    tenant: &TenantId,
    organizations: &[String],
) -> Result<HashMap<String, Vec<Entitlement>>> {
    let mut sold: HashMap<String, Vec<Entitlement>> = HashMap::new();
    if organizations.is_empty() {
        return Ok(sold);
    }
    for version in store::versions(db, tenant, organizations).await? {
        sold.entry(version.organization.clone()).or_default().push(version);
    }
    Ok(sold)
}

/// What support is asked for.
#[derive(Clone, Debug)]
pub enum Asked {
    Ticket(Id),
    Draft(Subject),
}

/// Whether it is covered as of a time, without any effect.
pub async fn ask(app: &App, ctx: &Ctx, asked: &Asked, at: Time) -> Result<Decision> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let (subject, ticket) = match asked {
        Asked::Draft(subject) => (subject.clone(), None),
        Asked::Ticket(id) => {
            let ticket = tickets::get(app, ctx, *id).await?;
            (Subject::of(&ticket), Some(ticket))
        }
    };
    let mut db = app.db.read(&ctx.tenant).await?;
    let sold = store::versions(&mut db, &ctx.tenant, std::slice::from_ref(&subject.organization)).await?;
    let came = ticket.as_ref().map_or((at, None), |ticket| (ticket.create_time, Some(ticket.id)));
    let used = used(&mut db, ctx, &configuration, &sold, came).await?;
    let decision = answer(&configuration, &sold, &subject, at, ctx.now, &used);
    let consent = ticket.and_then(|ticket| ticket.entitlement.as_ref()?.consent.clone());
    Ok(Decision { consent, ..decision })
}

/// How many incidents came before this one in the period of each entitlement that counts them. Who is not on record comes
/// last.
pub async fn used(
    db: &mut PgConnection,
    ctx: &Ctx,
    configuration: &Configuration,
    sold: &[Entitlement],
    (came, ticket): (Time, Option<Id>),
) -> Result<Used> {
    let mut used = Used::default();
    for (entitlement, from) in counted(configuration, sold, came) {
        let organization = &entitlement.organization;
        let count = tickets::count_before(db, &ctx.tenant, organization, from, (came, ticket)).await?;
        used.incidents.insert(entitlement.key.clone(), count);
    }
    Ok(used)
}

/// The entitlements that count incidents, each with when its period began.
fn counted<'a>(
    configuration: &Configuration,
    sold: &'a [Entitlement],
    came: Time,
) -> Vec<(&'a Entitlement, Time)> {
    let counted = check::as_of(sold, came).into_iter().filter_map(|entitlement| {
        let terms = Terms::find(configuration, entitlement).filter(|it| it.allowance.incidents > 0)?;
        let (from, _) = check::period(configuration, entitlement, terms.allowance.period, came);
        entitlement.covers(came).then_some((entitlement, from))
    });
    counted.collect()
}

/// Puts on new tickets what is decided about them, where plans are sold at all.
pub async fn entitle(
    db: &mut PgConnection,
    ctx: &Ctx,
    configuration: &Configuration,
    mut changes: Vec<Change>,
) -> Result<Vec<Change>> {
    if !sells(configuration) {
        return Ok(changes);
    }
    let mut organizations: Vec<String> =
        changes.iter().map(|change| change.next.organization.clone()).filter(|it| !it.is_empty()).collect();
    organizations.sort();
    organizations.dedup();
    let sold = sold(db, &ctx.tenant, &organizations).await?;
    for change in changes.iter_mut().filter(|change| change.is_new() && !change.next.imported) {
        let theirs = sold.get(&change.next.organization).map(Vec::as_slice).unwrap_or_default();
        let used = used(db, ctx, configuration, theirs, (change.next.create_time, None)).await?;
        put(ctx, configuration, theirs, &used, change);
    }
    Ok(changes)
}

/// The same for one of which it is known what was sold to its organization: asks only what has to be counted.
pub async fn entitle_one(
    app: &App,
    ctx: &Ctx,
    configuration: &Configuration,
    sold: &[Entitlement],
    mut change: Change,
) -> Result<Change> {
    if !sells(configuration) {
        return Ok(change);
    }
    let came = change.next.create_time;
    let used = if counted(configuration, sold, came).is_empty() {
        Used::default()
    } else {
        let mut db = app.db.read(&ctx.tenant).await?;
        let used = used(&mut db, ctx, configuration, sold, (came, None)).await?;
        db.keep();
        used
    };
    put(ctx, configuration, sold, &used, &mut change);
    Ok(change)
}

fn put(ctx: &Ctx, configuration: &Configuration, sold: &[Entitlement], used: &Used, change: &mut Change) {
    let ticket = &change.next;
    let decision = answer(configuration, sold, &Subject::of(ticket), ticket.create_time, ctx.now, used);
    change.amend(0, |ticket| ticket.entitlement = Some(Json(Box::new(decision))));
}

/// Whether anything is sold by this configuration.
pub fn sells(configuration: &Configuration) -> bool {
    let document = &configuration.document;
    !document.plans.is_empty() || !document.entitlement.default_tariff.is_empty()
}

impl Subject {
    /// For what a ticket asks, as it is now.
    pub fn of(ticket: &Ticket) -> Self {
        Self {
            organization: ticket.organization.clone(),
            product: ticket.product.clone(),
            channel: ticket.channel.name().to_owned(),
            category: ticket.category.clone(),
            level: ticket.level.clone(),
        }
    }
}
