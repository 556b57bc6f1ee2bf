//! Creating a subscription: from now on, what it wants goes to its URL.

use super::{
    model::{Key, Scheme, State, Subscription, Wanted},
    send::purpose,
    sign::Secret,
    store,
    target::Target,
    write::Written,
};
use crate::{
    app::App,
    audit,
    call::retrying,
    ctx::Ctx,
    error::{Reason, Refusal, Result, Violations},
    events::{self, Start},
    idempotency,
    ids::Id,
    tickets::Json,
};

/// Subscriptions of one tenant: each reads the tenant's whole stream.
pub const MAX_SUBSCRIPTIONS: i64 = 100;

/// What a caller says of a subscription.
#[derive(Clone, Debug)]
pub struct Said {
    pub display_name: String,
    pub url: String,
    pub wanted: Wanted,
}

/// Every fault of the URL; what a name resolves to is looked at when something is sent.
pub fn check(app: &App, said: &Said, faults: &mut Violations) {
    if let Err(fault) = Target::parse(&said.url, app.sender.poster.bounds.reach) {
        faults.add("subscription.url", fault);
    }
}

/// A subscription's secrets, as they are shown once.
pub type Shown = Vec<(Scheme, String)>;

pub async fn create(
    app: &App,
    ctx: &Ctx,
    said: Said,
    schemes: &[Scheme],
    mut faults: Violations,
) -> Result<(Written, Shown)> {
    check(app, &said, &mut faults);
    faults.into_result()?;
    let id = app.ids.next();
    let (keys, shown) = make_keys(app, ctx, id, schemes)?;
    let position = events::position(app, &ctx.tenant, &Start::Now).await?;
    let new = Subscription {
        tenant_id: ctx.tenant.clone(),
        id,
        version: 1,
        display_name: said.display_name,
        url: said.url,
        wanted: Json(said.wanted),
        state: State::Active,
        disable_reason: None,
        keys: Json(keys),
        position,
        last_success_time: None,
        last_failure_time: None,
        failing_since_time: None,
        consecutive_failures: 0,
        create_time: ctx.now,
        update_time: ctx.now,
    };
    let written = retrying(|| attempt(app, ctx, &new)).await?;
    let shown = if written.replayed { Vec::new() } else { shown };
    Ok((written, shown))
}

async fn attempt(app: &App, ctx: &Ctx, new: &Subscription) -> Result<Written> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    if let Some(id) = idempotency::recall::<Id>(&mut tx, ctx).await? {
        let found = store::find_in(&mut tx, id).await?;
        let subscription = found.ok_or_else(|| super::write::missing(ctx, id))?;
        return Ok(Written { subscription, replayed: true });
    }
    if store::count(&mut tx).await? >= MAX_SUBSCRIPTIONS {
        let text =
            format!("a tenant has at most {MAX_SUBSCRIPTIONS} subscriptions; end one that is not needed");
        let refusal = Refusal::new(Reason::SubscriptionLimitReached, text);
        return Err(refusal.with("limit", MAX_SUBSCRIPTIONS).into());
    }
    store::put(&mut tx, new).await?;
    audit::act_in(app, &mut tx, ctx, audit::Target::Named(new.name()), [None, Some(new)]).await?;
    idempotency::keep(&mut tx, ctx, &new.id).await?;
    tx.commit().await?;
    Ok(Written { subscription: new.clone(), replayed: false })
}

/// A key for each scheme: sealed to be kept, and as it is shown.
pub fn make_keys(app: &App, ctx: &Ctx, id: Id, schemes: &[Scheme]) -> Result<(Vec<Key>, Shown)> {
    let (mut keys, mut shown) = (Vec::new(), Vec::new());
    for scheme in schemes {
        let secret = Secret::make()?;
        let told = secret.shown(*scheme)?;
        keys.push(Key {
            scheme: *scheme,
            sealed: app.sealer.seal(&purpose(&ctx.tenant, id), &secret)?,
            public: if *scheme == Scheme::V1a { told.clone() } else { String::new() },
            expire_time: None,
        });
        shown.push((*scheme, told));
    }
    Ok((keys, shown))
}
