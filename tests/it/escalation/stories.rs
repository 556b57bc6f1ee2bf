//! Work goes up and comes back.

use ticketing_proto::v1::{self as pb, EscalationState as State};

use super::{accept, annas_ticket, declining, escalate, escalations, events, handing_back, handing_over};
use crate::{
    agents::{employ, used},
    routing::{pull, push_once},
    support::{Desk, reason},
    tickets::{claim, read, record, titled},
};

const ANNA: &str = "tenants/acme/agents/anna";

#[tokio::test]
async fn it_is_taken_over_solved_above_and_handed_back_to_its_owner() {
    let desk = Desk::open().await;
    let ticket = annas_ticket(&desk).await;
    let asked = escalate(&desk, "anna", &ticket.name, "applications").await.expect("escalated").into_inner();
    let (above, escalation) = (asked.ticket.expect("a ticket"), asked.escalation.expect("an escalation"));
    assert_eq!(
        (above.queue.as_str(), above.level.as_str(), above.assignee.as_str()),
        ("applications", "L2", "")
    );
    assert_eq!((above.first_level.as_str(), above.highest_level.as_str()), ("L1", "L2"));
    assert_eq!(above.pending_escalation, escalation.name);
    assert_eq!((escalation.state(), escalation.mode()), (State::Pending, pb::EscalationMode::Handover));
    let end = |level: &str, team: &str, agent: &str| pb::EscalationEnd {
        level: level.into(),
        team: team.into(),
        queue: team.into(),
        agent: agent.into(),
    };
    assert_eq!(escalation.from, Some(end("L1", "desk-de", ANNA)));
    assert_eq!(escalation.to, Some(end("L2", "applications", "")));
    let after = |time: Option<prost_types::Timestamp>| time.expect("a time").seconds - desk.now().as_second();
    assert_eq!((after(escalation.acceptance_due_time), after(escalation.expire_time)), (3600, 3 * 86_400));
    assert_eq!(used(&desk, "anna").await, 0, "her slot is free");

    let accepted = accept(&desk, "bea", &escalation.name).await.expect("accepted").into_inner();
    let (above, escalation) =
        (accepted.ticket.expect("a ticket"), accepted.escalation.expect("an escalation"));
    assert_eq!((above.assignee.as_str(), above.pending_escalation.as_str()), ("tenants/acme/agents/bea", ""));
    assert_eq!((escalation.state(), escalation.settler.expect("bea").id.as_str()), (State::Accepted, "bea"));

    let request = pb::HandBackTicketRequest { request_id: "b1".into(), ..handing_back(&ticket.name) };
    let mut bea = escalations(desk.agent("bea"));
    let back = bea.hand_back_ticket(request.clone()).await.expect("handed back").into_inner();
    let again = bea.hand_back_ticket(request).await.expect("handed back before").into_inner();
    assert_eq!(again, pb::HandBackTicketResponse { replayed: true, ..back.clone() });
    let (below, escalation) = (back.ticket.expect("a ticket"), back.escalation.expect("an escalation"));
    assert_eq!((below.queue.as_str(), below.assignee.as_str()), ("desk-de", ANNA));
    assert_eq!((below.transfer_count, below.return_count, below.highest_level.as_str()), (2, 1, "L2"));
    assert_eq!(escalation.hand_back_reason(), pb::HandBackReason::SolutionReady);
    assert_eq!(escalation.hand_back_time.expect("a time").seconds, desk.now().as_second());
    assert_eq!(
        events(&desk, &ticket).await,
        ["created", "assigned", "escalated", "escalation_accepted", "assigned", "handed_back", "assigned"]
    );
    desk.finish().await;
}

#[tokio::test]
async fn it_goes_up_two_levels_and_comes_down_step_by_step() {
    let desk = Desk::open().await;
    let name = annas_ticket(&desk).await.name;
    for (from, to, team) in [("anna", "bea", "applications"), ("bea", "eva", "engineering")] {
        let asked = escalate(&desk, from, &name, team).await.expect("escalated").into_inner();
        accept(&desk, to, &asked.escalation.expect("an escalation").name).await.expect("accepted");
    }
    for (from, to, queue) in [("eva", "bea", "applications"), ("bea", "anna", "desk-de")] {
        let mut client = escalations(desk.agent(from));
        let back = client.hand_back_ticket(handing_back(&name)).await.expect("handed back").into_inner();
        let ticket = back.ticket.expect("a ticket");
        assert_eq!((ticket.assignee, ticket.queue.as_str()), (format!("tenants/acme/agents/{to}"), queue));
    }
    let refused = escalations(desk.agent("anna")).hand_back_ticket(handing_back(&name)).await;
    assert_eq!(reason(&refused), "FailedPrecondition NOTHING_TO_HAND_BACK");
    desk.finish().await;
}

