//! Who has a ticket: assign, claim, release.

use std::time::Duration;

use ticketing::ctx::{ActorKind, Role};
use ticketing_proto::v1 as pb;

use super::{claim, read, record, tickets, titled};
use crate::{
    agents::employ,
    support::{Desk, facts, fields, reason},
};

fn assigning(desk: &Desk, name: &str, agent: &str) -> pb::AssignTicketRequest {
    pb::AssignTicketRequest {
        name: name.to_owned(),
        assignee: format!("{}/agents/{agent}", desk.parent()),
        ..Default::default()
    }
}

#[tokio::test]
async fn the_first_who_claims_has_it() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 1, &[]).await;
    employ(&desk, "bert", "desk-de", 1, &[]).await;
    employ(&desk, "emma", "desk-en", 9, &[]).await;
    let first = record(&desk, titled("Drucker druckt nicht")).await.name;
    let second = record(&desk, titled("Bildschirm schwarz")).await.name;

    let ticket = claim(&desk, "anna", &first).await.expect("claimed").into_inner().ticket.expect("a ticket");
    assert_eq!(ticket.state(), pb::TicketState::Open);
    assert_eq!((ticket.assignee.as_str(), ticket.queue_time), ("tenants/acme/agents/anna", None));
    assert_eq!(ticket.assign_time.expect("a time").seconds, desk.now().as_second());
    let again = claim(&desk, "anna", &first).await.expect("hers already").into_inner().ticket;
    assert_eq!(again.expect("a ticket").etag, ticket.etag);

    let refused = claim(&desk, "bert", &first).await;
    assert_eq!(reason(&refused), "FailedPrecondition TICKET_ALREADY_ASSIGNED");
    assert_eq!(facts(&refused, "assignee"), "anna");
    let refused = claim(&desk, "anna", &second).await;
    assert_eq!(reason(&refused), "FailedPrecondition AGENT_AT_CAPACITY");
    assert_eq!((facts(&refused, "used"), facts(&refused, "capacity")), ("1".into(), "1".into()));
    assert_eq!(reason(&claim(&desk, "emma", &second).await), "FailedPrecondition AGENT_NOT_IN_TEAM");
    assert_eq!(reason(&claim(&desk, "nobody", &second).await), "FailedPrecondition AGENT_NOT_IN_TEAM");
    let service = desk.caller(ActorKind::Service, "anna", &[Role::Service]);
    let request = pb::ClaimTicketRequest { name: second, ..Default::default() };
    let refused = tickets(service).claim_ticket(request).await;
    assert_eq!(reason(&refused), "FailedPrecondition AGENT_NOT_IN_TEAM", "a service is no agent");
    desk.finish().await;
}

#[tokio::test]
async fn a_manager_gives_it_and_may_overfill_on_the_record() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 1, &[]).await;
    employ(&desk, "emma", "desk-en", 9, &[]).await;
    let mut manager = tickets(desk.manager());
    let names = [record(&desk, titled("eins")).await.name, record(&desk, titled("zwei")).await.name];
    manager.assign_ticket(assigning(&desk, &names[0], "anna")).await.expect("assigned");
    let full = manager.assign_ticket(assigning(&desk, &names[1], "anna")).await;
    assert_eq!(reason(&full), "FailedPrecondition AGENT_AT_CAPACITY");
    let elsewhere = manager.assign_ticket(assigning(&desk, &names[1], "emma")).await;
    assert_eq!(reason(&elsewhere), "FailedPrecondition AGENT_NOT_IN_TEAM");
    assert_eq!(fields(&manager.assign_ticket(assigning(&desk, &names[1], "nobody")).await), ["assignee"]);
    let nobody = pb::AssignTicketRequest { assignee: String::new(), ..assigning(&desk, &names[1], "anna") };
    assert_eq!(fields(&manager.assign_ticket(nobody).await), ["assignee"]);

    let by_force = pb::AssignTicketRequest {
        override_capacity: true,
        request_id: "r1".into(),
        ..assigning(&desk, &names[1], "anna")
    };
    let refused = tickets(desk.agent("anna")).assign_ticket(by_force.clone()).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    let done = manager.assign_ticket(by_force.clone()).await.expect("assigned").into_inner();
    let again = manager.assign_ticket(by_force).await.expect("assigned before").into_inner();
    assert_eq!((done.ticket, true), (again.ticket, again.replayed));
    let details: serde_json::Value = sqlx::query_scalar(
        "select details from events where tenant_id = $1 and type = 'ticket.assigned' and details <> '{}'",
    )
    .bind(desk.tenant.as_str())
    .fetch_one(desk.root())
    .await
    .expect("one override");
    assert_eq!(details, serde_json::json!({"override_capacity": true, "used": 1, "capacity": 1}));
    desk.finish().await;
}

#[tokio::test]
async fn a_released_ticket_keeps_its_place_in_time() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 1, &[]).await;
    let ticket = record(&desk, titled("Drucker druckt nicht")).await;
    let waited_since = ticket.queue_time;
    let mut anna = tickets(desk.agent("anna"));
    let release = pb::ReleaseTicketRequest { name: ticket.name.clone(), ..Default::default() };
    let refused = anna.release_ticket(release.clone()).await;
    assert_eq!(reason(&refused), "FailedPrecondition TICKET_STATE_CONFLICT", "nobody has taken it up");

    desk.advance(Duration::from_mins(10));
    claim(&desk, "anna", &ticket.name).await.expect("claimed");
    desk.advance(Duration::from_mins(10));
    let released = anna.release_ticket(release.clone()).await.expect("released").into_inner();
    let released = released.ticket.expect("a ticket");
    assert_eq!((released.state(), released.assignee.as_str()), (pb::TicketState::Open, ""));
    assert_eq!(released.queue_time, waited_since);
    let again = anna.release_ticket(release).await.expect("nobody's already").into_inner().ticket;
    assert_eq!(again.expect("a ticket").etag, released.etag);
    assert_eq!(read(&desk, &ticket.name).await, released);
    desk.finish().await;
}
