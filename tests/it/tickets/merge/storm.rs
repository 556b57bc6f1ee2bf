//! Whatever is merged, taken back and said at once, on two server processes of which one is killed now and then: every comment
//! is there exactly once, under the ticket that goes on in the end, and no ticket goes on in two. What is counted of a ticket is
//! counted so, too: a kind of item is one line of `ITEMS`. The harness must see the fault for which the look at the chain under
//! the survivor's lock is there.

#![allow(clippy::disallowed_methods)] // the storm ends with its test; no drain waits for it

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::PgPool;
use ticketing::{
    ctx::{ActorKind, Clock, Role},
    ids::{Id, TenantId},
};
use ticketing_proto::v1::{
    self as pb, comment_service_client::CommentServiceClient, ticket_service_client::TicketServiceClient,
};
use tokio::{
    sync::{Mutex, RwLock},
    task::JoinSet,
};
use tonic::{Code, Response, Status, transport::Channel};
use tonic_types::StatusExt;

use crate::support::{Client, Process, Wire, broken_laws, caller, fresh_database, put_in_force, sample};

/// What is tried in a round.
const STEPS: usize = 1600;
/// Callers at once.
const CALLERS: usize = 12;
/// The latest tickets, on which all of it happens: few, so that callers meet.
const RECENT: usize = 8;
/// How long a call may take before its caller gives up: one whose server was killed may never be answered.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is counted: table, and the column that bears what the caller calls it.
const ITEMS: &[(&str, &str)] = &[("comments", "text")];

fn by(channel: &Channel, role: Role) -> Client {
    let kind = if role == Role::Customer { ActorKind::Customer } else { ActorKind::Agent };
    let tenant = TenantId::parse("acme").expect("a tenant");
    caller(channel.clone(), &tenant, kind, if role == Role::Customer { "peter" } else { "anna" }, &[role])
}

fn tickets(channel: &Channel) -> TicketServiceClient<Client> {
    TicketServiceClient::new(by(channel, Role::Agent))
}

fn patient<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(PATIENCE);
    request
}

/// What became of a call: done, refused for good, or nobody knows.
enum Fate<T> {
    Done(T),
    Refused,
    Unknown,
}

async fn fate<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Fate<T> {
    let Ok(answered) = tokio::time::timeout(PATIENCE * 2, call).await else { return Fate::Unknown };
    let status = match answered {
        Ok(answer) => return Fate::Done(answer.into_inner()),
        Err(status) => status,
    };
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    let refused = ["TICKET_STATE_CONFLICT", "UNMERGE_TOO_LATE", "MERGE_LIMIT_REACHED", "TICKET_MERGED"];
    match status.code() {
        Code::Unavailable | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded => Fate::Unknown,
        Code::Aborted => Fate::Refused,
        _ if refused.contains(&reason.as_str()) => Fate::Refused,
        _ => panic!("{status:?}"),
    }
}

struct Storm {
    pool: PgPool,
    wires: [Wire; 2],
    servers: [RwLock<Process>; 2],
    tickets: RwLock<Vec<pb::Ticket>>,
    steps: AtomicUsize,
    /// What was said, and whether its caller was told so.
    said: Mutex<BTreeMap<String, bool>>,
}

impl Storm {
    async fn begin(lost: Option<&'static str>) -> Arc<Self> {
        let database = fresh_database().await;
        let pool = PgPool::connect(&database).await.expect("the database takes connections");
        let tenant = TenantId::parse("acme").expect("a tenant");
        put_in_force(&pool, &tenant, &sample(), Clock::system().now()).await;
        let wires = [Wire::losing(&database, lost).await, Wire::losing(&database, lost).await];
        let servers = [Process::start(&wires[0].url).await, Process::start(&wires[1].url).await];
        Arc::new(Self {
            pool,
            wires,
            servers: servers.map(RwLock::new),
            tickets: RwLock::default(),
            steps: AtomicUsize::new(0),
            said: Mutex::default(),
        })
    }

