//! Handing a period over: what is posted in it never changes from then on. Work that is entered late, and what is taken back,
//! is posted to the first instant that is not handed over.

use super::{
    model::{Account, Lock},
    read::Total,
    store,
};
use crate::{
    app::App,
    audit::{self, Target, UNSEEN},
    call::retrying,
    ctx::Ctx,
    error::{Reason, Refusal, Result},
    idempotency,
    time::Time,
};

/// The rule: periods follow each other without a gap, and are over.
fn decide(ctx: &Ctx, account: Account, end_time: Time) -> Result<Lock> {
    let refuse = |text: &str| {
        let refusal = Refusal::new(Reason::BillingPeriodInvalid, text);
        let locked = account.locked_until.map(|time| time.to_string()).unwrap_or_default();
        Err(refusal.with("locked_until", locked).into())
    };
    if end_time > ctx.now {
        return refuse("the period is not over");
    }
    if account.locked_until.is_some_and(|locked| end_time <= locked) {
        return refuse("the period was handed over already");
    }
    Ok(Lock {
        tenant_id: ctx.tenant.clone(),
        end_time,
        start_time: account.locked_until,
        position: account.last_position,
        author_kind: ctx.actor.kind,
        author_id: ctx.actor.id.clone(),
        create_time: ctx.now,
    })
}

/// The period, what it comes to, and whether an earlier call handed it over.
pub async fn lock(app: &App, ctx: &Ctx, end_time: Time) -> Result<(Lock, Vec<Total>, bool)> {
    retrying(|| attempt(app, ctx, end_time)).await
}

async fn attempt(app: &App, ctx: &Ctx, end_time: Time) -> Result<(Lock, Vec<Total>, bool)> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    // Whoever posts stands in line behind this, and posts to what is open then.
    let account = store::lock_account(&mut tx).await?;
    if let Some(lock) = idempotency::recall::<Lock>(&mut tx, ctx).await? {
        let totals = store::totals(&mut tx, &lock).await?;
        return Ok((lock, totals, true));
    }
    let lock = decide(ctx, account, end_time)?;
    store::put_account(&mut tx, Account { locked_until: Some(end_time), ..account }).await?;
    store::insert_lock(&mut tx, &lock).await?;
    let totals = store::totals(&mut tx, &lock).await?;
    let target = Target::Named(format!("tenants/{}", ctx.tenant));
    audit::act_in(app, &mut tx, ctx, target, UNSEEN).await?;
    idempotency::keep(&mut tx, ctx, &lock).await?;
    tx.commit().await?;
    Ok((lock, totals, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ctx::Role, tickets::fixture};

    #[test]
    fn periods_are_over_and_follow_each_other() {
        let ctx = fixture::ctx(Role::Admin);
        let day = std::time::Duration::from_hours(24);
        let decided = |locked: Option<Time>, end: Time| {
            decide(&ctx, Account { last_position: 7, locked_until: locked }, end).map_err(|it| it.reason())
        };
        let now = fixture::start();
        let first = decided(None, now).expect("over");
        assert_eq!((first.start_time, first.position), (None, 7));
        assert_eq!(decided(Some(now.before(day)), now).expect("next").start_time, Some(now.before(day)));
        assert_eq!(decided(Some(now), now), Err(Reason::BillingPeriodInvalid));
        assert_eq!(decided(None, now.after(day)), Err(Reason::BillingPeriodInvalid));
    }

    #[test]
    fn what_comes_late_is_posted_to_what_is_open() {
        let (early, late) = (fixture::start(), fixture::start().after(std::time::Duration::from_hours(1)));
        let locked = Account { last_position: 1, locked_until: Some(late) };
        assert_eq!((locked.post_time(early), Account::default().post_time(early)), (late, early));
    }
}
