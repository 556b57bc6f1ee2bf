//! Putting a document in force: checked, compared with the one before, written as the next revision. Two who apply at once
//! stand in line at the tenant's row; the second sees what the first did.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Configuration, Document, Plan, Revision, Stamp,
    plan::{Touched, differences, touched, warnings},
    reach, read, store,
};
use crate::{
    agents,
    app::App,
    audit::{self, Target},
    call::retrying,
    ctx::Ctx,
    db::Tx,
    error::{Error, Reason, Result, Violations},
    idempotency,
    ids::TenantId,
    tickets,
};

/// What to put in force.
#[derive(Clone, Debug)]
pub struct Apply {
    pub document: Document,
    pub comment: String,
    /// The revision that the caller saw; `None`: whatever is in force.
    pub seen: Option<i64>,
    /// Check and plan, change nothing.
    pub validate_only: bool,
}

/// What is in force now, or would be, and what that changes.
#[derive(Clone, Debug)]
pub struct Applied {
    pub revision: Revision,
    pub plan: Plan,
    pub replayed: bool,
}

/// What a repetition is answered from: the revisions are there to be read, the rest was so at that time.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    /// The revision that was in force before; 0: none.
    before: i64,
    revision: i64,
    affected_ticket_count: i64,
    affected_agent_count: i64,
    warnings: Vec<String>,
}

/// The rule: the revision that follows, which is the one in force if the document says the same.
pub fn decide(ctx: &Ctx, in_force: Option<&Revision>, apply: &Apply) -> Result<Revision> {
    let before = in_force.map_or(0, |revision| revision.stamp.revision);
    if apply.seen.is_some_and(|seen| seen != before) {
        return Err(Error::Stale { kind: "configuration", name: name(&ctx.tenant) });
    }
    match in_force {
        Some(revision) if revision.document == apply.document => Ok(revision.clone()),
        _ => Ok(Revision {
            stamp: Stamp {
                revision: before + 1,
                author: ctx.actor.id.clone(),
                comment: apply.comment.clone(),
                create_time: ctx.now,
            },
            document: apply.document.clone(),
        }),
    }
}

/// The resource's name.
pub fn name(tenant: &TenantId) -> String {
    format!("tenants/{tenant}/configuration")
}

/// Applies a document that is valid.
pub async fn apply(app: &App, ctx: &Ctx, apply: Apply) -> Result<Applied> {
    let applied = retrying(|| attempt(app, ctx, &apply)).await?;
    if !apply.validate_only && !applied.replayed {
        let Revision { stamp, document } = &applied.revision;
        let configuration = Configuration::new(stamp.revision, document.clone());
        app.configurations.put(ctx.tenant.clone(), Arc::new(configuration));
    }
    Ok(applied)
}

async fn attempt(app: &App, ctx: &Ctx, apply: &Apply) -> Result<Applied> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    enter(ctx, &mut tx).await?;
    if let Some(receipt) = idempotency::recall::<Receipt>(&mut tx, ctx).await? {
        return replay(&mut tx, ctx, receipt).await;
    }
    let in_force = store::find(&mut *tx, &ctx.tenant, None).await?;
    let revision = decide(ctx, in_force.as_ref(), apply)?;
    let before = in_force.unwrap_or_else(|| nothing(ctx));
    let plan = plan_in(&mut tx, &before.document, &revision.document).await?;
    if !apply.validate_only {
        if revision != before {
            store::insert(&mut tx, &revision).await?;
            let target = Target::Named(name(&ctx.tenant));
            let documents = [&before, &revision].map(|it| (it.stamp.revision > 0).then_some(&it.document));
            audit::act_in(app, &mut tx, ctx, target, documents).await?;
        }
        let receipt = Receipt {
            before: before.stamp.revision,
            revision: revision.stamp.revision,
            affected_ticket_count: plan.affected_ticket_count,
            affected_agent_count: plan.affected_agent_count,
            warnings: plan.warnings.clone(),
        };
        idempotency::keep(&mut tx, ctx, &receipt).await?;
        tx.commit().await?;
    }
    Ok(Applied { revision, plan, replayed: false })
}

/// Locks the tenant, and makes it if this is its first configuration: that it is one, the caller has proved.
async fn enter(ctx: &Ctx, tx: &mut Tx) -> Result<()> {
    if store::lock_tenant(tx).await? {
        return Ok(());
    }
    store::create_tenant(tx, ctx.now).await?;
    store::lock_tenant(tx).await?;
    Ok(())
}

async fn plan_in(tx: &mut Tx, before: &Document, after: &Document) -> Result<Plan> {
    let Touched { levels, teams, queues } = touched(before, after);
    let standing = tickets::count_standing_in(tx, &levels, &teams, &queues).await?;
    let members = agents::memberships_in(tx).await?;
    let mut faults = Violations::default();
    reach::check(before, after, &members, &mut faults);
    faults.into_result_as(Reason::ConfigurationInvalid)?;
    let touched = members.iter().filter(|of| of.teams.iter().any(|team| teams.contains(team)));
    Ok(Plan {
        changes: differences(before, after),
        affected_ticket_count: standing.iter().map(|it| it.count).sum(),
        affected_agent_count: touched.count() as i64,
        warnings: warnings(before, after, &standing, &members),
    })
}

/// The answer of the first call, from its receipt.
async fn replay(tx: &mut Tx, ctx: &Ctx, receipt: Receipt) -> Result<Applied> {
    let revision = read::revision_in(tx, ctx, receipt.revision).await?;
    let before = match receipt.before {
        0 => nothing(ctx),
        before => read::revision_in(tx, ctx, before).await?,
    };
    let plan = Plan {
        changes: differences(&before.document, &revision.document),
        affected_ticket_count: receipt.affected_ticket_count,
        affected_agent_count: receipt.affected_agent_count,
        warnings: receipt.warnings,
    };
    Ok(Applied { revision, plan, replayed: true })
}

/// What was in force before the first revision.
fn nothing(ctx: &Ctx) -> Revision {
    let stamp = Stamp { revision: 0, author: String::new(), comment: String::new(), create_time: ctx.now };
    Revision { stamp, document: Document::default() }
}