#[tokio::test]
async fn a_declined_ticket_is_back_with_its_owner_or_first_in_no_ones_way() {
    let desk = Desk::open().await;
    let ticket = annas_ticket(&desk).await;
    let declined = async || {
        let asked = escalate(&desk, "anna", &ticket.name, "applications").await.expect("escalated");
        let name = asked.into_inner().escalation.expect("an escalation").name;
        let other = record(&desk, titled("inzwischen")).await.name;
        (name, other)
    };
    let (escalation, other) = declined().await;
    let request = pb::DeclineEscalationRequest { request_id: "d1".into(), ..declining(&escalation) };
    let mut bea = escalations(desk.agent("bea"));
    let done = bea.decline_escalation(request.clone()).await.expect("declined").into_inner();
    assert_eq!(done.ticket.clone().expect("a ticket").assignee, ANNA);
    let settled = done.escalation.clone().expect("an escalation");
    assert_eq!(
        (settled.state(), settled.decline_reason()),
        (State::Declined, pb::DeclineReason::InfoMissing)
    );
    assert_eq!(settled.settle_note, "Logdatei fehlt");
    let again = bea.decline_escalation(request).await.expect("declined before").into_inner();
    assert_eq!(again, pb::DeclineEscalationResponse { replayed: true, ..done });

    // The second time anna has something else to do meanwhile, and may own only one.
    let (escalation, _) = declined().await;
    claim(&desk, "anna", &other).await.expect("claimed");
    let done = bea.decline_escalation(declining(&escalation)).await.expect("declined").into_inner();
    let back = done.ticket.expect("a ticket");
    assert_eq!((back.assignee.as_str(), back.queue.as_str()), ("", "desk-de"));
    assert_eq!(used(&desk, "anna").await, 1);
    desk.finish().await;
}

#[tokio::test]
async fn whoever_asked_takes_it_back() {
    let desk = Desk::open().await;
    let ticket = annas_ticket(&desk).await;
    let asked = escalate(&desk, "anna", &ticket.name, "applications").await.expect("escalated").into_inner();
    let request = pb::WithdrawEscalationRequest {
        name: asked.escalation.expect("an escalation").name,
        request_id: "w1".into(),
        note: "doch selbst gefunden".into(),
        ..Default::default()
    };
    let refused = escalations(desk.agent("bea")).withdraw_escalation(request.clone()).await;
    assert_eq!(reason(&refused), "FailedPrecondition AGENT_NOT_IN_TEAM");
    let mut anna = escalations(desk.agent("anna"));
    let done = anna.withdraw_escalation(request.clone()).await.expect("withdrawn").into_inner();
    assert_eq!(done.ticket.clone().expect("a ticket").assignee, ANNA);
    assert_eq!(done.escalation.clone().expect("an escalation").state(), State::Withdrawn);
    let again = anna.withdraw_escalation(request).await.expect("withdrawn before").into_inner();
    assert_eq!(again, pb::WithdrawEscalationResponse { replayed: true, ..done });
    desk.finish().await;
}

#[tokio::test]
async fn advice_comes_down_while_the_ticket_stays() {
    let desk = Desk::open().await;
    let ticket = annas_ticket(&desk).await;
    let request = pb::EscalateTicketRequest {
        mode: pb::EscalationMode::Consult.into(),
        ..handing_over(&ticket.name, "applications")
    };
    let asked = escalations(desk.agent("anna")).escalate_ticket(request).await.expect("asked").into_inner();
    let (mine, escalation) = (asked.ticket.expect("a ticket"), asked.escalation.expect("an escalation"));
    assert_eq!((mine.assignee.as_str(), mine.queue.as_str()), (ANNA, "desk-de"));
    assert_eq!(mine.pending_escalation, escalation.name);
    let accepted = accept(&desk, "bea", &escalation.name).await.expect("accepted").into_inner();
    let mine = accepted.ticket.expect("a ticket");
    assert_eq!((mine.assignee.as_str(), mine.pending_escalation.as_str()), (ANNA, ""));
    let mut bea = escalations(desk.agent("bea"));
    let advised = bea.hand_back_ticket(handing_back(&ticket.name)).await.expect("advised").into_inner();
    assert_eq!(advised.ticket.expect("a ticket").assignee, ANNA);
    assert!(advised.escalation.expect("an escalation").hand_back_time.is_some());
    assert_eq!(
        events(&desk, &ticket).await,
        ["created", "assigned", "escalated", "escalation_accepted", "handed_back"]
    );
    desk.finish().await;
}

#[tokio::test]
async fn whoever_takes_the_ticket_up_has_accepted() {
    let desk = Desk::open().await;
    let ticket = annas_ticket(&desk).await;
    let asked = async |team| {
        let asked = escalate(&desk, "anna", &ticket.name, team).await.expect("escalated").into_inner();
        asked.escalation.expect("an escalation").name
    };
    let state = async |name: String| {
        let read = escalations(desk.agent("anna")).get_escalation(pb::GetEscalationRequest { name }).await;
        let escalation = read.expect("read").into_inner().escalation.expect("an escalation");
        (escalation.state(), escalation.to.expect("an end").agent)
    };
    let back = async |agent| {
        let mut client = escalations(desk.agent(agent));
        client.hand_back_ticket(handing_back(&ticket.name)).await.expect("handed back");
    };
    let bea = || "tenants/acme/agents/bea".to_owned();
    let name = asked("applications").await;
    claim(&desk, "bea", &ticket.name).await.expect("claimed");
    assert_eq!(state(name).await, (State::Accepted, bea()));
    back("bea").await;
    let name = asked("applications").await;
    pull(&desk, "bea", "applications").await.expect("pulled").into_inner().ticket.expect("a ticket");
    assert_eq!(state(name).await, (State::Accepted, bea()));
    back("bea").await;
    // Sideways, into a queue that is pushed.
    employ(&desk, "emma", "desk-en", 1, &["english"]).await;
    let name = asked("desk-en").await;
    assert_eq!(push_once(&desk).await, 1);
    assert_eq!(state(name).await, (State::Accepted, "tenants/acme/agents/emma".to_owned()));
    assert_eq!(read(&desk, &ticket.name).await.pending_escalation, "");
    back("emma").await;
    desk.finish().await;
}
