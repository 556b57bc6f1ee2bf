//! Recording an organization, or changing what is recorded: the CRM sends it whole, as often as it likes.

use std::collections::BTreeMap;

use sqlx::types::Json;

use super::{Organization, store};
use crate::{
    app::App,
    audit::{self, Target},
    call::retrying,
    ctx::Ctx,
    error::{Error, Result},
    tickets::Whom,
};

/// The organization as the CRM has it; texts are within their limits.
#[derive(Clone, Debug)]
pub struct UpsertOrganization {
    pub key: String,
    /// The version that the caller saw; `None`: whatever it is now.
    pub version: Option<i64>,
    pub display_name: String,
    /// Empty: none.
    pub plan: String,
    pub annotations: BTreeMap<String, String>,
    pub validate_only: bool,
}

/// The rule. What says nothing new changes nothing, not even the version.
pub fn decide(ctx: &Ctx, known: Option<&Organization>, upsert: &UpsertOrganization) -> Result<Organization> {
    let version = known.map_or(0, |known| known.version);
    let next = Organization {
        tenant_id: ctx.tenant.clone(),
        key: upsert.key.clone(),
        version: version + 1,
        display_name: upsert.display_name.clone(),
        annotations: Json(upsert.annotations.clone()),
        create_time: known.map_or(ctx.now, |known| known.create_time),
        update_time: ctx.now,
        plan: upsert.plan.clone(),
    };
    if upsert.version.is_some_and(|seen| seen != version) {
        return Err(Error::Stale { kind: "organization", name: next.name() });
    }
    Ok(match known {
        Some(known) if says_the_same(known, &next) => known.clone(),
        _ => next,
    })
}

fn says_the_same(known: &Organization, next: &Organization) -> bool {
    let bookkept = Organization { version: known.version, update_time: known.update_time, ..next.clone() };
    bookkept == *known
}

pub async fn upsert_organization(app: &App, ctx: &Ctx, upsert: UpsertOrganization) -> Result<Organization> {
    // A tenant is one once it has a configuration.
    app.configurations.get(&ctx.tenant).await?;
    retrying(|| attempt(app, ctx, &upsert)).await
}

async fn attempt(app: &App, ctx: &Ctx, upsert: &UpsertOrganization) -> Result<Organization> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let known = store::lock_organization(&mut tx, &upsert.key).await?;
    let next = decide(ctx, known.as_ref(), upsert)?;
    if !upsert.validate_only && known.as_ref() != Some(&next) {
        store::put_organization(&mut tx, &next).await?;
        let target = Target::Named(next.name());
        audit::act_in(app, &mut tx, ctx, target, [known.as_ref(), Some(&next)]).await?;
        tx.commit().await?;
        app.names.forget(&ctx.tenant, Whom::Organization, &next.key);
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::TenantId, time::Time};

    fn ctx(now: &str) -> Ctx {
        let tenant = TenantId::parse("acme").expect("a tenant");
        Ctx::system(tenant, "test", now.parse::<Time>().expect("a time"))
    }

    fn upsert(display_name: &str, version: Option<i64>) -> UpsertOrganization {
        UpsertOrganization {
            key: "c-1".into(),
            version,
            display_name: display_name.into(),
            plan: String::new(),
            annotations: BTreeMap::new(),
            validate_only: false,
        }
    }

    #[test]
    fn the_first_records_the_next_changes_and_the_same_again_does_nothing() {
        let first = decide(&ctx("2026-01-01T00:00:00Z"), None, &upsert("Initech", None)).expect("recorded");
        assert_eq!((first.version, first.create_time), (1, first.update_time));
        let later = ctx("2026-01-02T00:00:00Z");
        let second = decide(&later, Some(&first), &upsert("Initrode", Some(1))).expect("changed");
        assert_eq!((second.version, second.create_time), (2, first.create_time));
        assert_eq!(decide(&later, Some(&second), &upsert("Initrode", None)).ok(), Some(second.clone()));
        let gold = UpsertOrganization { plan: "gold".into(), ..upsert("Initrode", None) };
        let third = decide(&later, Some(&second), &gold).expect("changed");
        assert_eq!((third.version, third.plan.as_str()), (3, "gold"));
    }

    #[test]
    fn what_was_read_before_the_last_change_is_stale() {
        let now = ctx("2026-01-01T00:00:00Z");
        let known = decide(&now, None, &upsert("Initech", None)).expect("recorded");
        for seen in [0, 2] {
            let refused = decide(&now, Some(&known), &upsert("Initech", Some(seen)));
            assert!(matches!(refused, Err(Error::Stale { .. })), "{seen}");
        }
        assert!(matches!(decide(&now, None, &upsert("Initech", Some(1))), Err(Error::Stale { .. })));
    }
}
