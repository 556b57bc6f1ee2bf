//! Recording an agent, or changing what is recorded. Availability stays as it is.

use std::collections::BTreeMap;

use super::{
    Agent, Availability, MAX_CAPACITY, MAX_DISPLAY_NAME, MAX_SKILLS, MAX_TEAMS, SKILL_LEVELS, store,
};
use crate::{
    app::App,
    audit::{self, Target},
    call::retrying,
    configuration::{Configuration, no_calendar},
    ctx::Ctx,
    error::{Error, Result, Violations},
    tickets::{Json, Whom},
};

/// What to record, as it came in.
#[derive(Clone, Debug)]
pub struct Upsert {
    pub key: String,
    /// The version that the caller saw; `None`: whatever it is now.
    pub version: Option<i64>,
    pub display_name: String,
    pub teams: Vec<String>,
    /// Skill and level.
    pub skills: Vec<(String, i32)>,
    pub capacity: i32,
    /// Key; empty: none of its own.
    pub calendar: String,
    pub validate_only: bool,
}

/// Every fault of the agent itself.
pub fn check(configuration: &Configuration, upsert: &Upsert, faults: &mut Violations) {
    if !(1..=MAX_DISPLAY_NAME).contains(&upsert.display_name.trim().chars().count())
        || upsert.display_name.contains('\0')
    {
        faults.add("agent.display_name", format!("must be 1 to {MAX_DISPLAY_NAME} characters without NUL"));
    }
    if !(0..=MAX_CAPACITY).contains(&upsert.capacity) {
        faults.add("agent.capacity", format!("must be 0 to {MAX_CAPACITY}"));
    }
    check_list(faults, "agent.teams", upsert.teams.iter(), MAX_TEAMS, |team| {
        configuration.team(team).is_some()
    });
    check_list(faults, "agent.skills", upsert.skills.iter().map(|(skill, _)| skill), MAX_SKILLS, |skill| {
        configuration.document.skills.iter().any(|known| known.key == skill)
    });
    for (place, (_, level)) in upsert.skills.iter().enumerate() {
        if !SKILL_LEVELS.contains(level) {
            faults.add(format!("agent.skills[{place}].level"), "must be 1 to 5");
        }
    }
    if !upsert.calendar.is_empty() && configuration.calendar(&upsert.calendar).is_none() {
        faults.add("agent.calendar", no_calendar(&upsert.calendar, &configuration.document.calendars));
    }
}

fn check_list<'a>(
    faults: &mut Violations,
    field: &str,
    keys: impl ExactSizeIterator<Item = &'a String>,
    max: usize,
    is_configured: impl Fn(&str) -> bool,
) {
    if keys.len() > max {
        return faults.add(field, format!("must be at most {max}"));
    }
    let mut seen = Vec::new();
    for (place, key) in keys.enumerate() {
        if !is_configured(key) {
            faults.add(format!("{field}[{place}]"), format!("{key:?} is not configured"));
        } else if seen.contains(&key) {
            faults.add(format!("{field}[{place}]"), format!("{key:?} is listed twice"));
        }
        seen.push(key);
    }
}

/// The agent as it will be; the same version when nothing is different.
pub fn decide(ctx: &Ctx, known: Option<Agent>, upsert: &Upsert) -> Result<Agent> {
    let new = Agent {
        tenant_id: ctx.tenant.clone(),
        key: upsert.key.clone(),
        version: 0,
        display_name: String::new(),
        teams: Vec::new(),
        skills: Json::default(),
        capacity: 0,
        availability: Availability::Available,
        availability_until_time: None,
        calendar: String::new(),
        create_time: ctx.now,
        update_time: ctx.now,
        last_assign_time: None,
        cool_down_until_time: None,
    };
    let before = known.unwrap_or(new);
    if upsert.version.is_some_and(|version| version != before.version) {
        return Err(Error::Stale { kind: "agent", name: before.name() });
    }
    let after = Agent {
        display_name: upsert.display_name.clone(),
        teams: upsert.teams.clone(),
        skills: Json(upsert.skills.iter().cloned().collect::<BTreeMap<_, _>>()),
        capacity: upsert.capacity,
        calendar: upsert.calendar.clone(),
        ..before.clone()
    };
    Ok(after.changed_from(&before, ctx.now))
}