    async fn rage(self: &Arc<Self>, steps: usize, kills: usize) {
        let mut tasks = JoinSet::new();
        for at in 0..CALLERS {
            let storm = Arc::clone(self);
            tasks.spawn(async move {
                let mut random = fastrand::Rng::with_seed(at as u64);
                loop {
                    let step = storm.steps.fetch_add(1, Ordering::Relaxed);
                    if step >= steps {
                        return;
                    }
                    let channel = storm.servers[at % 2].read().await.channel.clone();
                    storm.step(&channel, &mut random, step).await;
                }
            });
        }
        for kill in 1..=kills {
            while self.steps.load(Ordering::Relaxed) < steps * kill / (kills + 1) {
                sqlx::query("select 'a round trip'").execute(&self.pool).await.expect("a round trip");
            }
            let at = kill % 2;
            let mut server = self.servers[at].write().await;
            server.kill().await;
            *server = Process::start(&self.wires[at].url).await;
        }
        tasks.join_all().await;
    }

    async fn step(&self, channel: &Channel, random: &mut fastrand::Rng, step: usize) {
        let recent: Vec<pb::Ticket> = self.tickets.read().await.iter().rev().take(RECENT).cloned().collect();
        if recent.len() < 2 || random.u8(..8) == 0 {
            return self.arrive(channel).await;
        }
        let (one, other) = (&recent[random.usize(..recent.len())], &recent[random.usize(..recent.len())]);
        match random.u8(..9) {
            0..=2 if one.name != other.name => {
                let request = super::merging(&one.name, &[other]);
                fate(tickets(channel).merge_tickets(patient(request))).await;
            }
            3..=5 => {
                let request = pb::UnmergeTicketRequest { name: one.name.clone(), ..Default::default() };
                fate(tickets(channel).unmerge_ticket(patient(request))).await;
            }
            _ => self.say(channel, random, one, format!("{step}")).await,
        }
    }

    async fn arrive(&self, channel: &Channel) {
        let ticket = pb::Ticket {
            title: "Sturm".into(),
            requester: "tenants/acme/contacts/peter".into(),
            ..Default::default()
        };
        let request = pb::CreateTicketRequest {
            parent: "tenants/acme".into(),
            ticket: Some(ticket),
            ..Default::default()
        };
        if let Fate::Done(created) = fate(Box::pin(tickets(channel).create_ticket(patient(request)))).await {
            self.tickets.write().await.push(created.ticket.expect("a ticket"));
        }
    }

    /// Says it until somebody knows that it is said, or that it is not.
    async fn say(&self, channel: &Channel, random: &mut fastrand::Rng, ticket: &pb::Ticket, text: String) {
        let role = if random.bool() { Role::Customer } else { Role::Agent };
        let comment = pb::Comment { text: text.clone(), ..Default::default() };
        let request = pb::CreateCommentRequest {
            parent: ticket.name.clone(),
            comment: Some(comment),
            request_id: text.clone(),
            ..Default::default()
        };
        let mut channel = channel.clone();
        for turn in 0.. {
            let mut comments = CommentServiceClient::new(by(&channel, role));
            match fate(comments.create_comment(patient(request.clone()))).await {
                Fate::Done(_) => {
                    self.said.lock().await.insert(text, true);
                    return;
                }
                Fate::Refused => {
                    self.said.lock().await.insert(text, false);
                    return;
                }
                Fate::Unknown => channel = self.servers[turn % 2].read().await.channel.clone(),
            }
        }
    }

