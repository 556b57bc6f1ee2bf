//! A simulation as messages: what is asked, and the parts of the answer.

use ticketing_proto::v1::{self as pb, simulate_sla_response::Body};

use super::{
    Difference, Part, Simulation, Summary,
    fold::{Counts, Group},
};
use crate::{
    app::App,
    configuration::rpc::tried,
    ctx::Ctx,
    error::{Result, Violations},
    ids::TenantId,
    sla::wire::{agreement, clock_kind, duration},
    tickets::{
        Sight, Window, parse_filter,
        wire::{timestamp, window},
    },
};

/// What is asked; the fields are looked at before the candidate.
pub async fn simulation(app: &App, ctx: &Ctx, request: &pb::SimulateSlaRequest) -> Result<Simulation> {
    let mut faults = Violations::default();
    let window = window(&mut faults, request.start_time.as_ref(), request.end_time.as_ref());
    faults.into_result()?;
    let sight = Sight::of(app, ctx).await?;
    let window = Window { sight, filter: parse_filter(ctx, &request.filter)?, ..window };
    let configuration = tried(app, ctx, request.configuration.as_ref()).await?;
    Ok(Simulation { configuration, window })
}

pub fn response(tenant: &TenantId, part: Part) -> pb::SimulateSlaResponse {
    let body = match part {
        Part::Progress { done, total } => {
            Body::Progress(pb::SimulationProgress { done_count: done, total_count: total })
        }
        Part::Differences(differences) => Body::Differences(pb::SlaDifferences {
            differences: differences.into_iter().map(|it| difference(tenant, it)).collect(),
        }),
        Part::Summary(it) => Body::Summary(summary(it)),
    };
    pb::SimulateSlaResponse { body: Some(body) }
}

fn difference(tenant: &TenantId, it: Difference) -> pb::SlaDifference {
    pb::SlaDifference {
        ticket: format!("tenants/{tenant}/tickets/{}", it.ticket),
        number: it.number,
        create_time: Some(timestamp(it.create_time)),
        clock: clock_kind(it.kind),
        level: it.level,
        policy: it.policy,
        priority: it.priority,
        due_time: it.due_time.map(timestamp),
        business_overrun_duration: Some(duration(it.overrun_seconds)),
        overrun_duration: Some(duration(it.late_seconds)),
        breached: it.breached,
        breached_today: it.breached_today,
    }
}

fn summary(it: Summary) -> pb::SlaSummary {
    pb::SlaSummary {
        configuration_revision: it.configuration_revision,
        ticket_count: it.tickets as i64,
        unpromised_count: it.without_policy as i64,
        breached_ticket_count: it.breached_tickets as i64,
        breached_ticket_today_count: it.breached_tickets_today as i64,
        newly_breached_count: it.newly_breached as i64,
        no_longer_breached_count: it.no_longer_breached as i64,
        clocks: it.groups.iter().map(clocks).collect(),
    }
}

fn clocks((group, counts): &(Group, Counts)) -> pb::SimulatedClocks {
    pb::SimulatedClocks {
        agreement: agreement(group.agreement),
        policy: group.policy.clone(),
        clock: clock_kind(group.kind),
        level: group.level.clone(),
        priority: group.priority.clone(),
        clock_count: counts.clocks as i64,
        achieved_count: counts.achieved as i64,
        breached_count: counts.breached as i64,
        open_count: counts.open as i64,
        cancelled_count: counts.cancelled as i64,
        median_business_duration: counts.elapsed(50).map(duration),
        p90_business_duration: counts.elapsed(90).map(duration),
        business_overrun_duration: Some(duration(counts.overrun)),
        longest_business_overrun_duration: Some(duration(counts.longest_overrun)),
    }
}
