//! Tickets move to newer promises only when they are told to.

use std::time::Duration;

use ticketing::configuration::SlaPolicy;
use ticketing_proto::v1 as pb;

use super::{keeper, seconds};
use crate::{
    routing::adjust,
    support::{Desk, reason},
    tickets::{read, record, resolving, tickets, titled},
};

const HOUR: Duration = Duration::from_hours(1);

async fn promise(desk: &Desk, target: &str) {
    let policies = format!(
        "[{{key: gold, clocks: [{{clock: FIRST_RESPONSE, target_duration: 1h}}, \
         {{clock: FIRST_RESOLUTION, target_duration: {target}}}]}}]"
    );
    let policies: Vec<SlaPolicy> = serde_saphyr::from_str(&policies).expect("policies");
    adjust(desk, |document| document.sla_policies = policies).await;
}

#[tokio::test]
async fn a_dry_run_says_what_the_real_one_does() {
    let desk = Desk::open().await;
    promise(&desk, "10h").await;
    let (open, done) = (record(&desk, titled("open")).await, record(&desk, titled("done")).await);
    tickets(desk.agent("anna")).resolve_ticket(resolving(&done.name)).await.expect("resolved");
    desk.advance(HOUR * 3);
    promise(&desk, "2h").await;
    assert_eq!(read(&desk, &open.name).await.sla_revision, open.sla_revision, "a promise is a promise");
    let request =
        pb::MigrateClocksRequest { parent: desk.parent(), validate_only: true, ..Default::default() };
    let thought = keeper(&desk).migrate_clocks(request.clone()).await.expect("thought").into_inner();
    assert_eq!(read(&desk, &open.name).await.etag, open.etag, "nothing was written");
    let request = pb::MigrateClocksRequest { validate_only: false, request_id: "m1".into(), ..request };
    let moved = keeper(&desk).migrate_clocks(request.clone()).await.expect("moved").into_inner();
    assert_eq!(moved, thought);
    let [ticket] = &moved.tickets[..] else { panic!("{:?}", moved.tickets) };
    assert_eq!((ticket.ticket.as_str(), ticket.from_revision), (open.name.as_str(), open.sla_revision));
    let resolution =
        ticket.clocks.iter().find(|it| it.kind() == pb::ClockKind::FirstResolution).expect("a clock");
    assert_eq!(resolution.old_business_target_duration, seconds(10 * 3600));
    assert_eq!(resolution.new_business_target_duration, seconds(2 * 3600));
    assert!(resolution.breached_on_apply, "three hours are over");
    assert!(resolution.old_due_time.is_some() && resolution.new_due_time.is_some());
    let again = keeper(&desk).migrate_clocks(request).await.expect("known").into_inner();
    assert_eq!(again, pb::MigrateClocksResponse { replayed: true, ..moved });
    let after = read(&desk, &open.name).await;
    assert_eq!(after.sla_revision, again.configuration_revision);
    let nothing = pb::MigrateClocksRequest { parent: desk.parent(), ..Default::default() };
    let nothing = keeper(&desk).migrate_clocks(nothing).await.expect("nothing").into_inner();
    assert_eq!(nothing.tickets, []);
    let breaches: i64 = sqlx::query_scalar(
        "select count(*) from events where type = 'sla.breached' and details ->> 'clock_kind' = 'FIRST_RESOLUTION'",
    )
    .fetch_one(desk.root())
    .await
    .expect("a count");
    assert_eq!(breaches, 0, "born late is nobody's breach");
    desk.finish().await;
}

#[tokio::test]
async fn who_was_promised_nothing_gets_clocks_page_by_page() {
    let desk = Desk::open().await;
    adjust(&desk, |document| document.sla_policies.clear()).await;
    for number in 0..5 {
        assert_eq!(record(&desk, titled(&number.to_string())).await.sla_revision, 0);
    }
    promise(&desk, "10h").await;
    let (mut moved, mut page_token) = (0, String::new());
    loop {
        let request = pb::MigrateClocksRequest {
            parent: desk.parent(),
            page_size: 2,
            page_token,
            ..Default::default()
        };
        let page = keeper(&desk).migrate_clocks(request).await.expect("moved").into_inner();
        moved += page.tickets.len();
        assert!(page.tickets.iter().all(|ticket| ticket.clocks.len() == 2), "{:?}", page.tickets);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(moved, 5);
    let agent = ticketing_proto::v1::sla_service_client::SlaServiceClient::new(desk.agent("anna"))
        .migrate_clocks(pb::MigrateClocksRequest { parent: desk.parent(), ..Default::default() })
        .await;
    assert_eq!(reason(&agent), "PermissionDenied PERMISSION_MISSING");
    desk.finish().await;
}
