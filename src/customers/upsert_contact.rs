//! Recording a contact, or changing what is recorded: the CRM sends it whole, as often as it likes.

use std::collections::BTreeMap;

use sqlx::types::Json;

use super::{Contact, store};
use crate::{
    app::App,
    audit::{self, Target},
    call::retrying,
    ctx::Ctx,
    error::{Error, Result},
    tickets::Whom,
};

/// The contact as the CRM has it; texts are within their limits.
#[derive(Clone, Debug)]
pub struct UpsertContact {
    pub key: String,
    /// The version that the caller saw; `None`: whatever it is now.
    pub version: Option<i64>,
    pub display_name: String,
    /// An organization's key, which need not be known.
    pub organization: String,
    pub email: String,
    pub phone: String,
    pub language_code: String,
    pub annotations: BTreeMap<String, String>,
    pub validate_only: bool,
}

/// The rule. What says nothing new changes nothing, not even the version.
pub fn decide(ctx: &Ctx, known: Option<&Contact>, upsert: &UpsertContact) -> Result<Contact> {
    let version = known.map_or(0, |known| known.version);
    let next = Contact {
        tenant_id: ctx.tenant.clone(),
        key: upsert.key.clone(),
        version: version + 1,
        display_name: upsert.display_name.clone(),
        organization: upsert.organization.clone(),
        email: upsert.email.clone(),
        phone: upsert.phone.clone(),
        language_code: upsert.language_code.clone(),
        annotations: Json(upsert.annotations.clone()),
        create_time: known.map_or(ctx.now, |known| known.create_time),
        update_time: ctx.now,
    };
    if upsert.version.is_some_and(|seen| seen != version) {
        return Err(Error::Stale { kind: "contact", name: next.name() });
    }
    Ok(match known {
        Some(known) if says_the_same(known, &next) => known.clone(),
        _ => next,
    })
}

fn says_the_same(known: &Contact, next: &Contact) -> bool {
    let bookkept = Contact { version: known.version, update_time: known.update_time, ..next.clone() };
    bookkept == *known
}

pub async fn upsert_contact(app: &App, ctx: &Ctx, upsert: UpsertContact) -> Result<Contact> {
    // A tenant is one once it has a configuration.
    app.configurations.get(&ctx.tenant).await?;
    retrying(|| attempt(app, ctx, &upsert)).await
}

async fn attempt(app: &App, ctx: &Ctx, upsert: &UpsertContact) -> Result<Contact> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let known = store::lock_contact(&mut tx, &upsert.key).await?;
    let next = decide(ctx, known.as_ref(), upsert)?;
    if !upsert.validate_only && known.as_ref() != Some(&next) {
        store::put_contact(&mut tx, &next).await?;
        let target = Target::Contact(&next.key);
        audit::act_in(app, &mut tx, ctx, target, [known.as_ref(), Some(&next)]).await?;
        tx.commit().await?;
        app.names.forget(&ctx.tenant, Whom::Contact, &next.key);
    }
    Ok(next)
}
