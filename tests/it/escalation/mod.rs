//! Escalations over real gRPC: whole stories, every refusal, and what happens when nobody answers.

mod expiry;
mod lists;
mod race;
mod refusals;
mod stories;

use ticketing_proto::v1::{
    self as pb, escalate_ticket_request::Target, escalation_service_client::EscalationServiceClient,
};
use tonic::{Response, Status};

use crate::{
    agents::employ,
    support::{Client, Desk},
    tickets::{claim, record, titled},
};

pub fn escalations(client: Client) -> EscalationServiceClient<Client> {
    EscalationServiceClient::new(client)
}

/// A request that hands a ticket over to a team.
pub fn handing_over(ticket: &str, team: &str) -> pb::EscalateTicketRequest {
    pb::EscalateTicketRequest {
        name: ticket.to_owned(),
        target: Some(Target::Team(team.to_owned())),
        escalation_reason: pb::EscalationReason::Complexity.into(),
        justification: "zu schwer".to_owned(),
        ..Default::default()
    }
}

pub async fn escalate(
    desk: &Desk,
    agent: &str,
    ticket: &str,
    team: &str,
) -> Result<Response<pb::EscalateTicketResponse>, Status> {
    escalations(desk.agent(agent)).escalate_ticket(handing_over(ticket, team)).await
}

pub async fn accept(
    desk: &Desk,
    agent: &str,
    escalation: &str,
) -> Result<Response<pb::AcceptEscalationResponse>, Status> {
    let request = pb::AcceptEscalationRequest { name: escalation.to_owned(), ..Default::default() };
    escalations(desk.agent(agent)).accept_escalation(request).await
}

fn declining(escalation: &str) -> pb::DeclineEscalationRequest {
    pb::DeclineEscalationRequest {
        name: escalation.to_owned(),
        decline_reason: pb::DeclineReason::InfoMissing.into(),
        note: "Logdatei fehlt".to_owned(),
        ..Default::default()
    }
}

fn handing_back(ticket: &str) -> pb::HandBackTicketRequest {
    pb::HandBackTicketRequest {
        name: ticket.to_owned(),
        hand_back_reason: pb::HandBackReason::SolutionReady.into(),
        note: "Neustart hilft".to_owned(),
        ..Default::default()
    }
}

/// Anna of the desk owns a ticket; bea of the applications and eva of engineering are there.
async fn annas_ticket(desk: &Desk) -> pb::Ticket {
    employ(desk, "anna", "desk-de", 1, &["german"]).await;
    employ(desk, "bea", "applications", 2, &[]).await;
    employ(desk, "eva", "engineering", 2, &[]).await;
    let ticket = record(desk, titled("Rechnung rechnet falsch")).await;
    let claimed = claim(desk, "anna", &ticket.name).await.expect("claimed").into_inner();
    claimed.ticket.expect("a ticket")
}

/// The types of a ticket's events, in their order, without `ticket.`.
async fn events(desk: &Desk, ticket: &pb::Ticket) -> Vec<String> {
    let types: Vec<String> = sqlx::query_scalar(
        "select e.type from events e join tickets t on t.tenant_id = e.tenant_id and t.id = e.ticket_id
         where t.tenant_id = $1 and t.number = $2 order by e.version",
    )
    .bind(desk.tenant.as_str())
    .bind(ticket.number)
    .fetch_all(desk.root())
    .await
    .expect("a log");
    types.into_iter().map(|kind| kind.replace("ticket.", "")).collect()
}
