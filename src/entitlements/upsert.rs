//! Recording what was sold, or what is sold otherwise: the CRM sends it whole, as often as it likes. What it says again is
//! confirmed; what it says otherwise is a new version, which holds from a time of its own.

use super::{Entitlement, store};
use crate::{
    app::App,
    audit::{self, Target},
    billing,
    call::retrying,
    configuration::{Configuration, SupportPlan},
    ctx::Ctx,
    error::{Error, Result, Violations},
    tickets::Channel,
    time::Time,
    worklogs,
};

/// Within one entitlement: products, channels, levels.
const MAX_PARTS: usize = 100;
const MAX_PRODUCT: usize = 128;
const MAX_INCIDENTS: i32 = 1_000_000;
const MAX_SECONDS: i64 = 366 * 24 * 60 * 60;

/// The entitlement as the CRM has it.
#[derive(Clone, Debug)]
pub struct Upsert {
    /// Version and times of recording are the rule's to set.
    pub said: Entitlement,
    /// Whether it says from when it holds.
    pub effective: bool,
    /// The version that the caller saw; `None`: whatever it is now.
    pub version: Option<i64>,
    pub validate_only: bool,
    pub faults: Violations,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Confirmed(Entitlement),
    Changed(Entitlement),
}

/// The rule.
fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    known: Option<&Entitlement>,
    upsert: &Upsert,
) -> Result<Outcome> {
    let version = known.map_or(0, |known| known.version);
    if upsert.version.is_some_and(|seen| seen != version) {
        return Err(Error::Stale { kind: "entitlement", name: upsert.said.name() });
    }
    let mut faults = upsert.faults.clone();
    check(configuration, &upsert.said, &mut faults);
    if known.is_some_and(|known| known.organization != upsert.said.organization) {
        faults.add("entitlement.organization", "never changes; record another entitlement");
    }
    faults.into_result()?;
    let effective_time = match known {
        _ if upsert.effective => upsert.said.effective_time,
        Some(_) => ctx.now.second(),
        None => upsert.said.start_time,
    };
    let next = Entitlement {
        version: version + 1,
        effective_time,
        create_time: ctx.now,
        confirm_time: ctx.now,
        ..upsert.said.clone()
    };
    Ok(match known {
        Some(known) if says_the_same(known, &next, upsert.effective) => {
            Outcome::Confirmed(Entitlement { confirm_time: ctx.now, ..known.clone() })
        }
        _ => Outcome::Changed(next),
    })
}

/// What says nothing of the time from which it holds says nothing new by that.
fn says_the_same(known: &Entitlement, next: &Entitlement, effective: bool) -> bool {
    let bookkept = Entitlement {
        version: known.version,
        effective_time: if effective { next.effective_time } else { known.effective_time },
        create_time: known.create_time,
        confirm_time: known.confirm_time,
        ..next.clone()
    };
    bookkept == *known
}

/// What it names is configured, and its numbers can be counted with.
fn check(configuration: &Configuration, said: &Entitlement, faults: &mut Violations) {
    let mut at = |field: &str, fault: Option<String>| {
        if let Some(text) = fault {
            faults.add(format!("entitlement.{field}"), text);
        }
    };
    let document = &configuration.document;
    let known =
        |list: &str, key: &str, known: bool| (!known).then(|| format!("there is no {key:?} in {list}"));
    at("organization", said.organization.is_empty().then(|| "is required".into()));
    let plans: Vec<&SupportPlan> = document.plans.iter().filter(|plan| plan.key == said.plan).collect();
    at("plan", known("plans", &said.plan, !plans.is_empty()));
    let ends = said.end_time.is_some_and(|end| end <= said.start_time);
    at("end_time", ends.then(|| "must be after start_time".into()));
    for (field, list) in
        [("products", &said.products), ("channels", &said.channels), ("levels", &said.levels)]
    {
        at(field, (list.len() > MAX_PARTS).then(|| format!("must be at most {MAX_PARTS}")));
    }
    let odd = |it: &&String| !(1..=MAX_PRODUCT).contains(&it.chars().count()) || it.contains('\0');
    let text = format!("each must be 1 to {MAX_PRODUCT} characters");
    at("products", said.products.iter().find(odd).map(|_| text));
    let channel = said.channels.iter().find(|it| Channel::parse(it).is_none());
    at("channels", channel.map(|it| format!("{it:?} is none of {}", Channel::NAMES.join(", "))));
    let level = said.levels.iter().find(|it| configuration.level(it).is_none());
    at("levels", level.and_then(|it| known("levels", it, false)));
    let policy = said.sla_policy.is_empty() || configuration.sla_policy(&said.sla_policy).is_some();
    at("sla_policy", known("sla_policies", &said.sla_policy, policy));
    let calendar = said.calendar.is_empty() || configuration.calendar(&said.calendar).is_some();
    at("calendar", known("calendars", &said.calendar, calendar));
    let incidents = (0..=MAX_INCIDENTS).contains(&said.allowance_incidents);
    at("allowance.incidents", (!incidents).then(|| format!("must be 0 to {MAX_INCIDENTS}")));
    let seconds = said.allowance_seconds.is_none_or(|seconds| (1..=MAX_SECONDS).contains(&seconds));
    at("allowance.duration", (!seconds).then(|| "must be whole seconds, 1 s to 366 days".into()));
}

