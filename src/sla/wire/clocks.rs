//! Clocks and their statements as messages.

use serde_json::Value;
use ticketing_proto::v1 as pb;

use super::{agreement, clock_kind, duration};
use crate::sla::{
    Clock, Point,
    evaluate::Phase,
    explain::{Line, Statement},
    migrate::{Done, Migrate, Migrated, Moved, Terms as Promised},
    model::Terms,
    points::{ahead, threshold},
    read::{Explained, Pinned, Wanted},
};
use crate::{
    configuration::{ClockKind, Configuration},
    error::{Error, Result, Violations},
    events::Event,
    ids::TenantId,
    tickets::wire::{actor_kind, code, ticket_name, time, timestamp, wire},
    time::Time,
};

const MAX_POLICIES: usize = 100;

/// What ListClocks asks for.
pub fn wanted(faults: &mut Violations, request: &pb::ListClocksRequest) -> Wanted {
    let kind = |(place, kind): (usize, &i32)| {
        let at = format!("kinds[{place}]");
        if *kind == 0 {
            faults.add(&at, "must name a kind");
        }
        code(faults, &at, *kind, pb::ClockKind::as_str_name, "CLOCK_KIND_", ClockKind::parse)
    };
    let kinds = request.kinds.iter().enumerate().filter_map(kind).collect();
    if request.policies.len() > MAX_POLICIES {
        faults.add("policies", format!("must be at most {MAX_POLICIES}"));
    }
    let due_before = time(faults, "due_before_time", request.due_before_time.as_ref());
    Wanted { due_before, kinds, policies: request.policies.clone() }
}

/// A clock as it stands at a time.
pub fn clock(pinned: &Pinned, now: Time) -> pb::Clock {
    of(&pinned.clock, &pinned.configuration, now)
}

/// A clock that is not kept: it has no name.
pub fn thought_of(clock: &Clock, configuration: &Configuration, now: Time) -> pb::Clock {
    pb::Clock { name: String::new(), ..of(clock, configuration, now) }
}

fn of(clock: &Clock, configuration: &Configuration, now: Time) -> pb::Clock {
    let reading = clock.read(configuration, now);
    let target = clock.target_seconds.unsigned_abs();
    let some = |seconds: u64| (seconds > 0).then(|| duration(seconds));
    let supersedes = clock.supersedes.map(|number| Clock { number, ..clock.clone() }.name());
    pb::Clock {
        name: clock.name(),
        agreement: agreement(clock.agreement),
        policy: clock.policy.clone(),
        kind: clock_kind(clock.kind),
        level: clock.level.clone(),
        priority: clock.priority.clone(),
        configuration_revision: clock.configuration_revision,
        calendar: clock.calendar.clone(),
        time_zone_release: clock.time_zone_release.clone(),
        state: wire("CLOCK_STATE_", reading.state.name(), pb::ClockState::from_str_name),
        business_target_duration: Some(duration(target)),
        business_carried_duration: some(clock.carried_seconds.unsigned_abs()),
        business_elapsed_duration: Some(duration(reading.elapsed)),
        business_remaining_duration: some(target.saturating_sub(reading.elapsed)),
        business_overrun_duration: some(reading.elapsed.saturating_sub(target)),
        start_time: Some(timestamp(clock.start_time)),
        due_time: reading.due.map(timestamp),
        end_time: reading.end.map(timestamp),
        breach_time: reading.breach.filter(|_| !clock.breached_on_apply).map(timestamp),
        detect_time: clock.detect_time.map(timestamp),
        breached_on_apply: clock.breached_on_apply,
        supersedes: supersedes.unwrap_or_default(),
        points: points(clock, configuration, &ahead(clock, configuration, &reading)),
    }
}

fn points(clock: &Clock, configuration: &Configuration, ahead: &[(Time, Point)]) -> Vec<pb::ClockPoint> {
    let Some(terms) = Terms::of(configuration, clock) else { return Vec::new() };
    let steps = configuration.ladder_steps(&terms.clock.ladder);
    let warnings = (0..terms.clock.warnings.len()).map(Point::Warning);
    let all = warnings.chain([Point::Breach]).chain((0..steps.len()).map(Point::Step));
    let one = |point: Point| pb::ClockPoint {
        kind: point_kind(point),
        threshold: threshold(clock, configuration, point),
        action: match point {
            Point::Step(place) => ladder_action(steps[place].action.name()),
            _ => 0,
        },
        told: clock.told.contains(&point),
        time: ahead.iter().find(|(_, it)| *it == point).map(|(time, _)| timestamp(*time)),
    };
    all.map(one).collect()
}

fn ladder_action(action: &str) -> i32 {
    wire("LADDER_ACTION_", action, pb::LadderAction::from_str_name)
}

fn point_kind(point: Point) -> i32 {
    match point {
        Point::Warning(_) => pb::ClockPointKind::Warning,
        Point::Breach => pb::ClockPointKind::Breach,
        Point::Step(_) => pb::ClockPointKind::Step,
    }
    .into()
}

