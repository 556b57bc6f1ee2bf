//! Somebody at the help desk as the API sees one: a token, and the calls that are made with it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use ticketing_proto::v1::{
    self as pb, comment_service_client::CommentServiceClient,
    escalation_service_client::EscalationServiceClient, routing_service_client::RoutingServiceClient,
    ticket_service_client::TicketServiceClient, worklog_service_client::WorklogServiceClient,
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};

use super::{TENANT, matters::Matter};
use crate::cli::caller::{Caller, speaking};

/// The last version that anybody was told of each ticket, so that the watcher can tell when it has seen everything.
pub type Ledger = Arc<Mutex<HashMap<String, i64>>>;

#[derive(Clone)]
pub struct Person {
    pub key: &'static str,
    pub display_name: &'static str,
    /// What the person is, for the list of tokens.
    pub part: &'static str,
    pub token: String,
    pub channel: Channel,
    pub ledger: Ledger,
}

/// A call that answers with a ticket.
macro_rules! call {
    ($person:expr, $client:ident . $method:ident ($request:expr)) => {{
        let mut client = $client::new($person.channel.clone());
        // A scene is a long row of calls; on the heap it stays a small future.
        let answer = Box::pin(client.$method($person.ask($request))).await?;
        Ok($person.noted(answer.into_inner().ticket))
    }};
}

pub type Answer = Result<pb::Ticket, Status>;

impl Person {
    /// A channel that speaks in this person's name.
    pub fn caller(&self) -> Caller {
        speaking(self.channel.clone(), self.bearer())
    }

    fn bearer(&self) -> MetadataValue<Ascii> {
        format!("Bearer {}", self.token).parse().expect("a development token is ASCII")
    }

