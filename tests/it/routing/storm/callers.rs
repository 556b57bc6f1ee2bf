//! Those who call in a storm: each step is a verb on a ticket at random, by an agent at random.

use std::time::Duration;

use sqlx::PgPool;
use ticketing::{
    ctx::{ActorKind, Role},
    ids::TenantId,
};
use ticketing_proto::v1::{
    self as pb, agent_service_client::AgentServiceClient, routing_service_client::RoutingServiceClient,
    ticket_service_client::TicketServiceClient,
};
use tokio::sync::RwLock;
use tonic::{Code, Response, Status, transport::Channel};
use tonic_types::StatusExt;

use crate::support::{Client, caller};

/// Agents with their capacity and teams.
pub const AGENTS: [(&str, i32, &[&str]); 6] = [
    ("anna", 3, &["desk-de"]),
    ("bert", 2, &["desk-en"]),
    ("carl", 5, &["desk-de", "desk-en"]),
    ("dora", 4, &["desk-en"]),
    ("emil", 1, &["desk-de"]),
    ("fred", 3, &["desk-en"]),
];

/// So many of the latest tickets are where something happens.
const RECENT: usize = 24;

/// How long a call may take before its caller gives up: one whose server was killed may never be answered.
const PATIENCE: Duration = Duration::from_secs(5);

fn by(channel: &Channel, agent: &str, role: Role) -> Client {
    caller(channel.clone(), &TenantId::parse("acme").expect("a tenant"), ActorKind::Agent, agent, &[role])
}

fn tickets(channel: &Channel, agent: &str) -> TicketServiceClient<Client> {
    TicketServiceClient::new(by(channel, agent, Role::Manager))
}

fn routing(channel: &Channel, agent: &str) -> RoutingServiceClient<Client> {
    RoutingServiceClient::new(by(channel, agent, Role::Agent))
}

/// Puts everybody on record.
pub async fn employ(channel: &Channel) {
    for (key, ..) in AGENTS {
        let request = pb::UpsertAgentRequest { agent: Some(on_record(key, "")), validate_only: false };
        let mut manager = AgentServiceClient::new(by(channel, "manager", Role::Manager));
        manager.upsert_agent(request).await.expect("recorded");
    }
}

/// The agent with this shift.
fn on_record(key: &str, calendar: &str) -> pb::Agent {
    let (_, capacity, teams) = AGENTS.into_iter().find(|(known, ..)| *known == key).expect("an agent");
    pb::Agent {
        name: format!("tenants/acme/agents/{key}"),
        display_name: key.to_owned(),
        teams: teams.iter().map(|team| (*team).to_owned()).collect(),
        capacity,
        calendar: calendar.to_owned(),
        ..Default::default()
    }
}

/// One caller's luck.
pub struct Callers {
    random: fastrand::Rng,
}