/// What an event tells of a clock.
pub fn notice(event: &Event) -> Option<pb::ClockNotice> {
    let text = |key: &str| event.details.get(key).and_then(Value::as_str).unwrap_or_default();
    let point: Point = serde_json::from_value(event.details.get("point")?.clone()).ok()?;
    let due = if point == Point::Breach { "breach_time" } else { "due_time" };
    Some(pb::ClockNotice {
        name: format!(
            "tenants/{}/tickets/{}/clocks/{}",
            event.tenant_id,
            event.ticket_id,
            event.details.get("clock")?
        ),
        kind: wire("CLOCK_KIND_", text("clock_kind"), pb::ClockKind::from_str_name),
        agreement: wire("AGREEMENT_", text("agreement"), pb::Agreement::from_str_name),
        policy: text("policy").to_owned(),
        level: text("level").to_owned(),
        point: point_kind(point),
        threshold: text("threshold").to_owned(),
        action: ladder_action(text("action")),
        due_time: text(due).parse::<Time>().ok().map(timestamp),
    })
}

pub fn explained(explained: Explained, now: Time) -> pb::ExplainClockResponse {
    let Explained { pinned, statement: Statement { time_zone, lines, .. }, differences } = explained;
    pb::ExplainClockResponse {
        clock: Some(clock(&pinned, now)),
        time_zone,
        lines: lines.into_iter().map(line).collect(),
        matches: differences.is_empty(),
        differences,
    }
}

fn line(line: Line) -> pb::StatementLine {
    let segment = line.segment;
    let phase = match segment.phase {
        Phase::Idle => pb::ClockPhase::Unspecified,
        Phase::Running => pb::ClockPhase::Running,
        Phase::Paused => pb::ClockPhase::Paused,
        Phase::Stopped => pb::ClockPhase::Stopped,
        Phase::Cancelled | Phase::Superseded => pb::ClockPhase::Ended,
    };
    pb::StatementLine {
        phase: phase.into(),
        start_time: Some(timestamp(segment.start)),
        end_time: Some(timestamp(segment.end)),
        local_start: line.local_start,
        local_end: line.local_end,
        ticket_version: segment.version,
        event_type: line.event_type.to_owned(),
        actor: line.actor.map(|(kind, id)| pb::Actor { kind: actor_kind(kind), id }),
        counts: segment.counts,
        business_duration: Some(duration(segment.open)),
        business_elapsed_duration: Some(duration(line.elapsed)),
        business_left_duration: Some(prost_types::Duration { seconds: line.left, nanos: 0 }),
        openings: line
            .openings
            .into_iter()
            .map(|it| pb::Opening {
                start_time: Some(timestamp(it.start)),
                end_time: Some(timestamp(it.end)),
            })
            .collect(),
        truncated: line.truncated,
        exceptions: line.exceptions,
    }
}

/// What MigrateClocks asks for.
pub fn migrate(
    faults: &mut Violations,
    tenant: &TenantId,
    request: pb::MigrateClocksRequest,
) -> Result<Migrate> {
    let ticket = match request.ticket.as_str() {
        "" => None,
        name => {
            let (of, id) = ticket_name("ticket", name)?;
            if of != *tenant {
                return Err(Error::field("ticket", "must be of the same tenant"));
            }
            Some(id)
        }
    };
    for (field, keys) in [("queues", &request.queues), ("teams", &request.teams)] {
        if keys.len() > MAX_POLICIES {
            faults.add(field, format!("must be at most {MAX_POLICIES}"));
        }
    }
    Ok(Migrate {
        ticket,
        queues: request.queues,
        teams: request.teams,
        size: request.page_size,
        token: request.page_token,
        validate_only: request.validate_only,
    })
}

pub fn migrated(tenant: &TenantId, done: Done) -> pb::MigrateClocksResponse {
    let ticket = |it: Migrated| pb::MigratedTicket {
        ticket: format!("tenants/{tenant}/tickets/{}", it.ticket),
        from_revision: it.from_revision,
        sla_policies: it.policies,
        clocks: it.clocks.into_iter().map(moved).collect(),
    };
    pb::MigrateClocksResponse {
        tickets: done.tickets.into_iter().map(ticket).collect(),
        configuration_revision: done.revision,
        next_page_token: done.next_page_token,
        replayed: done.replayed,
    }
}

fn moved(it: Moved) -> pb::MigratedClock {
    let target = |terms: Option<&Promised>| terms.map(|it| duration(it.target_seconds.unsigned_abs()));
    let due = |terms: Option<&Promised>| terms.and_then(|it| it.due_time).map(timestamp);
    let policy = |terms: Option<&Promised>| terms.map(|it| it.policy.clone()).unwrap_or_default();
    let (old, new) = (it.old.as_ref(), it.new.as_ref());
    pb::MigratedClock {
        kind: clock_kind(it.kind),
        old_policy: policy(old),
        new_policy: policy(new),
        old_business_target_duration: target(old),
        new_business_target_duration: target(new),
        old_due_time: due(old),
        new_due_time: due(new),
        breached_on_apply: it.breached_on_apply,
        level: it.level,
    }
}
