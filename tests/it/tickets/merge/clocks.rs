//! What is promised about a merged ticket: nothing more, until it comes back.

use std::time::Duration;

use ticketing::sla;
use ticketing_proto::v1::{
    self as pb,
    ClockState::{Breaching, Cancelled, Paused, Running},
    sla_service_client::SlaServiceClient,
};

use super::{asked, merge, unmerge};
use crate::{
    routing::adjust,
    support::Desk,
    tickets::{read, tickets},
};

const HOUR: Duration = Duration::from_hours(1);

async fn promise(desk: &Desk, earliest: bool) {
    let policies = "[{key: gold, clocks: [{clock: FIRST_RESPONSE, target_duration: 2h}, \
                    {clock: FIRST_RESOLUTION, target_duration: 10h, pause_in: [WAITING_ON_CUSTOMER]}]}]";
    let policies: Vec<_> = serde_saphyr::from_str(policies).expect("policies");
    adjust(desk, |document| {
        document.sla_policies = policies;
        document.lifecycle.merge_keeps_earliest_start = earliest;
    })
    .await;
}

async fn clocks(desk: &Desk, ticket: &str) -> Vec<pb::Clock> {
    let request = pb::ListTicketClocksRequest { parent: ticket.to_owned(), ..Default::default() };
    let mut sla = SlaServiceClient::new(desk.agent("anna"));
    sla.list_ticket_clocks(request).await.expect("listed").into_inner().clocks
}

fn states(clocks: &[pb::Clock]) -> Vec<pb::ClockState> {
    clocks.iter().map(pb::Clock::state).collect()
}

#[tokio::test]
async fn the_clocks_of_what_is_merged_are_told_of_no_more_and_run_on_when_it_comes_back() {
    let desk = Desk::open().await;
    promise(&desk, false).await;
    let [a, b] = [asked(&desk, "peter", "A").await, asked(&desk, "peter", "B").await];
    desk.advance(HOUR);
    merge(&desk, &b, &[&a]).await;
    assert_eq!(states(&clocks(&desk, &a.name).await), [Cancelled, Cancelled]);
    desk.advance(5 * HOUR);
    while sla::fire::run_once(&desk.app, 500).await.expect("a tick").done > 0 {}
    let breaches = "select ticket_id::text from events where type = 'sla.breached'";
    let told: Vec<String> = sqlx::query_scalar(breaches).fetch_all(desk.root()).await.expect("events");
    let id: ticketing::ids::Id = b.name.rsplit('/').next().expect("an id").parse().expect("an id");
    assert_eq!(told, [id.0.to_string()], "of the survivor alone");

    unmerge(&desk, &a.name).await.expect("back");
    let [response, resolution] = &clocks(&desk, &a.name).await[..] else { panic!("two clocks") };
    assert_eq!((response.state(), resolution.state()), (Running, Running));
    let left = |clock: &pb::Clock| clock.business_remaining_duration.expect("it runs").seconds;
    assert_eq!((left(response), left(resolution)), (3600, 9 * 3600), "the five hours count for nobody");
    desk.advance(2 * HOUR);
    assert_eq!(states(&clocks(&desk, &a.name).await), [Breaching, Running]);
    // What stood still when it was merged stands still when it comes back.
    let hold = pb::HoldTicketRequest {
        name: a.name.clone(),
        kind: pb::HoldKind::Customer.into(),
        ..Default::default()
    };
    tickets(desk.agent("anna")).hold_ticket(hold).await.expect("held");
    merge(&desk, &b, &[&a]).await;
    desk.advance(HOUR);
    unmerge(&desk, &a.name).await.expect("back");
    assert_eq!(read(&desk, &a.name).await.state(), pb::TicketState::WaitingOnCustomer);
    assert_eq!(states(&clocks(&desk, &a.name).await), [Breaching, Paused]);
    desk.finish().await;
}

#[tokio::test]
async fn where_the_tenant_says_so_the_survivor_s_clocks_begin_as_early_as_the_other_s() {
    let desk = Desk::open().await;
    promise(&desk, true).await;
    let a = asked(&desk, "peter", "A").await;
    desk.advance(HOUR / 2);
    let b = asked(&desk, "peter", "B").await;
    desk.advance(HOUR);
    let c = asked(&desk, "peter", "C").await;
    let left = async |ticket: &pb::Ticket| -> Vec<i64> {
        let left = |clock: &pb::Clock| clock.business_remaining_duration.expect("it runs").seconds / 60;
        clocks(&desk, &ticket.name).await.iter().map(left).collect()
    };
    assert_eq!(left(&c).await, [120, 600]);
    merge(&desk, &c, &[&b]).await;
    assert_eq!(left(&c).await, [60, 540]);
    merge(&desk, &c, &[&a]).await;
    assert_eq!(left(&c).await, [30, 510]);
    // Whoever leaves takes its start along; the other's stays.
    unmerge(&desk, &a.name).await.expect("back");
    assert_eq!((left(&c).await, left(&a).await), (vec![60, 540], vec![30, 510]));
    merge(&desk, &c, &[&a]).await;
    unmerge(&desk, &b.name).await.expect("back");
    assert_eq!(left(&c).await, [30, 510]);
    unmerge(&desk, &a.name).await.expect("back");
    assert_eq!(left(&c).await, [120, 600]);
    // What is late by the earlier start is told as late.
    desk.advance(HOUR * 3 / 2);
    merge(&desk, &c, &[&a]).await;
    while sla::fire::run_once(&desk.app, 500).await.expect("a tick").done > 0 {}
    assert_eq!(states(&clocks(&desk, &c.name).await)[0], Breaching);
    desk.finish().await;
}
