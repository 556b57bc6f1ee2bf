//! Tickets over real gRPC: the verbs, their refusals, repetitions, batches and timers; and every way to read them.

mod batch_create;
mod filters;
mod links;
pub mod merge;
mod owners;
mod paging;
mod reads;
mod repetition;
mod retention;
mod time_travel;
mod timers;
mod update;
mod verbs;
mod visibility;

use ticketing::{
    ctx::Ctx,
    events::EventType,
    ids::Id,
    tickets::{Change, Ticket, apply_in, lock_in},
};
use ticketing_proto::v1::{self as pb, ticket_service_client::TicketServiceClient};

use crate::support::{Client, Desk};

pub type Tickets = TicketServiceClient<Client>;

pub fn tickets(client: Client) -> Tickets {
    TicketServiceClient::new(client)
}

/// A request that records this ticket.
pub fn recording(desk: &Desk, ticket: pb::Ticket) -> pb::CreateTicketRequest {
    pb::CreateTicketRequest { parent: desk.parent(), ticket: Some(ticket), ..Default::default() }
}

pub fn titled(title: &str) -> pb::Ticket {
    pb::Ticket { title: title.to_owned(), ..Default::default() }
}

/// Records a ticket.
pub async fn record(desk: &Desk, ticket: pb::Ticket) -> pb::Ticket {
    let created = tickets(desk.agent("anna")).create_ticket(recording(desk, ticket)).await.expect("recorded");
    created.into_inner().ticket.expect("a ticket")
}

/// An agent takes a ticket.
pub async fn claim(
    desk: &Desk,
    agent: &str,
    name: &str,
) -> Result<tonic::Response<pb::ClaimTicketResponse>, tonic::Status> {
    let request = pb::ClaimTicketRequest { name: name.to_owned(), ..Default::default() };
    tickets(desk.agent(agent)).claim_ticket(request).await
}

/// The ticket as it is now.
pub async fn read(desk: &Desk, name: &str) -> pb::Ticket {
    let request = pb::GetTicketRequest { name: name.to_owned(), ..Default::default() };
    let read = tickets(desk.agent("anna")).get_ticket(request).await.expect("read");
    read.into_inner().ticket.expect("a ticket")
}

/// A request that resolves the ticket as the first level does.
pub fn resolving(name: &str) -> pb::ResolveTicketRequest {
    let resolution = pb::Resolution {
        code: "fixed".to_owned(),
        summary: "Toner gewechselt".to_owned(),
        ..Default::default()
    };
    pb::ResolveTicketRequest { name: name.to_owned(), resolution: Some(resolution), ..Default::default() }
}

pub async fn resolve(desk: &Desk, name: &str) -> pb::Ticket {
    let resolved = tickets(desk.agent("anna")).resolve_ticket(resolving(name)).await.expect("resolved");
    resolved.into_inner().ticket.expect("a ticket")
}

/// How many events the tenant's tickets have, and how many tickets there are.
async fn events_and_tickets(desk: &Desk) -> (i64, i64) {
    sqlx::query_as(
        "select (select count(*) from events where tenant_id = $1), (select count(*) from tickets where tenant_id = $1)",
    )
    .bind(desk.tenant.as_str())
    .fetch_one(desk.root())
    .await
    .expect("two counts")
}

/// Lets something happen to a ticket, past the rules of the verbs: the reads must hold for whatever has happened.
pub async fn edit(desk: &Desk, name: &str, edit: impl FnOnce(&mut Ticket)) {
    let id: Id = name.rsplit('/').next().expect("a name").parse().expect("an id");
    let ctx = Ctx::system(desk.tenant.clone(), "test", desk.now());
    let mut tx = desk.app.db.begin(&desk.tenant).await.expect("a transaction");
    let ticket = lock_in(&mut tx, &ctx, id).await.expect("the ticket");
    let change = Change::of(ticket).step(&ctx, EventType::TicketUpdated, |ticket, _| edit(ticket));
    apply_in(&mut tx, &desk.app.configurations, vec![change]).await.expect("written");
    tx.commit().await.expect("committed");
}