pub async fn upsert(app: &App, ctx: &Ctx, upsert: &Upsert) -> Result<Entitlement> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    retrying(|| attempt(app, ctx, &configuration, upsert)).await
}

async fn attempt(
    app: &App,
    ctx: &Ctx,
    configuration: &Configuration,
    upsert: &Upsert,
) -> Result<Entitlement> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    billing::lock_organization_in(&mut tx, &upsert.said.organization).await?;
    let known = store::lock(&mut tx, &upsert.said.key).await?;
    let outcome = decide(ctx, configuration, known.as_ref(), upsert)?;
    let (Outcome::Confirmed(next) | Outcome::Changed(next)) = &outcome;
    if upsert.validate_only {
        return Ok(next.clone());
    }
    match &outcome {
        Outcome::Confirmed(next) => store::confirm(&mut tx, next).await?,
        Outcome::Changed(next) => {
            store::insert(&mut tx, next).await?;
            // What was done since is seen otherwise now.
            let roots = worklogs::roots_since_in(&mut tx, &next.organization, next.effective_time).await?;
            billing::mark_in(&mut tx, &roots, ctx.now).await?;
            let target = Target::Named(next.name());
            audit::act_in(app, &mut tx, ctx, target, [known.as_ref(), Some(next)]).await?;
        }
    }
    tx.commit().await?;
    Ok(next.clone())
}

impl Time {
    /// The whole second in which it lies.
    #[must_use]
    pub fn second(self) -> Self {
        jiff::Timestamp::from_second(self.as_second()).map_or(self, Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        configuration::SupportPlan,
        ctx::Role,
        entitlements::tests::sold,
        tickets::fixture::{self, faults},
    };

    fn configuration() -> Configuration {
        let mut document = fixture::document();
        document.plans = vec![SupportPlan { key: "gold".into(), ..SupportPlan::default() }];
        Configuration::new(7, document)
    }

    fn said(said: Entitlement, version: Option<i64>) -> Upsert {
        Upsert { said, effective: false, version, validate_only: false, faults: Violations::default() }
    }

    fn decided(known: Option<&Entitlement>, upsert: &Upsert) -> Result<Outcome> {
        decide(&fixture::ctx(Role::Admin), &configuration(), known, upsert)
    }

    #[test]
    fn the_same_again_confirms_and_anything_else_is_a_version_from_now_on() {
        let first = sold("c-1", "gold", 0);
        let Ok(Outcome::Changed(first)) = decided(None, &said(first, Some(0))) else { panic!("recorded") };
        assert_eq!((first.version, first.effective_time), (1, first.start_time));
        let Ok(Outcome::Confirmed(again)) = decided(Some(&first), &said(first.clone(), None)) else {
            panic!("confirmed")
        };
        assert_eq!((again.version, again.confirm_time), (1, fixture::start()));
        let narrower = Entitlement { levels: vec!["L1".into()], ..first.clone() };
        let Ok(Outcome::Changed(second)) = decided(Some(&first), &said(narrower, Some(1))) else {
            panic!("changed")
        };
        assert_eq!((second.version, second.effective_time), (2, fixture::start()));
        let refused = decided(Some(&second), &said(first, Some(1))).expect_err("stale");
        assert!(matches!(refused, Error::Stale { .. }));
    }

    #[test]
    fn what_is_corrected_holds_from_the_time_that_is_said() {
        let first = sold("c-1", "gold", 1);
        let corrected = Upsert { effective: true, ..said(first.clone(), None) };
        assert!(matches!(decided(Some(&first), &corrected), Ok(Outcome::Confirmed(_))));
        let mut later = corrected;
        later.said.effective_time = fixture::start();
        let Ok(Outcome::Changed(second)) = decided(Some(&first), &later) else { panic!("changed") };
        assert_eq!(second.effective_time, fixture::start());
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let bad = Entitlement {
            organization: String::new(),
            end_time: Some(sold("c-1", "", 1).start_time),
            products: vec![String::new()],
            channels: vec!["FAX".into()],
            levels: vec!["L9".into()],
            sla_policy: "golden".into(),
            calendar: "never".into(),
            allowance_incidents: -1,
            allowance_seconds: Some(0),
            ..sold("c-1", "silver", 1)
        };
        let parts = [
            "organization",
            "plan",
            "end_time",
            "products",
            "channels",
            "levels",
            "sla_policy",
            "calendar",
            "allowance.incidents",
            "allowance.duration",
        ];
        assert_eq!(faults(decided(None, &said(bad, None))), parts.map(|part| format!("entitlement.{part}")));
        let moved = Entitlement { organization: "sirius".into(), ..sold("c-1", "gold", 1) };
        let refused = decided(Some(&sold("c-1", "gold", 1)), &said(moved, None));
        assert_eq!(faults(refused), ["entitlement.organization"]);
    }
}