impl Callers {
    pub fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed) }
    }

    /// One verb. Refusals that others' being faster explains are part of the storm, and so is silence.
    pub async fn step(&mut self, channel: &Channel, recorded: &RwLock<Vec<String>>) {
        let (agent, ..) = AGENTS[self.random.usize(..AGENTS.len())];
        let name = {
            let recorded = recorded.read().await;
            let recent = recorded.len().saturating_sub(RECENT);
            recorded.get(recent + self.random.usize(..recorded.len().clamp(1, RECENT))).cloned()
        };
        let Some(name) = name.filter(|_| self.random.u8(..10) != 0) else {
            if let Some(created) = self.arrive(channel, agent).await {
                recorded.write().await.push(created);
            }
            return;
        };
        match self.random.u8(..14) {
            0 | 1 => self.pull(channel, agent).await,
            2 => self.assign(channel, agent, name).await,
            3..=5 => self.answer(channel, agent).await,
            6 => self.transfer(channel, agent, name).await,
            7 => self.come_or_go(channel, agent).await,
            8 => self.resolve(channel, agent, name).await,
            _ => self.work(channel, agent).await,
        }
    }

    /// Something with a ticket that the agent has.
    async fn work(&mut self, channel: &Channel, agent: &str) {
        let filter = format!("assignee = \"{agent}\" AND state != RESOLVED");
        let list = pb::ListTicketsRequest {
            parent: "tenants/acme".into(),
            filter,
            page_size: 20,
            ..Default::default()
        };
        let Some(page) = fair(tickets(channel, agent).list_tickets(patient(list))).await else { return };
        if page.tickets.is_empty() {
            return;
        }
        let name = page.tickets[self.random.usize(..page.tickets.len())].name.clone();
        match self.random.u8(..5) {
            0 | 1 => self.hold(channel, agent, name).await,
            2 | 3 => self.resolve(channel, agent, name).await,
            _ => {
                let request = pb::ReleaseTicketRequest { name, ..Default::default() };
                fair(tickets(channel, agent).release_ticket(patient(request))).await;
            }
        }
    }

    async fn arrive(&mut self, channel: &Channel, agent: &str) -> Option<String> {
        let (language, channel_of) = (["de", "en"][self.random.usize(..2)], self.random.bool());
        let ticket = pb::Ticket {
            title: "Anruf".into(),
            language_code: language.into(),
            channel: if channel_of { pb::Channel::Phone } else { pb::Channel::Email }.into(),
            urgency: self.random.i32(1..=4),
            organization: format!("tenants/acme/organizations/{}", self.random.u8(..4)),
            ..Default::default()
        };
        let request = pb::CreateTicketRequest {
            parent: "tenants/acme".into(),
            ticket: Some(ticket),
            ..Default::default()
        };
        let created = fair(Box::pin(tickets(channel, agent).create_ticket(patient(request)))).await?;
        created.ticket.map(|ticket| ticket.name)
    }

    async fn pull(&mut self, channel: &Channel, agent: &str) {
        let queue = format!("tenants/acme/queues/{}", ["desk-de", "desk-en"][self.random.usize(..2)]);
        let request = pb::PullNextTicketRequest { queue, ..Default::default() };
        fair(routing(channel, agent).pull_next_ticket(patient(request))).await;
    }

    async fn assign(&mut self, channel: &Channel, agent: &str, name: String) {
        if self.random.bool() {
            let assignee = format!("tenants/acme/agents/{agent}");
            let request = pb::AssignTicketRequest { name, assignee, ..Default::default() };
            fair(tickets(channel, "manager").assign_ticket(patient(request))).await;
        } else {
            let request = pb::ClaimTicketRequest { name, ..Default::default() };
            fair(tickets(channel, agent).claim_ticket(patient(request))).await;
        }
    }

    /// Somebody who is asked answers, one way or the other.
    async fn answer(&mut self, channel: &Channel, agent: &str) {
        let queue = "tenants/acme/queues/desk-en".to_owned();
        let list = pb::ListQueueTicketsRequest { queue, page_size: 20, ..Default::default() };
        let Some(page) = fair(routing(channel, agent).list_queue_tickets(patient(list))).await else {
            return;
        };
        let asked: Vec<(String, String)> =
            page.tickets.into_iter().filter_map(|it| Some((it.name, it.offer?.agent))).collect();
        if asked.is_empty() {
            return;
        }
        let (name, agent) = asked[self.random.usize(..asked.len())].clone();
        let agent = agent.replace("tenants/acme/agents/", "");
        if self.random.bool() {
            let request = pb::AcceptOfferRequest { name, ..Default::default() };
            fair(routing(channel, &agent).accept_offer(patient(request))).await;
        } else {
            let decline_reason = pb::OfferDeclineReason::Busy.into();
            let request = pb::DeclineOfferRequest { name, decline_reason, ..Default::default() };
            fair(routing(channel, &agent).decline_offer(patient(request))).await;
        }
    }

    async fn transfer(&mut self, channel: &Channel, agent: &str, name: String) {
        let team = ["desk-de", "desk-en"][self.random.usize(..2)].to_owned();
        let target = Some(pb::transfer_ticket_request::Target::Team(team));
        let request = pb::TransferTicketRequest { name, target, ..Default::default() };
        fair(routing(channel, agent).transfer_ticket(patient(request))).await;
    }

    async fn hold(&mut self, channel: &Channel, agent: &str, name: String) {
        if self.random.bool() {
            let request =
                pb::HoldTicketRequest { name, kind: pb::HoldKind::Customer.into(), ..Default::default() };
            fair(tickets(channel, agent).hold_ticket(patient(request))).await;
        } else {
            let request = pb::ResumeTicketRequest { name, ..Default::default() };
            fair(tickets(channel, agent).resume_ticket(patient(request))).await;
        }
    }

    async fn resolve(&mut self, channel: &Channel, agent: &str, name: String) {
        if self.random.u8(..4) == 0 {
            let request = pb::ReopenTicketRequest { name, ..Default::default() };
            fair(tickets(channel, agent).reopen_ticket(patient(request))).await;
        } else {
            let request = crate::tickets::resolving(&name);
            fair(tickets(channel, agent).resolve_ticket(patient(request))).await;
        }
    }

    /// Somebody goes away or comes back, or a shift ends or begins.
    async fn come_or_go(&mut self, channel: &Channel, agent: &str) {
        if self.random.bool() {
            let away = self.random.u8(..3) == 0;
            set_availability(channel, agent, away).await;
        } else {
            let calendar = if self.random.u8(..3) == 0 { "never" } else { "" };
            let request =
                pb::UpsertAgentRequest { agent: Some(on_record(agent, calendar)), validate_only: false };
            let mut manager = AgentServiceClient::new(by(channel, "manager", Role::Manager));
            fair(manager.upsert_agent(patient(request))).await;
        }
    }
}

