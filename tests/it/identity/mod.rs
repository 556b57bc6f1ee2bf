//! Who calls, proved to a server that keeps strangers out: by tokens of a small issuer of our own, which can also lie, and by
//! client certificates.

mod certificates;
mod forged;
mod issuer;
mod keys;
mod tokens;

use std::sync::Arc;

use ticketing::{
    identity::{Document, Identity, follow},
    serve::{Health, Server, Settings, Tls},
};
use ticketing_proto::v1::{
    self as pb, system_service_client::SystemServiceClient, ticket_service_client::TicketServiceClient,
};
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint},
};

use crate::{
    cli::run,
    support::{Desk, reason},
};

/// A server beside the desk's own one, that lets in whom this document names; answers where it is.
async fn guard(desk: &Desk, document: &str, tls: Option<Tls>) -> String {
    let identity = Arc::new(Identity::new(Document::parse(document).expect("a document")).expect("issuers"));
    desk.app.tasks.spawn(follow(Arc::clone(&identity), desk.app.drain.clone()));
    let (settings, contract) = (Settings::default(), ticketing_proto::DESCRIPTOR);
    let health = Health::of(contract).await.expect("a contract");
    let server = Server::new(&settings, contract, desk.app.routes(), identity, &health, &desk.app.metrics)
        .expect("a server");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    desk.app.tasks.spawn(server.run(listener, tls, desk.app.drain.clone()));
    address
}

async fn channel(address: &str) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    endpoint.connect().await.expect("it takes connections")
}

fn bearing<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse().expect("a token is ASCII");
    request.metadata_mut().insert("authorization", value);
    request
}

/// Who the server takes the bearer for.
async fn session(channel: &Channel, token: &str) -> Result<Response<pb::GetSessionResponse>, Status> {
    let request = bearing(pb::GetSessionRequest {}, token);
    SystemServiceClient::new(channel.clone()).get_session(request).await
}
