//! A simulation as messages: what is asked, and the parts of the answer.

use std::time::Duration;

use ticketing_proto::v1::{self as pb, simulate_routing_response::Body};

use super::{
    Part, Simulation,
    fold::{Difference, First, RuleCount, Summary, TeamLoad},
    load::{Curve, MIN_INTERVAL},
};
use crate::{
    app::App,
    configuration::rpc::tried,
    ctx::Ctx,
    error::{Result, Violations},
    ids::TenantId,
    tickets::{
        Sight, Window, parse_filter,
        wire::{timestamp, window},
    },
};

/// What is asked; the fields are looked at before the candidate.
pub async fn simulation(app: &App, ctx: &Ctx, request: &pb::SimulateRoutingRequest) -> Result<Simulation> {
    let mut faults = Violations::default();
    let window = window(&mut faults, request.start_time.as_ref(), request.end_time.as_ref());
    let interval = request.interval_duration.as_ref().and_then(|interval| span(&mut faults, interval));
    faults.into_result()?;
    let sight = Sight::of(app, ctx).await?;
    let window = Window { sight, filter: parse_filter(ctx, &request.filter)?, ..window };
    let configuration = tried(app, ctx, request.configuration.as_ref()).await?;
    Ok(Simulation { configuration, window, interval })
}

fn span(faults: &mut Violations, interval: &prost_types::Duration) -> Option<Duration> {
    let span = Duration::try_from(*interval).ok();
    let span = span.filter(|span| *span >= MIN_INTERVAL && span.subsec_nanos() == 0);
    if span.is_none() {
        faults.add("interval_duration", "must be whole seconds, at least 60");
    }
    span
}

pub fn response(tenant: &TenantId, part: Part) -> pb::SimulateRoutingResponse {
    let body = match part {
        Part::Progress { done, total } => {
            Body::Progress(pb::SimulationProgress { done_count: done, total_count: total })
        }
        Part::Differences(differences) => Body::Differences(pb::SimulationDifferences {
            differences: differences.into_iter().map(|it| difference(tenant, it)).collect(),
        }),
        Part::Teams(teams) => Body::Teams(pb::SimulationTeams {
            teams: teams.into_iter().map(|(load, capacity)| team(load, capacity)).collect(),
        }),
        Part::Summary(it) => Body::Summary(summary(it)),
    };
    pb::SimulateRoutingResponse { body: Some(body) }
}

fn difference(tenant: &TenantId, difference: Difference) -> pb::SimulationDifference {
    let place = |First { rule, queue, team, level, priority }| {
        Some(pb::SimulatedPlace { rule, queue, team, level, priority })
    };
    pb::SimulationDifference {
        ticket: format!("tenants/{tenant}/tickets/{}", difference.ticket),
        number: difference.number,
        create_time: Some(timestamp(difference.create_time)),
        actual: place(difference.actual),
        simulated: place(difference.simulated),
        last_team: difference.last_team,
    }
}

fn team(TeamLoad { team, actual, simulated }: TeamLoad, capacity: i64) -> pb::SimulatedTeam {
    let load = |Curve { tickets, arrivals, open, peak }| {
        let counts = |counts: Vec<u32>| counts.into_iter().map(i64::from).collect();
        Some(pb::SimulatedLoad {
            ticket_count: tickets as i64,
            peak_count: peak.into(),
            arrival_counts: counts(arrivals),
            open_counts: counts(open),
        })
    };
    pb::SimulatedTeam { team, actual: load(actual), simulated: load(simulated), capacity }
}

fn summary(summary: Summary) -> pb::SimulationSummary {
    let rule = |RuleCount { rule, matched, errors, error }| pb::SimulatedRule {
        rule,
        matched_count: matched as i64,
        error_count: errors as i64,
        error,
    };
    let buckets = summary.buckets;
    pb::SimulationSummary {
        configuration_revision: summary.configuration_revision,
        ticket_count: summary.tickets as i64,
        differing_count: summary.differing as i64,
        start_time: buckets.map(|buckets| timestamp(buckets.start)),
        interval_duration: buckets.and_then(|buckets| prost_types::Duration::try_from(buckets.interval).ok()),
        bucket_count: buckets.map_or(0, |buckets| buckets.count as i32),
        rules: summary.rules.into_iter().map(rule).collect(),
        unmatched_count: summary.unmatched as i64,
        queues: summary
            .queues
            .into_iter()
            .map(|(queue, pair)| pb::SimulatedQueue {
                queue,
                actual_count: pair.actual as i64,
                simulated_count: pair.simulated as i64,
            })
            .collect(),
        solved_count: summary.solved as i64,
        actual_right_count: summary.right.actual as i64,
        simulated_right_count: summary.right.simulated as i64,
    }
}
