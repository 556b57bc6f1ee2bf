//! Tickets that go on in others: what each side is shown, what is said where, what ends and what comes back.

mod clocks;
mod refusals;
mod storm;
mod unmerge;

use ticketing_proto::v1::{
    self as pb, attachment_service_client::AttachmentServiceClient,
    comment_service_client::CommentServiceClient, customer_service_client::CustomerServiceClient,
    escalation_service_client::EscalationServiceClient, event_service_client::EventServiceClient,
    list_events_request::Start,
};
use tonic::{Response, Status};

use super::{read, record, resolve, tickets, titled};
use crate::support::{Client, Desk, reason};

/// A ticket that somebody asks.
pub async fn asked(desk: &Desk, requester: &str, title: &str) -> pb::Ticket {
    let requester = format!("{}/contacts/{requester}", desk.parent());
    record(desk, pb::Ticket { requester, ..titled(title) }).await
}

/// One that is not there. An id's last character holds fewer bits than the others.
pub fn nobody(like: &pb::Ticket) -> pb::Ticket {
    let (before, after) = like.name.split_at(like.name.len() - 2);
    let changed = if after.starts_with('9') { "8" } else { "9" };
    pb::Ticket { name: format!("{before}{changed}{}", &after[1..]), ..like.clone() }
}

pub fn merging(survivor: &str, merged: &[&pb::Ticket]) -> pb::MergeTicketsRequest {
    let named = |ticket: &&pb::Ticket| pb::MergedTicket { name: ticket.name.clone(), ..Default::default() };
    pb::MergeTicketsRequest {
        name: survivor.to_owned(),
        tickets: merged.iter().map(named).collect(),
        ..Default::default()
    }
}

pub async fn merge(desk: &Desk, survivor: &pb::Ticket, merged: &[&pb::Ticket]) -> pb::Ticket {
    let done = tickets(desk.agent("anna")).merge_tickets(merging(&survivor.name, merged)).await;
    done.expect("merged").into_inner().ticket.expect("the survivor")
}

pub async fn unmerge(desk: &Desk, name: &str) -> Result<Response<pb::UnmergeTicketResponse>, Status> {
    let request = pb::UnmergeTicketRequest { name: name.to_owned(), ..Default::default() };
    tickets(desk.agent("anna")).unmerge_ticket(request).await
}

pub async fn say(
    client: Client,
    name: &str,
    text: &str,
) -> Result<Response<pb::CreateCommentResponse>, Status> {
    let comment = pb::Comment {
        text: text.to_owned(),
        visibility: pb::CommentVisibility::Public.into(),
        ..Default::default()
    };
    let request =
        pb::CreateCommentRequest { parent: name.to_owned(), comment: Some(comment), ..Default::default() };
    CommentServiceClient::new(client).create_comment(request).await
}

/// What is said there, page after page, with the ticket on which it was said.
pub async fn said(client: Client, name: &str, page_size: i32) -> Vec<(String, String)> {
    let mut comments = CommentServiceClient::new(client);
    let mut said = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListCommentsRequest { parent: name.to_owned(), page_size, page_token };
        let page = comments.list_comments(request).await.expect("a page").into_inner();
        let on = |name: &str| name.split("/comments/").next().expect("a ticket").to_owned();
        said.extend(page.comments.into_iter().map(|comment| (on(&comment.name), comment.text)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return said;
        }
    }
}

fn texts(said: &[(String, String)]) -> Vec<&str> {
    said.iter().map(|(_, text)| text.as_str()).collect()
}

async fn timeline(client: Client, name: &str) -> Vec<pb::TimelineEntry> {
    let request = pb::ListTimelineRequest { name: name.to_owned(), ..Default::default() };
    tickets(client).list_timeline(request).await.expect("a page").into_inner().entries
}

