//! Saying whether work may be given to an agent. Of oneself everybody may; of another it takes the right to keep agents.

use super::{Agent, Availability, store};
use crate::{
    access::Permission,
    app::App,
    audit::{self, Target},
    ctx::{ActorKind, Ctx},
    error::{Error, Result, Violations},
    time::Time,
};

#[derive(Clone, Debug)]
pub struct SetAvailability {
    pub key: String,
    pub availability: Option<Availability>,
    /// When an absence ends.
    pub until_time: Option<Time>,
}

fn is_oneself(ctx: &Ctx, agent: &Agent) -> bool {
    ctx.actor.kind == ActorKind::Agent && ctx.actor.id == agent.key
}

/// The rule.
pub fn decide(ctx: &Ctx, agent: Agent, set: &SetAvailability, mut faults: Violations) -> Result<Agent> {
    if !is_oneself(ctx, &agent) {
        ctx.actor.require(Permission::AgentsWrite)?;
    }
    if set.availability.is_none() && faults.is_empty() {
        faults.add("availability", "is required");
    }
    if set.until_time.is_some() && set.availability == Some(Availability::Available) {
        faults.add("until_time", "goes with AVAILABILITY_AWAY only");
    } else if set.until_time.is_some_and(|until| until <= ctx.now) {
        faults.add("until_time", "must be in the future");
    }
    faults.into_result()?;
    let after = Agent {
        availability: set.availability.unwrap_or(agent.availability),
        availability_until_time: set.until_time,
        ..agent.clone()
    };
    Ok(after.changed_from(&agent, ctx.now))
}

pub async fn set_availability(
    app: &App,
    ctx: &Ctx,
    set: SetAvailability,
    faults: Violations,
) -> Result<Agent> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let known = store::lock(&mut tx, std::slice::from_ref(&set.key)).await?.pop();
    let name = || format!("tenants/{}/agents/{}", ctx.tenant, set.key);
    let known = known.ok_or_else(|| Error::not_found("agent", name()))?;
    let agent = decide(ctx, known.clone(), &set, faults)?;
    if agent != known {
        store::put(&mut tx, &agent).await?;
        if !is_oneself(ctx, &agent) {
            let (ctx, target) = (ctx.administering(), Target::Named(name()));
            audit::act_in(app, &mut tx, &ctx, target, [Some(&known), Some(&agent)]).await?;
        }
        tx.commit().await?;
    }
    app.dispatch_due.notify_one();
    Ok(agent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agents::fixture::agent,
        ctx::{Actor, Role},
        error::Reason,
        ids::TenantId,
    };

    fn by(id: &str, role: Role) -> Ctx {
        let now = "2026-01-05T08:00:00Z".parse().expect("a time");
        let actor = Actor { kind: ActorKind::Agent, id: id.into(), roles: vec![role], tenants: None };
        Ctx { actor, ..Ctx::system(TenantId::parse("acme").expect("a tenant"), "test", now) }
    }

    fn away(until_time: Option<&str>) -> SetAvailability {
        SetAvailability {
            key: "ada".into(),
            availability: Some(Availability::Away),
            until_time: until_time.map(|time| time.parse().expect("a time")),
        }
    }

    fn reason(ctx: &Ctx, set: &SetAvailability) -> Option<Reason> {
        decide(ctx, agent("ada", 1), set, Violations::default()).err().map(|error| error.reason())
    }

    #[test]
    fn of_oneself_everybody_may_of_another_a_lead() {
        let cases = [
            (by("ada", Role::Agent), None),
            (by("bob", Role::Agent), Some(Reason::PermissionMissing)),
            (by("bob", Role::Manager), None),
            (
                Ctx {
                    actor: Actor { kind: ActorKind::Service, ..by("ada", Role::Agent).actor },
                    ..by("ada", Role::Agent)
                },
                Some(Reason::PermissionMissing),
            ),
        ];
        for (ctx, expected) in cases {
            assert_eq!(reason(&ctx, &away(None)), expected, "{:?}", ctx.actor);
        }
    }

    #[test]
    fn an_absence_ends_in_the_future_and_presence_has_no_end() {
        let ada = by("ada", Role::Agent);
        assert_eq!(reason(&ada, &away(Some("2026-01-05T08:00:00Z"))), Some(Reason::FieldInvalid));
        assert_eq!(reason(&ada, &away(Some("2026-01-05T08:00:00.000001Z"))), None);
        let here = SetAvailability {
            availability: Some(Availability::Available),
            ..away(Some("2026-01-06T08:00:00Z"))
        };
        assert_eq!(reason(&ada, &here), Some(Reason::FieldInvalid));
        let neither = SetAvailability { availability: None, ..away(None) };
        assert_eq!(reason(&ada, &neither), Some(Reason::FieldInvalid));
    }

    #[test]
    fn the_same_again_is_no_new_version() {
        let ada = by("ada", Role::Agent);
        let set = |agent, to: &SetAvailability| decide(&ada, agent, to, Violations::default()).expect("set");
        let first = set(agent("ada", 1), &away(None));
        assert_eq!(first.version, 2);
        assert_eq!(set(first.clone(), &away(None)), first);
    }
}