    /// What is wrong, now that it is quiet.
    async fn faults(&self) -> Vec<String> {
        let mut faults = broken_laws(&self.pool).await;
        let said = self.said.lock().await.clone();
        for (table, column) in ITEMS {
            let sql = format!("select {column}, count(*) from {table} group by 1");
            let kept: BTreeMap<String, i64> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
                .fetch_all(&self.pool)
                .await
                .expect("items")
                .into_iter()
                .collect();
            for (text, told) in &said {
                let there = kept.get(text).copied().unwrap_or_default();
                if there != i64::from(*told) {
                    faults.push(format!(
                        "{table}: {text} is there {there} times, and its caller was told {told}"
                    ));
                }
            }
        }
        faults.extend(self.union_faults(&said).await);
        let links = "select count(*) from tickets t full join (select * from ticket_links where type = 'MERGED_INTO') l
             on l.tenant_id = t.tenant_id and l.ticket_id = t.id and l.other_id = t.merged_into
             where (t.merged_into is not null and l.ticket_id is null) or (l.ticket_id is not null and t.id is null)";
        let differing: i64 = sqlx::query_scalar(links).fetch_one(&self.pool).await.expect("a count");
        if differing > 0 {
            faults.push(format!("{differing} merges that ticket and link tell differently"));
        }
        faults
    }

    /// Whether those that go on show everything that was said, each of it once; and whether nothing was said on a ticket while
    /// it was merged.
    async fn union_faults(&self, said: &BTreeMap<String, bool>) -> Vec<String> {
        let channel = self.servers[0].read().await.channel.clone();
        let mut shown: Vec<String> = Vec::new();
        for ticket in &*self.tickets.read().await {
            let request = pb::GetTicketRequest { name: ticket.name.clone(), ..Default::default() };
            let now = tickets(&channel).get_ticket(request).await.expect("read").into_inner().ticket;
            if now.expect("a ticket").merged_into.is_empty() {
                let union = super::said(by(&channel, Role::Agent), &ticket.name, 7).await;
                shown.extend(union.into_iter().map(|(_, text)| text));
            }
        }
        let mut expected: Vec<String> =
            said.iter().filter(|(_, told)| **told).map(|(text, _)| text.clone()).collect();
        shown.sort();
        expected.sort();
        let mut faults = Vec::new();
        if shown != expected {
            faults.push(format!("{} comments are shown of {} that were made", shown.len(), expected.len()));
        }
        let astray = "select e.ticket_id, e.version from events e
             where e.type = 'ticket.commented' and e.facts ->> 'state' = 'MERGED'";
        let astray: Vec<(uuid::Uuid, i64)> =
            sqlx::query_as(astray).fetch_all(&self.pool).await.expect("events");
        faults.extend(
            astray.into_iter().map(|(id, version)| format!("said on the merged {} {version}", Id(id))),
        );
        faults
    }

    /// What did not happen often enough to show anything.
    async fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (kind, least) in [("ticket.merged", 60), ("ticket.unmerged", 20), ("ticket.commented", 200)] {
            let count = sqlx::query_scalar("select count(*) from events where type = $1").bind(kind);
            let count: i64 = count.fetch_one(&self.pool).await.expect("a count");
            if count < least {
                missing.push(format!("{kind} happened {count} times"));
            }
        }
        missing
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_comment_is_there_once_whoever_merges_and_whoever_dies() {
    let storm = Storm::begin(None).await;
    storm.rage(STEPS, 3).await;
    // How much of what is tried comes to something depends on the machine's pace: it goes on until it was enough.
    for round in 2..=8 {
        if storm.missing().await.is_empty() {
            break;
        }
        storm.rage(STEPS * round, 0).await;
    }
    assert_eq!(storm.missing().await, Vec::<String>::new());
    assert_eq!(storm.faults().await, Vec::<String>::new());
}

/// Without the lock, two that decide at once about one ticket both write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_harness_sees_tickets_that_are_merged_without_their_locks() {
    let storm = Storm::begin(Some("order by id for update")).await;
    // What breaks is told as a fault of the server, or found in the end.
    let raged = tokio::spawn({
        let storm = Arc::clone(&storm);
        async move { storm.rage(4000, 0).await }
    });
    let broke = raged.await.is_err();
    assert!(broke || !storm.faults().await.is_empty(), "4000 steps without a fault");
}