    /// A request in this person's name.
    pub fn ask<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.bearer());
        request
    }

    fn noted(&self, ticket: Option<pb::Ticket>) -> pb::Ticket {
        let ticket = ticket.unwrap_or_default();
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ledger.entry(ticket.name.clone()).or_default();
        *known = version(&ticket).max(*known);
        ticket
    }

    pub async fn record(&self, matter: &Matter, requester: &str) -> Answer {
        let ticket = matter.ticket(requester);
        let request =
            pb::CreateTicketRequest { parent: parent(), ticket: Some(ticket), ..Default::default() };
        call!(self, TicketServiceClient.create_ticket(request))
    }

    pub async fn read(&self, name: &str) -> Answer {
        let request = pb::GetTicketRequest { name: name.to_owned(), ..Default::default() };
        call!(self, TicketServiceClient.get_ticket(request))
    }

    pub async fn write_serial_number(&self, ticket: &pb::Ticket, number: &str) -> Answer {
        let value = pb::FieldValue { kind: Some(pb::field_value::Kind::StringValue(number.to_owned())) };
        let changed = pb::Ticket {
            name: ticket.name.clone(),
            custom_fields: [("serial_number".to_owned(), value)].into(),
            ..Default::default()
        };
        let update_mask =
            Some(prost_types::FieldMask { paths: vec!["custom_fields.serial_number".to_owned()] });
        let request = pb::UpdateTicketRequest { ticket: Some(changed), update_mask, ..Default::default() };
        call!(self, TicketServiceClient.update_ticket(request))
    }

    /// Enters work of so many minutes, which was over when the ticket came in.
    pub async fn enter_work(&self, ticket: &pb::Ticket, activity: &str, minutes: i64) -> Answer {
        let came = ticket.create_time.unwrap_or_default().seconds;
        let worklog = pb::Worklog {
            activity: activity.to_owned(),
            start_time: Some(prost_types::Timestamp { seconds: came - minutes * 60, nanos: 0 }),
            duration: Some(prost_types::Duration { seconds: minutes * 60, nanos: 0 }),
            billable: true,
            ..Default::default()
        };
        let request = pb::CreateWorklogRequest {
            parent: ticket.name.clone(),
            worklog: Some(worklog),
            ..Default::default()
        };
        let mut worklogs = WorklogServiceClient::new(self.channel.clone());
        Box::pin(worklogs.create_worklog(self.ask(request))).await?;
        // What it costs is an event of the ticket, too.
        self.read(&ticket.name).await
    }

    /// To the customer.
    pub async fn tell(&self, ticket: &pb::Ticket, text: &str) -> Answer {
        self.comment(ticket, pb::CommentVisibility::Public, text, None).await
    }

    /// To the colleagues.
    pub async fn note(&self, ticket: &pb::Ticket, text: &str) -> Answer {
        self.comment(ticket, pb::CommentVisibility::Internal, text, None).await
    }

    /// Asks the customer back and waits for the answer.
    pub async fn ask_back(&self, ticket: &pb::Ticket, text: &str) -> Answer {
        let hold = pb::HoldThen { kind: pb::HoldKind::Customer.into(), until_time: None };
        let then = Some(pb::create_comment_request::Then::Hold(hold));
        self.comment(ticket, pb::CommentVisibility::Public, text, then).await
    }

    async fn comment(
        &self,
        ticket: &pb::Ticket,
        visibility: pb::CommentVisibility,
        text: &str,
        then: Option<pb::create_comment_request::Then>,
    ) -> Answer {
        let comment =
            pb::Comment { visibility: visibility.into(), text: text.to_owned(), ..Default::default() };
        let request = pb::CreateCommentRequest {
            parent: ticket.name.clone(),
            comment: Some(comment),
            then,
            ..Default::default()
        };
        call!(self, CommentServiceClient.create_comment(request))
    }

    pub async fn wait_for_vendor(&self, ticket: &pb::Ticket, vendor_reference: &str) -> Answer {
        let request = pb::HoldTicketRequest {
            name: ticket.name.clone(),
            kind: pb::HoldKind::Vendor.into(),
            vendor_reference: vendor_reference.to_owned(),
            ..Default::default()
        };
        call!(self, TicketServiceClient.hold_ticket(request))
    }

    pub async fn resume(&self, ticket: &pb::Ticket) -> Answer {
        let request = pb::ResumeTicketRequest { name: ticket.name.clone(), ..Default::default() };
        call!(self, TicketServiceClient.resume_ticket(request))
    }

    /// With a draft of what others may learn from it.
    pub async fn resolve_and_draft(&self, ticket: &pb::Ticket, code: &str, summary: &str) -> Answer {
        let resolution =
            pb::Resolution { code: code.to_owned(), summary: summary.to_owned(), ..Default::default() };
        let request = pb::ResolveTicketRequest {
            name: ticket.name.clone(),
            resolution: Some(resolution),
            draft_article: true,
            ..Default::default()
        };
        call!(self, TicketServiceClient.resolve_ticket(request))
    }

    /// Without an article where `article` is empty.
    pub async fn resolve(&self, ticket: &pb::Ticket, code: &str, summary: &str, article: &str) -> Answer {
        let resolution = pb::Resolution {
            code: code.to_owned(),
            summary: summary.to_owned(),
            article: article.to_owned(),
            ..Default::default()
        };
        let request = pb::ResolveTicketRequest {
            name: ticket.name.clone(),
            resolution: Some(resolution),
            ..Default::default()
        };
        call!(self, TicketServiceClient.resolve_ticket(request))
    }

    pub async fn close(&self, ticket: &pb::Ticket) -> Answer {
        let request = pb::CloseTicketRequest { name: ticket.name.clone(), ..Default::default() };
        call!(self, TicketServiceClient.close_ticket(request))
    }

    /// Takes the ticket; if it was handed over, that accepts it.
    pub async fn claim(&self, ticket: &pb::Ticket) -> Answer {
        let request = pb::ClaimTicketRequest { name: ticket.name.clone(), ..Default::default() };
        call!(self, TicketServiceClient.claim_ticket(request))
    }

    /// The next one of the queue; a ticket without a name: none waits.
    pub async fn pull(&self, queue: &str) -> Answer {
        let queue = format!("{}/queues/{queue}", parent());
        let request = pb::PullNextTicketRequest { queue, ..Default::default() };
        call!(self, RoutingServiceClient.pull_next_ticket(request))
    }

    pub async fn hand_over(
        &self,
        ticket: &pb::Ticket,
        team: &str,
        reason: pb::EscalationReason,
        justification: &str,
    ) -> Answer {
        self.escalate(ticket, team, reason, justification, pb::EscalationMode::Handover).await
    }

    pub async fn consult(
        &self,
        ticket: &pb::Ticket,
        team: &str,
        reason: pb::EscalationReason,
        justification: &str,
    ) -> Answer {
        self.escalate(ticket, team, reason, justification, pb::EscalationMode::Consult).await
    }

    async fn escalate(
        &self,
        ticket: &pb::Ticket,
        team: &str,
        reason: pb::EscalationReason,
        justification: &str,
        mode: pb::EscalationMode,
    ) -> Answer {
        let request = pb::EscalateTicketRequest {
            name: ticket.name.clone(),
            mode: mode.into(),
            target: Some(pb::escalate_ticket_request::Target::Team(team.to_owned())),
            escalation_reason: reason.into(),
            justification: justification.to_owned(),
            ..Default::default()
        };
        call!(self, EscalationServiceClient.escalate_ticket(request))
    }

    /// Accepts what the ticket's pending escalation asks for.
    pub async fn accept(&self, ticket: &pb::Ticket) -> Answer {
        let request =
            pb::AcceptEscalationRequest { name: ticket.pending_escalation.clone(), ..Default::default() };
        call!(self, EscalationServiceClient.accept_escalation(request))
    }

    pub async fn decline(&self, ticket: &pb::Ticket, reason: pb::DeclineReason, note: &str) -> Answer {
        let request = pb::DeclineEscalationRequest {
            name: ticket.pending_escalation.clone(),
            note: note.to_owned(),
            decline_reason: reason.into(),
            ..Default::default()
        };
        call!(self, EscalationServiceClient.decline_escalation(request))
    }

    /// With the solution.
    pub async fn hand_back(&self, ticket: &pb::Ticket, note: &str) -> Answer {
        let request = pb::HandBackTicketRequest {
            name: ticket.name.clone(),
            note: note.to_owned(),
            hand_back_reason: pb::HandBackReason::SolutionReady.into(),
            ..Default::default()
        };
        call!(self, EscalationServiceClient.hand_back_ticket(request))
    }
}

/// `tenants/demo`.
pub fn parent() -> String {
    format!("tenants/{TENANT}")
}

/// The ticket's version, which its etag tells.
pub fn version(ticket: &pb::Ticket) -> i64 {
    ticket.etag.trim_matches('"').parse().unwrap_or_default()
}

/// The last part of a resource's name.
pub fn key(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}
