//! Comments over real gRPC: what they move, who reads them, and how they are taken back.

mod again;
mod moves;
mod readers;
mod redact;

use ticketing_proto::v1::{
    self as pb, comment_service_client::CommentServiceClient, create_comment_request::Then,
};

use crate::support::{Client, Desk};

type Comments = CommentServiceClient<Client>;

pub fn comments(client: Client) -> Comments {
    CommentServiceClient::new(client)
}

/// A request to say this on the ticket; visible by the rule.
fn saying(name: &str, text: &str) -> pb::CreateCommentRequest {
    let comment = pb::Comment { text: text.to_owned(), ..Default::default() };
    pb::CreateCommentRequest { parent: name.to_owned(), comment: Some(comment), ..Default::default() }
}

fn publicly(mut request: pb::CreateCommentRequest) -> pb::CreateCommentRequest {
    request.comment.as_mut().expect("a comment").visibility = pb::CommentVisibility::Public.into();
    request
}

fn then(request: pb::CreateCommentRequest, then: Then) -> pb::CreateCommentRequest {
    pb::CreateCommentRequest { then: Some(then), ..request }
}

/// The comment and the ticket of an answer.
fn both(said: pb::CreateCommentResponse) -> (pb::Comment, pb::Ticket) {
    (said.comment.expect("a comment"), said.ticket.expect("a ticket"))
}

/// A ticket that peter asks.
async fn asked(desk: &Desk) -> pb::Ticket {
    let requester = format!("{}/contacts/peter", desk.parent());
    crate::tickets::record(desk, pb::Ticket { requester, ..crate::tickets::titled("Drucker druckt nicht") })
        .await
}

/// What happened to the ticket, as its timeline has it.
async fn told(desk: &Desk, client: Client, name: &str) -> Vec<pb::TimelineEntry> {
    let request = pb::ListTimelineRequest { name: name.to_owned(), ..Default::default() };
    assert!(name.starts_with(&desk.parent()));
    crate::tickets::tickets(client).list_timeline(request).await.expect("a page").into_inner().entries
}

fn types(entries: &[pb::TimelineEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.r#type.as_str()).collect()
}
