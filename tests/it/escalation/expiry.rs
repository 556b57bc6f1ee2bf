//! What nobody answers ends by itself, once.

use std::time::Duration;

use ticketing::escalation::expire::run_once;
use ticketing_proto::v1::{self as pb, EscalationState as State};

use super::{annas_ticket, escalate, escalations, events};
use crate::{
    agents::used,
    support::{Desk, reason},
    tickets::{claim, read, record, titled},
};

#[tokio::test]
async fn the_ticket_goes_back_when_the_time_is_over() {
    let desk = Desk::open().await;
    let ticket = annas_ticket(&desk).await;
    let asked = escalate(&desk, "anna", &ticket.name, "applications").await.expect("escalated").into_inner();
    let name = asked.escalation.expect("an escalation").name;
    desk.advance(Duration::from_secs(3 * 86_400 - 1));
    assert_eq!(run_once(&desk.app, 10).await.expect("a tick").done, 0);
    desk.advance(Duration::from_secs(1));
    assert_eq!(run_once(&desk.app, 10).await.expect("a tick").done, 1);
    assert_eq!(run_once(&desk.app, 10).await.expect("a tick").done, 0);
    let back = read(&desk, &ticket.name).await;
    assert_eq!((back.queue.as_str(), back.assignee.as_str()), ("desk-de", "tenants/acme/agents/anna"));
    assert_eq!(
        events(&desk, &ticket).await,
        [
            "created",
            "assigned",
            "escalated",
            "escalation_expired",
            "assigned",
            "sla.breached",
            "sla.breached"
        ],
        "the first response and the answer to the escalation are late as well"
    );
    let mut bea = escalations(desk.agent("bea"));
    let read = bea.get_escalation(pb::GetEscalationRequest { name: name.clone() }).await.expect("read");
    let escalation = read.into_inner().escalation.expect("an escalation");
    assert_eq!(
        (escalation.state(), escalation.settler.expect("the job").kind()),
        (State::Expired, pb::ActorKind::System)
    );
    let late = bea.accept_escalation(pb::AcceptEscalationRequest { name, ..Default::default() }).await;
    assert_eq!(reason(&late), "FailedPrecondition ESCALATION_NOT_PENDING");
    desk.finish().await;
}

#[tokio::test]
async fn of_many_that_go_back_at_once_the_owner_gets_what_fits() {
    let desk = Desk::open().await;
    let first = annas_ticket(&desk).await;
    escalate(&desk, "anna", &first.name, "applications").await.expect("escalated");
    let second = record(&desk, titled("zwei")).await;
    claim(&desk, "anna", &second.name).await.expect("claimed");
    escalate(&desk, "anna", &second.name, "applications").await.expect("escalated");
    let replica = desk.replica().await;
    desk.advance(Duration::from_hours(72));
    let (here, there) = tokio::join!(run_once(&desk.app, 10), run_once(&replica.app, 10));
    let done = here.expect("a tick").done + there.expect("a tick").done;
    let rest = run_once(&desk.app, 10).await.expect("a tick").done;
    assert_eq!(done + rest, 2);
    assert_eq!(used(&desk, "anna").await, 1, "she may own one");
    desk.finish().await;
}