async fn set_availability(channel: &Channel, agent: &str, away: bool) {
    let request = pb::SetAvailabilityRequest {
        name: format!("tenants/acme/agents/{agent}"),
        availability: if away { pb::Availability::Away } else { pb::Availability::Available }.into(),
        until_time: None,
    };
    fair(AgentServiceClient::new(by(channel, agent, Role::Agent)).set_availability(patient(request))).await;
}

fn patient<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(PATIENCE);
    request
}

/// The answer; none when the server was killed, or when somebody else was faster. Anything else is a fault.
async fn fair<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Option<T> {
    let Ok(answered) = tokio::time::timeout(PATIENCE * 2, call).await else { return None };
    match answered {
        Ok(answer) => Some(answer.into_inner()),
        Err(status) => {
            let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
            let gone = matches!(
                status.code(),
                Code::Unavailable | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded | Code::Aborted
            );
            let lost = [
                "AGENT_AT_CAPACITY",
                "TICKET_ALREADY_ASSIGNED",
                "TICKET_STATE_CONFLICT",
                "OFFER_NOT_PENDING",
                "AGENT_NOT_IN_TEAM",
            ];
            assert!(gone || lost.contains(&reason.as_str()), "{status:?}");
            None
        }
    }
}

/// Sends everybody away, so that only who pulls takes, and brings enough tickets to be pulled: all of them end in the
/// English queue, since nobody is left.
pub async fn quiet(channel: &Channel, pool: &PgPool) {
    for (agent, ..) in AGENTS {
        set_availability(channel, agent, true).await;
    }
    let free = "update agents set capacity = 1000 where key = 'carl'";
    sqlx::query(free).execute(pool).await.expect("room");
    let mut callers = Callers::new(99);
    for _ in 0..20 {
        callers.arrive(channel, "carl").await.expect("recorded");
    }
    let offered = "select count(*) from tickets where offered_to is not null";
    while !waiting(channel, "desk-de").await.is_empty()
        || sqlx::query_scalar::<_, i64>(offered).fetch_one(pool).await.expect("a count") > 0
    {}
}

async fn waiting(channel: &Channel, queue: &str) -> Vec<String> {
    let queue = format!("tenants/acme/queues/{queue}");
    let list = pb::ListQueueTicketsRequest { queue, page_size: 200, ..Default::default() };
    let page = routing(channel, "carl").list_queue_tickets(list).await.expect("a list").into_inner();
    page.tickets.into_iter().map(|ticket| ticket.name).collect()
}

/// The tickets of the English queue as they are listed, and as one agent pulls them.
pub async fn serve(channel: &Channel) -> (Vec<String>, Vec<String>) {
    let listed = waiting(channel, "desk-en").await;
    let mut served = Vec::new();
    loop {
        let queue = "tenants/acme/queues/desk-en".to_owned();
        let request = pb::PullNextTicketRequest { queue, ..Default::default() };
        match routing(channel, "carl").pull_next_ticket(request).await.expect("pulled").into_inner().ticket {
            Some(ticket) => served.push(ticket.name),
            None => return (listed, served),
        }
    }
}
