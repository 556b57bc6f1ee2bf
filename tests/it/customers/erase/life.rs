//! What a desk may come to know of one person: the canary sits in every text that a caller can write about a contact, put
//! there by every call that writes one.

use std::sync::atomic::{AtomicU64, Ordering};

use ticketing::configuration::Dispatch;
use ticketing_proto::v1::{
    self as pb, customer_service_client::CustomerServiceClient, escalate_ticket_request::Target,
};

use crate::{
    agents::employ,
    attachments::{adding, attach, attachments},
    comments::comments,
    escalation::escalations,
    routing::{adjust, push_once, routing},
    support::{Client, Desk},
    tickets::{Tickets, read, recording, tickets},
};

pub const CANARY: &str = "kanari-7f3";

/// The contact's key, which is personal data itself.
pub const PETER: &str = "kanari-7f3@initech.example";

pub fn word(what: &str) -> String {
    format!("{CANARY} {what}")
}

/// Another one for each call. It is nobody's text.
fn request_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("r{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A verb with all that is said with it.
macro_rules! said {
    ($client:expr, $method:ident, $request:ident { $($field:ident: $value:expr),* $(,)? }) => {
        $client
            .$method(pb::$request { request_id: request_id(), note: word("note"), $($field: $value,)* ..Default::default() })
            .await
            .expect(stringify!($method))
            .into_inner()
    };
}

/// As `said!`, and with a reason.
macro_rules! verb {
    ($client:expr, $method:ident, $request:ident { $($field:ident: $value:expr),* $(,)? }) => {
        said!($client, $method, $request { reason: word("reason"), $($field: $value),* })
    };
}

pub fn contact_name(desk: &Desk, key: &str) -> String {
    format!("{}/contacts/{key}", desk.parent())
}

/// A ticket with the canary in each of its texts.
pub fn full(desk: &Desk, external: Option<&str>) -> pb::Ticket {
    let text = |text: String| pb::FieldValue { kind: Some(pb::field_value::Kind::StringValue(text)) };
    let external_key = external.map(|id| pb::ExternalKey { source: "mail".into(), id: word(id) });
    pb::Ticket {
        title: word("title"),
        description: word("description"),
        requester: contact_name(desk, PETER),
        custom_fields: [("serial_number".to_owned(), text(word("serial number")))].into(),
        tags: vec![word("tag")],
        annotations: [(word("key"), word("value"))].into(),
        external_key,
        ..Default::default()
    }
}

fn anna(desk: &Desk) -> Tickets {
    tickets(desk.agent("anna"))
}

fn peter(desk: &Desk) -> Client {
    desk.customer(PETER)
}

/// Everything that a desk may learn of peter; the names of his tickets, and of the one that is carla's by now.
pub async fn live(desk: &Desk) -> (Vec<String>, String) {
    employ(desk, "anna", "desk-de", 100, &["german"]).await;
    employ(desk, "bert", "desk-de", 100, &["german"]).await;
    employ(desk, "bea", "applications", 100, &[]).await;
    recorded(desk).await;
    let asked = asked(desk, "first").await;
    let follow_up = worked_on(desk, &asked).await;
    let mut names = vec![asked, follow_up];
    for answer in ["decline", "withdraw", "accept", "tell"] {
        names.push(escalated(desk, answer).await);
    }
    names.push(moved(desk).await);
    names.push(held(desk).await);
    names.extend(in_bulk(desk).await);
    names.push(offered(desk).await);
    names.extend(tied(desk).await);
    let lent = lent(desk).await;
    (names, lent)
}

async fn recorded(desk: &Desk) {
    let contact = pb::Contact {
        name: contact_name(desk, PETER),
        display_name: word("name"),
        organization: format!("{}/organizations/initech", desk.parent()),
        email: PETER.into(),
        phone: word("phone"),
        language_code: "de".into(),
        annotations: [(word("key"), word("value"))].into(),
        ..Default::default()
    };
    let request = pb::UpsertContactRequest { contact: Some(contact), validate_only: false };
    CustomerServiceClient::new(desk.agent("anna")).upsert_contact(request).await.expect("recorded");
}

/// Peter asks by himself.
async fn asked(desk: &Desk, external: &str) -> String {
    let ask = recording(desk, full(desk, Some(external)));
    let request = pb::CreateTicketRequest { request_id: word(external), ..ask };
    let created = tickets(peter(desk)).create_ticket(request).await.expect("asked").into_inner();
    created.ticket.expect("a ticket").name
}

/// The agents record it for him.
async fn taken_down(desk: &Desk) -> String {
    let request = recording(desk, full(desk, None));
    let request = pb::CreateTicketRequest { request_id: request_id(), ..request };
    anna(desk).create_ticket(request).await.expect("recorded").into_inner().ticket.expect("a ticket").name
}

pub async fn comment(desk: &Desk, client: Client, ticket: &str, text: &str) -> pb::CreateCommentResponse {
    assert!(ticket.starts_with(&desk.parent()));
    let request = pb::CreateCommentRequest {
        parent: ticket.to_owned(),
        comment: Some(pb::Comment { text: text.to_owned(), ..Default::default() }),
        request_id: request_id(),
        ..Default::default()
    };
    comments(client).create_comment(request).await.expect("said").into_inner()
}

/// From the claim to the end and beyond; the follow-up.
async fn worked_on(desk: &Desk, name: &str) -> String {
    let (mut anna, mut manager) = (anna(desk), tickets(desk.manager()));
    let name = || name.to_owned();
    verb!(anna, claim_ticket, ClaimTicketRequest { name: name() });
    let ticket = pb::Ticket { name: name(), requester: String::new(), tags: Vec::new(), ..full(desk, None) };
    let ticket = pb::Ticket { title: word("other title"), ..ticket };
    let update =
        pb::UpdateTicketRequest { ticket: Some(ticket), request_id: request_id(), ..Default::default() };
    anna.update_ticket(update).await.expect("updated");
    verb!(anna, add_tags, AddTagsRequest { name: name(), tags: vec![word("tag 2"), word("tag 3")] });
    verb!(anna, remove_tags, RemoveTagsRequest { name: name(), tags: vec![word("tag 3")] });
    verb!(anna, add_follower, AddFollowerRequest { name: name() });
    verb!(anna, remove_follower, RemoveFollowerRequest { name: name() });
    said_and_taken_back(desk, &name()).await;
    let kind = pb::HoldKind::Vendor.into();
    let vendor_reference = word("vendor");
    verb!(
        anna,
        hold_ticket,
        HoldTicketRequest { name: name(), kind: kind, vendor_reference: vendor_reference }
    );
    verb!(anna, resume_ticket, ResumeTicketRequest { name: name() });
    verb!(anna, release_ticket, ReleaseTicketRequest { name: name() });
    let assignee = format!("{}/agents/anna", desk.parent());
    verb!(manager, assign_ticket, AssignTicketRequest { name: name(), assignee: assignee });
    let resolution = || {
        Some(pb::Resolution {
            code: "fixed".into(),
            summary: word("summary"),
            no_article_reason: word("no article"),
            ..Default::default()
        })
    };
    verb!(anna, resolve_ticket, ResolveTicketRequest { name: name(), resolution: resolution() });
    verb!(anna, reopen_ticket, ReopenTicketRequest { name: name() });
    verb!(
        anna,
        resolve_ticket,
        ResolveTicketRequest { name: name(), resolution: resolution(), draft_article: true }
    );
    verb!(anna, close_ticket, CloseTicketRequest { name: name() });
    let said = comment(desk, peter(desk), &name(), &word("again")).await;
    said.ticket.expect("a follow-up").name
}

async fn said_and_taken_back(desk: &Desk, name: &str) {
    comment(desk, peter(desk), name, &word("customer")).await;
    comment(desk, desk.agent("anna"), name, &word("note")).await;
    let slip = comment(desk, desk.agent("anna"), name, &word("slip")).await.comment.expect("a comment");
    let redact = pb::RedactCommentRequest { name: slip.name, request_id: request_id(), reason: word("why") };
    comments(desk.manager()).redact_comment(redact).await.expect("redacted");
    let photo =
        pb::CreateAttachmentRequest { request_id: request_id(), ..adding(name, &word("photo"), b"1") };
    attach(peter(desk), photo, b"1").await;
    let slip = attach(desk.agent("anna"), adding(name, &word("slip"), b"2"), b"2").await;
    let delete = pb::DeleteAttachmentRequest {
        name: slip.name,
        request_id: request_id(),
        reason: word("why"),
        ..Default::default()
    };
    attachments(desk.manager()).delete_attachment(delete).await.expect("deleted");
}

/// Up, and what became of it.
async fn escalated(desk: &Desk, answer: &str) -> String {
    let name = taken_down(desk).await;
    verb!(anna(desk), claim_ticket, ClaimTicketRequest { name: name.clone() });
    let (mut anna, mut bea) = (escalations(desk.agent("anna")), escalations(desk.agent("bea")));
    let told = answer == "tell";
    let kind = if told { pb::EscalationKind::Hierarchical } else { pb::EscalationKind::Functional };
    // The reason is the service's own, so that figures have it.
    let asked = said!(
        anna,
        escalate_ticket,
        EscalateTicketRequest {
            name: name.clone(),
            kind: kind.into(),
            target: (!told).then(|| Target::Team("applications".into())),
            escalation_reason: pb::EscalationReason::Complexity.into(),
            justification: word("justification"),
        }
    );
    let Some(escalation) = asked.escalation else { return name };
    match answer {
        "decline" => {
            let decline_reason = pb::DeclineReason::InfoMissing.into();
            let request = escalation.name;
            said!(
                bea,
                decline_escalation,
                DeclineEscalationRequest { name: request, decline_reason: decline_reason }
            );
        }
        "withdraw" => {
            said!(anna, withdraw_escalation, WithdrawEscalationRequest { name: escalation.name });
        }
        _ => {
            said!(bea, accept_escalation, AcceptEscalationRequest { name: escalation.name });
            let hand_back_reason = pb::HandBackReason::SolutionReady.into();
            let ticket = name.clone();
            verb!(
                bea,
                hand_back_ticket,
                HandBackTicketRequest { name: ticket, hand_back_reason: hand_back_reason }
            );
        }
    }
    name
}

/// Elsewhere, and given up.
async fn moved(desk: &Desk) -> String {
    let name = taken_down(desk).await;
    let mut manager = routing(desk.manager());
    let english = pb::Ticket { name: name.clone(), language_code: "en".into(), ..Default::default() };
    let update = pb::UpdateTicketRequest { ticket: Some(english), ..Default::default() };
    anna(desk).update_ticket(update).await.expect("updated");
    verb!(manager, route_ticket, RouteTicketRequest { name: name.clone() });
    let target = Some(pb::transfer_ticket_request::Target::Team("desk-de".into()));
    verb!(manager, transfer_ticket, TransferTicketRequest { name: name.clone(), target: target });
    verb!(tickets(desk.manager()), cancel_ticket, CancelTicketRequest { name: name.clone() });
    name
}

/// Two that belong together, and then do not.
async fn tied(desk: &Desk) -> Vec<String> {
    let (one, other) = (taken_down(desk).await, taken_down(desk).await);
    let mut manager = tickets(desk.manager());
    let blocks = pb::TicketRelation::Blocks.into();
    let (name, beside) = (one.clone(), other.clone());
    verb!(manager, link_tickets, LinkTicketsRequest { name: name, other: beside, relation: blocks });
    let (name, beside) = (one.clone(), other.clone());
    verb!(manager, unlink_tickets, UnlinkTicketsRequest { name: name, other: beside, relation: blocks });
    let merged = vec![pb::MergedTicket { name: other.clone(), ..Default::default() }];
    verb!(manager, merge_tickets, MergeTicketsRequest { name: one.clone(), tickets: merged });
    verb!(manager, unmerge_ticket, UnmergeTicketRequest { name: other.clone() });
    vec![one, other]
}

/// Waits for the vendor to this day.
async fn held(desk: &Desk) -> String {
    let (name, mut anna) = (taken_down(desk).await, anna(desk));
    verb!(anna, claim_ticket, ClaimTicketRequest { name: name.clone() });
    let kind = pb::HoldKind::Vendor.into();
    let vendor_reference = word("vendor");
    let ticket = name.clone();
    verb!(
        anna,
        hold_ticket,
        HoldTicketRequest { name: ticket, kind: kind, vendor_reference: vendor_reference }
    );
    name
}

/// By batch, by import, and by a report that comes again.
async fn in_bulk(desk: &Desk) -> Vec<String> {
    let batch = pb::BatchCreateTicketsRequest {
        parent: desk.parent(),
        requests: vec![recording(desk, full(desk, Some("monitor"))), recording(desk, full(desk, None))],
        request_id: request_id(),
        validate_only: false,
    };
    let batch = anna(desk).batch_create_tickets(batch).await.expect("recorded").into_inner();
    let mut names: Vec<String> = batch.tickets.into_iter().map(|ticket| ticket.name).collect();
    let again = pb::CreateTicketRequest {
        on_conflict: pb::OnConflict::AddComment.into(),
        request_id: request_id(),
        ..recording(desk, full(desk, Some("monitor")))
    };
    assert!(anna(desk).create_ticket(again).await.expect("added").into_inner().existing);
    let step = |minute: i64, state: pb::TicketState, code: &str| pb::ImportedStep {
        occur_time: Some(prost_types::Timestamp { seconds: 1_583_136_000 + 60 * minute, nanos: 0 }),
        state: state.into(),
        level: "L1".into(),
        team: "desk-de".into(),
        reason: word("reason"),
        note: word("note"),
        resolution_code: code.into(),
        ..Default::default()
    };
    let old = pb::ImportedTicket {
        ticket: Some(full(desk, Some("old"))),
        steps: vec![
            step(0, pb::TicketState::New, ""),
            step(1, pb::TicketState::WaitingOnCustomer, ""),
            step(2, pb::TicketState::Resolved, "fixed"),
        ],
    };
    let request =
        pb::ImportTicketsRequest { parent: desk.parent(), tickets: vec![old], validate_only: false };
    let imported = tickets(desk.admin()).import_tickets(request).await.expect("imported").into_inner();
    names.extend(imported.results.into_iter().map(|result| result.name));
    names
}

/// One agent does not take it, the other does.
async fn offered(desk: &Desk) -> String {
    adjust(desk, |document| document.queues[0].dispatch = Dispatch::Offer).await;
    let name = taken_down(desk).await;
    let asked = async || {
        push_once(desk).await;
        let offer = read(desk, &name).await.offer.expect("somebody is asked");
        let agent = offer.agent.rsplit('/').next().expect("a key").to_owned();
        routing(desk.agent(&agent))
    };
    let decline_reason = pb::OfferDeclineReason::EndOfShift.into();
    let ticket = name.clone();
    said!(asked().await, decline_offer, DeclineOfferRequest { name: ticket, decline_reason: decline_reason });
    verb!(asked().await, accept_offer, AcceptOfferRequest { name: name.clone() });
    name
}

/// Peter asked, and it was carla's matter.
async fn lent(desk: &Desk) -> String {
    let name = asked(desk, "lent").await;
    comment(desk, peter(desk), &name, &word("not mine")).await;
    let ticket = pb::Ticket {
        name: name.clone(),
        title: "Carlas Anliegen".into(),
        requester: contact_name(desk, "carla"),
        ..Default::default()
    };
    let update = pb::UpdateTicketRequest { ticket: Some(ticket), ..Default::default() };
    anna(desk).update_ticket(update).await.expect("updated");
    comment(desk, desk.customer("carla"), &name, "Meins, richtig.").await;
    name
}
