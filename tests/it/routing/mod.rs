//! Where tickets go and who gets them, over real gRPC.

mod bulk;
mod decisions;
mod load;
mod moves;
mod offers;
mod overflow;
mod push;
mod queue;
mod race;
mod simulate;
mod storm;

use ticketing::configuration::Document;
use ticketing_proto::v1::{self as pb, routing_service_client::RoutingServiceClient};
use tonic::{Response, Status};

use crate::support::{Client, Desk, sample};

pub fn routing(client: Client) -> RoutingServiceClient<Client> {
    RoutingServiceClient::new(client)
}

/// An agent takes the next ticket of a queue.
pub async fn pull(
    desk: &Desk,
    agent: &str,
    queue: &str,
) -> Result<Response<pb::PullNextTicketResponse>, Status> {
    let queue = format!("{}/queues/{queue}", desk.parent());
    let request = pb::PullNextTicketRequest { queue, ..Default::default() };
    routing(desk.agent(agent)).pull_next_ticket(request).await
}

/// The titles of the tickets that wait in a queue, in the order of service.
pub async fn waiting(desk: &Desk, queue: &str) -> Vec<String> {
    let queue = format!("{}/queues/{queue}", desk.parent());
    let request = pb::ListQueueTicketsRequest { queue, ..Default::default() };
    let page = routing(desk.agent("anna")).list_queue_tickets(request).await.expect("a page").into_inner();
    page.tickets.into_iter().map(|ticket| ticket.title).collect()
}

/// Puts the sample configuration in force, changed.
pub async fn adjust(desk: &Desk, change: impl FnOnce(&mut Document)) {
    let mut document = sample();
    change(&mut document);
    desk.configure(&document).await;
}

/// One tick of the dispatching job; of how many tickets it decided something.
pub async fn push_once(desk: &Desk) -> usize {
    ticketing::routing::dispatch::run_once(&desk.app, 100).await.expect("a tick").done
}