#[tokio::test]
async fn the_survivor_shows_what_was_said_on_either_and_nothing_moves() {
    let desk = Desk::open().await;
    let first = asked(&desk, "peter", "Drucker").await;
    let second = asked(&desk, "peter", "Drucker, noch einmal").await;
    for (ticket, text) in [(&first, "eins"), (&second, "zwei"), (&first, "drei"), (&second, "vier")] {
        desk.advance(std::time::Duration::from_secs(1));
        say(desk.customer("peter"), &ticket.name, text).await.expect("said");
    }
    let survivor = merge(&desk, &first, &[&second]).await;
    assert_eq!((survivor.state(), survivor.merged_into.as_str()), (pb::TicketState::New, ""));

    let expected: Vec<(String, String)> =
        [(&first, "eins"), (&second, "zwei"), (&first, "drei"), (&second, "vier")]
            .map(|(ticket, text)| (ticket.name.clone(), text.to_owned()))
            .into();
    for size in [1, 3, 50] {
        assert_eq!(said(desk.agent("anna"), &first.name, size).await, expected, "pages of {size}");
        assert_eq!(said(desk.customer("peter"), &first.name, size).await, expected);
    }
    assert_eq!(texts(&said(desk.agent("anna"), &second.name, 50).await), ["zwei", "vier"], "its own");

    // The merged id resolves, by number, too, and says where it goes on.
    for name in [second.name.clone(), format!("{}/tickets/{}", desk.parent(), second.number)] {
        for client in [desk.agent("anna"), desk.customer("peter")] {
            let request = pb::GetTicketRequest { name: name.clone(), ..Default::default() };
            let merged = tickets(client).get_ticket(request).await.expect("read").into_inner().ticket;
            let merged = merged.expect("a ticket");
            assert_eq!((merged.state(), merged.merged_into), (pb::TicketState::Merged, first.name.clone()));
        }
    }

    let told = timeline(desk.agent("anna"), &first.name).await;
    let of = |ticket: &pb::Ticket| -> Vec<&str> {
        told.iter().filter(|entry| entry.ticket == ticket.name).map(|entry| entry.r#type.as_str()).collect()
    };
    let whole = ["ticket.created", "ticket.commented", "ticket.commented", "ticket.merged"];
    assert_eq!((of(&first), of(&second)), (whole.to_vec(), whole.to_vec()));
    let ties: Vec<_> = told.iter().filter_map(|entry| entry.tie.clone()).collect();
    let tie = |relation: pb::TicketRelation, other: &pb::Ticket| pb::TicketTie {
        relation: relation.into(),
        tickets: vec![other.name.clone()],
    };
    for expected in
        [tie(pb::TicketRelation::MergedFrom, &second), tie(pb::TicketRelation::MergedInto, &first)]
    {
        assert!(ties.contains(&expected), "{ties:?}");
    }
    // The customer reads of it, and of nobody's work.
    let shown = timeline(desk.customer("peter"), &first.name).await;
    let merged = shown.iter().find(|entry| entry.r#type == "ticket.merged").expect("told");
    let fields: Vec<&str> = merged.changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(
        (fields, merged.ticket.as_str()),
        (vec!["close_time", "merged_into", "state"], second.name.as_str())
    );
    desk.finish().await;
}

#[tokio::test]
async fn what_is_said_on_a_merged_ticket_is_said_where_it_goes_on() {
    let desk = Desk::open().await;
    let [a, b, c] = [
        asked(&desk, "peter", "A").await,
        asked(&desk, "peter", "B").await,
        asked(&desk, "peter", "C").await,
    ];
    merge(&desk, &b, &[&a]).await;
    merge(&desk, &c, &[&b]).await;
    let comment = pb::Comment { text: "und jetzt?".into(), ..Default::default() };
    let request = pb::CreateCommentRequest {
        parent: a.name.clone(),
        comment: Some(comment),
        request_id: "once".into(),
        ..Default::default()
    };
    let mut peter = CommentServiceClient::new(desk.customer("peter"));
    let done = peter.create_comment(request.clone()).await.expect("said").into_inner();
    let comment = done.comment.expect("a comment");
    assert!(comment.name.starts_with(&c.name), "{} is not on the last", comment.name);
    assert_eq!(done.ticket.expect("a ticket").name, c.name);
    let again = peter.create_comment(request).await.expect("said").into_inner();
    assert_eq!((again.replayed, again.comment.map(|it| it.name)), (true, Some(comment.name)));
    // An agent's words too, and what they do with the ticket.
    let hold = pb::HoldThen { kind: pb::HoldKind::Customer.into(), until_time: None };
    let words = pb::CreateCommentRequest {
        parent: b.name.clone(),
        comment: Some(pb::Comment { text: "bitte warten".into(), ..Default::default() }),
        then: Some(pb::create_comment_request::Then::Hold(hold)),
        ..Default::default()
    };
    CommentServiceClient::new(desk.agent("anna")).create_comment(words).await.expect("said");
    assert_eq!(read(&desk, &c.name).await.state(), pb::TicketState::WaitingOnCustomer);
    say(desk.customer("peter"), &a.name, "danke").await.expect("said");
    assert_eq!(read(&desk, &c.name).await.state(), pb::TicketState::Open, "the answer takes it up again");
    assert_eq!(texts(&said(desk.agent("anna"), &c.name, 50).await), ["und jetzt?", "bitte warten", "danke"]);
    // The etag is that of the ticket that is named.
    let stale = pb::CreateCommentRequest {
        parent: a.name.clone(),
        etag: a.etag.clone(),
        comment: Some(pb::Comment { text: "alt".into(), ..Default::default() }),
        ..Default::default()
    };
    assert_eq!(reason(&peter.create_comment(stale).await), "Aborted ETAG_MISMATCH");
    // What has ended is continued.
    resolve(&desk, &c.name).await;
    let close = pb::CloseTicketRequest { name: c.name.clone(), ..Default::default() };
    tickets(desk.agent("anna")).close_ticket(close).await.expect("closed");
    let further = say(desk.customer("peter"), &a.name, "doch nicht").await.expect("said").into_inner().ticket;
    assert_eq!(further.expect("a follow-up").follow_up_of, c.name);
    desk.finish().await;
}

#[tokio::test]
async fn nobody_is_shown_by_a_merge_what_is_another_s() {
    let desk = Desk::open().await;
    let [a, b] = [asked(&desk, "peter", "A").await, asked(&desk, "peter", "B").await];
    say(desk.customer("peter"), &a.name, "von Peter").await.expect("said");
    merge(&desk, &b, &[&a]).await;
    // The survivor becomes somebody else's.
    let ticket = pb::Ticket {
        name: b.name.clone(),
        requester: format!("{}/contacts/paula", desk.parent()),
        ..Default::default()
    };
    let update = pb::UpdateTicketRequest { ticket: Some(ticket), ..Default::default() };
    tickets(desk.agent("anna")).update_ticket(update).await.expect("updated");
    assert_eq!(texts(&said(desk.agent("anna"), &b.name, 50).await), ["von Peter"]);
    assert_eq!(said(desk.customer("paula"), &b.name, 50).await, []);
    let shown = timeline(desk.customer("paula"), &b.name).await;
    assert!(shown.iter().all(|entry| entry.ticket == b.name), "{shown:?}");
    // Peter's words go on in a ticket of his own.
    let done = say(desk.customer("peter"), &a.name, "noch etwas").await.expect("said").into_inner();
    let further = done.ticket.expect("a follow-up");
    assert_eq!((&further.follow_up_of, further.requester.ends_with("/peter")), (&a.name, true));
    assert_eq!(reason(&say(desk.customer("peter"), &b.name, "x").await), "NotFound RESOURCE_NOT_FOUND");
    desk.finish().await;
}

#[tokio::test]
async fn what_was_asked_of_others_ends_and_files_are_listed_together() {
    let desk = Desk::open().await;
    let [a, b] = [asked(&desk, "peter", "A").await, asked(&desk, "peter", "B").await];
    let escalate = pb::EscalateTicketRequest {
        name: a.name.clone(),
        target: Some(pb::escalate_ticket_request::Target::Team("applications".into())),
        escalation_reason: pb::EscalationReason::Complexity.into(),
        justification: "zu schwer".into(),
        ..Default::default()
    };
    let mut escalations = EscalationServiceClient::new(desk.agent("anna"));
    escalations.escalate_ticket(escalate).await.expect("escalated");
    let file = |ticket: &pb::Ticket| pb::CreateAttachmentRequest {
        parent: ticket.name.clone(),
        attachment: Some(pb::Attachment {
            file_name: "neu.txt".into(),
            byte_count: 3,
            sha256: vec![0; 32],
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut attachments = AttachmentServiceClient::new(desk.agent("anna"));
    for ticket in [&a, &b] {
        attachments.create_attachment(file(ticket)).await.expect("announced");
    }
    merge(&desk, &b, &[&a]).await;
    let merged = read(&desk, &a.name).await;
    assert_eq!((merged.pending_escalation.as_str(), merged.team.as_str()), ("", "desk-de"));
    let list = pb::ListEscalationsRequest { parent: a.name.clone(), ..Default::default() };
    let ended = escalations.list_escalations(list).await.expect("listed").into_inner().escalations;
    assert_eq!(ended[0].state(), pb::EscalationState::Withdrawn);
    let list = pb::ListAttachmentsRequest { parent: b.name.clone(), ..Default::default() };
    let files = attachments.list_attachments(list).await.expect("listed").into_inner().attachments;
    let on: Vec<&str> =
        files.iter().map(|file| file.name.split("/attachments/").next().expect("a ticket")).collect();
    assert_eq!(on, [a.name.as_str(), b.name.as_str()]);
    assert_eq!(
        reason(&attachments.create_attachment(file(&a)).await),
        "FailedPrecondition TICKET_STATE_CONFLICT"
    );
    desk.finish().await;
}

#[tokio::test]
async fn filters_find_what_was_merged_and_readers_of_the_stream_are_told_into_what() {
    let desk = Desk::open().await;
    let [a, b, c] = [
        asked(&desk, "peter", "A").await,
        asked(&desk, "peter", "B").await,
        asked(&desk, "peter", "C").await,
    ];
    merge(&desk, &c, &[&a, &b]).await;
    let id = c.name.rsplit('/').next().expect("an id");
    for (filter, expected) in [
        (format!("merged_into = \"{id}\""), vec!["B", "A"]),
        ("merged_into:*".to_owned(), vec!["B", "A"]),
        ("NOT merged_into:*".to_owned(), vec!["C"]),
    ] {
        let list = pb::ListTicketsRequest { parent: desk.parent(), filter, ..Default::default() };
        let found =
            tickets(desk.agent("anna")).list_tickets(list).await.expect("listed").into_inner().tickets;
        let titles: Vec<&str> = found.iter().map(|ticket| ticket.title.as_str()).collect();
        assert_eq!(titles.len(), expected.len(), "{titles:?}");
        assert!(expected.iter().all(|title| titles.contains(title)), "{titles:?}");
    }
    let sequence = ticketing::events::sequencer::run_once;
    while sequence(&desk.app, 1000).await.expect("a pass").done > 0 {}
    let list = pb::ListEventsRequest {
        parent: desk.parent(),
        start: Some(Start::StartTime(prost_types::Timestamp::default())),
        ..Default::default()
    };
    let told =
        EventServiceClient::new(desk.agent("anna")).list_events(list).await.expect("told").into_inner();
    let merges: Vec<pb::Event> =
        told.events.into_iter().filter(|event| event.r#type == "ticket.merged").collect();
    assert_eq!(merges.len(), 3);
    let of = |ticket: &pb::Ticket| merges.iter().find(|event| event.resource == ticket.name).expect("told");
    assert_eq!(of(&c).tie.as_ref().expect("a tie").tickets, [a.name.clone(), b.name.clone()]);
    let change = of(&a).changes.iter().find(|change| change.field == "merged_into").expect("told");
    assert_eq!(change.after_json, format!("{:?}", c.name));
    desk.finish().await;
}

#[tokio::test]
async fn a_report_that_comes_again_is_added_where_its_ticket_goes_on() {
    let desk = Desk::open().await;
    let key = Some(pb::ExternalKey { source: "monitoring".into(), id: "7".into() });
    let alert = record(&desk, pb::Ticket { external_key: key.clone(), ..titled("disk full") }).await;
    let survivor = record(&desk, titled("disks")).await;
    merge(&desk, &survivor, &[&alert]).await;
    let create = pb::CreateTicketRequest {
        parent: desk.parent(),
        ticket: Some(pb::Ticket { external_key: key, description: "again".into(), ..titled("disk full") }),
        on_conflict: pb::OnConflict::AddComment.into(),
        ..Default::default()
    };
    let mut anna = tickets(desk.agent("anna"));
    let done = anna.create_ticket(create.clone()).await.expect("added").into_inner();
    assert_eq!((done.existing, done.ticket.expect("a ticket").name), (true, survivor.name.clone()));
    let batch =
        pb::BatchCreateTicketsRequest { parent: desk.parent(), requests: vec![create], ..Default::default() };
    let done = anna.batch_create_tickets(batch).await.expect("added").into_inner();
    assert_eq!(done.tickets[0].name, survivor.name);
    assert_eq!(texts(&said(desk.agent("anna"), &survivor.name, 50).await), ["again", "again"]);
    desk.finish().await;
}

#[tokio::test]
async fn who_is_erased_is_erased_on_both() {
    let desk = Desk::open().await;
    let [a, b] = [asked(&desk, "peter", "geheim eins").await, asked(&desk, "peter", "geheim zwei").await];
    for ticket in [&a, &b] {
        say(desk.customer("peter"), &ticket.name, "geheim").await.expect("said");
    }
    merge(&desk, &b, &[&a]).await;
    let name = format!("{}/contacts/peter", desk.parent());
    let mut customers = CustomerServiceClient::new(desk.admin());
    customers.erase_contact(pb::EraseContactRequest { name, ..Default::default() }).await.expect("erased");
    let left = said(desk.agent("anna"), &b.name, 50).await;
    assert_eq!(texts(&left), ["", ""], "that something was said stays");
    assert_eq!(crate::customers::found(desk.root(), "geheim").await, Vec::<String>::new());
    // The way back is there all the same.
    let back = unmerge(&desk, &a.name).await.expect("back").into_inner().ticket.expect("a ticket");
    assert_eq!((back.state(), back.title.as_str()), (pb::TicketState::New, "(erased)"));
    desk.finish().await;
}
