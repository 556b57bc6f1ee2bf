//! Searching over real gRPC: what is found by which words, by whom, and what is not found any more. Each story is told twice:
//! before the job has been there, and after.

mod gone;
mod pages;
mod rights;
mod words;

use ticketing::{events::sequencer, tickets::index};
use ticketing_proto::v1 as pb;

use crate::{
    support::{Client, Desk},
    tickets::{record, tickets},
};

/// The index knows all that was written.
async fn indexed(desk: &Desk) {
    while sequencer::run_once(&desk.app, 1000).await.expect("a pass").done > 0 {}
    loop {
        let report = index::run_once(&desk.app, 200).await.expect("a tick");
        if report.done == 0 && !report.full {
            break;
        }
    }
}

fn asking(desk: &Desk, query: &str) -> pb::SearchTicketsRequest {
    pb::SearchTicketsRequest { parent: desk.parent(), query: query.to_owned(), ..Default::default() }
}

async fn results(desk: &Desk, client: Client, query: &str) -> Vec<pb::FoundTicket> {
    let found = tickets(client).search_tickets(asking(desk, query)).await.expect("a page").into_inner();
    assert!(!found.behind, "little was written");
    found.results
}

/// The titles of what is found, the best first.
async fn found(desk: &Desk, client: Client, query: &str) -> Vec<String> {
    let found = results(desk, client, query).await.into_iter();
    found.map(|it| it.ticket.expect("a ticket").title).collect()
}

async fn finds(desk: &Desk, query: &str) -> Vec<String> {
    found(desk, desk.agent("anna"), query).await
}

/// What stands out in a snippet.
fn marked(snippet: &pb::Snippet) -> Vec<String> {
    let letters: Vec<char> = snippet.text.chars().collect();
    let marked = snippet.marks.iter().map(|it| letters[it.begin as usize..it.end as usize].iter().collect());
    marked.collect()
}

/// A ticket that peter asks.
async fn peters(desk: &Desk, title: &str) -> pb::Ticket {
    let requester = format!("{}/contacts/peter", desk.parent());
    record(desk, pb::Ticket { title: title.into(), requester, ..Default::default() }).await
}

async fn say(desk: &Desk, ticket: &pb::Ticket, text: &str, visibility: pb::CommentVisibility) -> pb::Comment {
    let comment = pb::Comment { text: text.into(), visibility: visibility.into(), ..Default::default() };
    let request = pb::CreateCommentRequest {
        parent: ticket.name.clone(),
        comment: Some(comment),
        ..Default::default()
    };
    let said = crate::comments::comments(desk.agent("anna")).create_comment(request).await.expect("said");
    said.into_inner().comment.expect("a comment")
}