pub async fn upsert(app: &App, ctx: &Ctx, upsert: Upsert, mut faults: Violations) -> Result<Agent> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    check(&configuration, &upsert, &mut faults);
    faults.into_result()?;
    let agent = retrying(|| attempt(app, ctx, &upsert)).await?;
    app.dispatch_due.notify_one();
    Ok(agent)
}

async fn attempt(app: &App, ctx: &Ctx, upsert: &Upsert) -> Result<Agent> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let known = store::lock(&mut tx, std::slice::from_ref(&upsert.key)).await?.pop();
    let agent = decide(ctx, known.clone(), upsert)?;
    if !upsert.validate_only && known.as_ref() != Some(&agent) {
        store::put(&mut tx, &agent).await?;
        let target = Target::Named(agent.name());
        audit::act_in(app, &mut tx, ctx, target, [known.as_ref(), Some(&agent)]).await?;
        tx.commit().await?;
        app.names.forget(&ctx.tenant, Whom::Agent, &agent.key);
    }
    Ok(agent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        configuration::{Calendar, Document, Skill, Team},
        ids::TenantId,
        time::Time,
    };

    fn configuration() -> Configuration {
        let team = |key: &str| Team { key: key.into(), ..Team::default() };
        let nights: Calendar = serde_saphyr::from_str(
            "{key: nights, time_zone: UTC, hours: [{days: [MONDAY], open: '22:00', close: '06:00'}]}",
        )
        .expect("a calendar");
        let skill = |key: &str| Skill { key: key.into(), ..Skill::default() };
        Configuration::new(
            1,
            Document {
                teams: vec![team("desk"), team("field")],
                skills: vec![skill("german"), skill("sap")],
                calendars: vec![nights],
                ..Document::default()
            },
        )
    }

    fn ctx(now: &str) -> Ctx {
        let now: Time = now.parse().expect("a time");
        Ctx::system(TenantId::parse("acme").expect("a tenant"), "test", now)
    }

    fn ada() -> Upsert {
        Upsert {
            key: "ada".into(),
            version: None,
            display_name: "Ada".into(),
            teams: vec!["desk".into()],
            skills: vec![("german".into(), 5)],
            capacity: 4,
            calendar: "nights".into(),
            validate_only: false,
        }
    }

    fn faults_of(upsert: &Upsert) -> Vec<String> {
        let mut faults = Violations::default();
        check(&configuration(), upsert, &mut faults);
        match faults.into_result() {
            Err(Error::Invalid(_, violations)) => violations.into_iter().map(|v| v.field).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn every_fault_is_named_at_once() {
        assert!(faults_of(&ada()).is_empty());
        let wrong = Upsert {
            display_name: " ".into(),
            teams: vec!["desk".into(), "desk".into(), "moon".into()],
            skills: vec![("german".into(), 0), ("chess".into(), 3)],
            capacity: 1001,
            calendar: "nigths".into(),
            ..ada()
        };
        assert_eq!(
            faults_of(&wrong),
            [
                "agent.display_name",
                "agent.capacity",
                "agent.teams[1]",
                "agent.teams[2]",
                "agent.skills[1]",
                "agent.skills[0].level",
                "agent.calendar"
            ]
        );
    }

    #[test]
    fn the_same_again_changes_nothing_and_availability_stays() {
        let first = decide(&ctx("2026-01-05T08:00:00Z"), None, &ada()).expect("a new agent");
        assert_eq!(first.version, 1);
        let away = Agent { availability: Availability::Away, ..first };
        let again = decide(&ctx("2026-01-05T09:00:00Z"), Some(away.clone()), &ada()).expect("the same agent");
        assert_eq!(again, away);
        let more = Upsert { capacity: 5, version: Some(1), ..ada() };
        let changed = decide(&ctx("2026-01-05T10:00:00Z"), Some(away), &more).expect("a change");
        assert_eq!((changed.version, changed.capacity, changed.availability), (2, 5, Availability::Away));
        assert!(changed.update_time > changed.create_time);
        let late = Upsert { version: Some(1), ..ada() };
        assert!(matches!(
            decide(&ctx("2026-01-05T11:00:00Z"), Some(changed), &late),
            Err(Error::Stale { .. })
        ));
    }
}
