//! Thousands of clocks are due, two processes tell of them, and processes and the Postgres are killed in the middle of it:
//! everything is told once, nothing is lost. The harness must see what is doubled and what is lost.

mod proof;

use sqlx::PgPool;
use ticketing::{
    configuration::Configuration,
    db::{
        Db,
        embedded::{Embedded, Options},
    },
};
use ticketing_proto::v1::{self as pb, ticket_service_client::TicketServiceClient};

use crate::support::{Desk, Process, Wire, broken_laws};

/// What is due of each ticket, whose four clocks have been over for months: four breaches and a step.
const POINTS: usize = 5;

/// A Postgres of its own, which can be killed.
struct Cluster {
    folder: tempfile::TempDir,
    server: Option<Embedded>,
}

impl Cluster {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cluster = Self { folder, server: None };
        cluster.come_back();
        cluster
    }

    /// Starts the Postgres again, as soon as the last process of the one before is gone.
    fn come_back(&mut self) {
        self.server = None;
        let dir = self.folder.path().join("pg");
        let options = Options { dir, durable: true, max_connections: 60, bin_dir: None };
        let server = (0..1000).find_map(|_| Embedded::start(&options).ok());
        self.server = Some(server.expect("PostgreSQL starts"));
    }

    fn server(&self) -> &Embedded {
        self.server.as_ref().expect("it runs")
    }

    /// `kill -9` of the postmaster.
    fn kill(&self) {
        let pid = self.server().pid().to_string();
        let killed = std::process::Command::new("kill").args(["-9", &pid]).status().expect("kill runs");
        assert!(killed.success());
    }
}

/// Tickets that came in long ago, on this database.
async fn fill(desk: &Desk, tickets: usize) {
    desk.configure(&proof::document().expect("a document")).await;
    let mut anna = TicketServiceClient::new(desk.agent("anna"));
    for first in (0..tickets).step_by(100) {
        let one = |n: usize| pb::CreateTicketRequest {
            parent: desk.parent(),
            ticket: Some(pb::Ticket { title: format!("Nr. {n}"), ..Default::default() }),
            ..Default::default()
        };
        let requests = (first..tickets.min(first + 100)).map(one).collect();
        let batch = pb::BatchCreateTicketsRequest { parent: desk.parent(), requests, ..Default::default() };
        anna.batch_create_tickets(batch).await.expect("recorded");
    }
}

/// Asks until the answer is yes; while the Postgres is down there is none.
async fn until(pool: &PgPool, sql: &'static str) {
    while !sqlx::query_scalar::<_, bool>(sql).fetch_one(pool).await.unwrap_or(false) {}
}

/// A worker has written something that is not committed.
const IN_THE_MIDDLE: &str = "select exists (select from pg_stat_activity where application_name = 'ticketing'
    and backend_xid is not null and query not like '%stream%')";
const QUIET: &str = "select not exists (select from sla_clocks where fire_time <= now())
    and not exists (select from outbox)";
/// More was told than there is to tell.
const TOO_MUCH: &str =
    "select count(*) > 6 * (select count(*) from tickets) from events where type <> 'ticket.created'";

async fn faults(pool: &PgPool) -> Vec<String> {
    let now = sqlx::query_scalar("select now()").fetch_one(pool).await.expect("a time");
    let revision = "select max(revision) from configurations";
    let revision = sqlx::query_scalar(revision).fetch_one(pool).await.expect("a revision");
    let configuration = Configuration::new(revision, proof::document().expect("a document"));
    let mut faults = proof::faults(pool, &configuration, now, 1).await.expect("read");
    faults.extend(broken_laws(pool).await);
    faults
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_and_the_postgres_that_are_killed_tell_everything_once() {
    const TICKETS: usize = 1200;
    let mut cluster = Cluster::start();
    let url = cluster.server().url().to_owned();
    let db = Db::connect(&url, 1).await.expect("a connection");
    db.migrate().await.expect("the schema applies");
    let desk = Desk::open_on(&url).await;
    fill(&desk, TICKETS).await;
    desk.finish().await;
    let pool = PgPool::connect(&url).await.expect("connections");
    let mut workers =
        [Process::start_as(&url, "api,worker").await, Process::start_as(&url, "api,worker").await];
    for stroke in 0..4 {
        until(&pool, IN_THE_MIDDLE).await;
        if stroke == 2 {
            cluster.kill();
            cluster.come_back();
        } else {
            workers[stroke % 2].kill().await;
            workers[stroke % 2] = Process::start_as(&url, "api,worker").await;
        }
    }
    let told: i64 =
        sqlx::query_scalar("select count(*) from events").fetch_one(&pool).await.expect("a count");
    assert!(told < (TICKETS * (1 + POINTS)) as i64, "it was over before the last stroke");
    until(&pool, QUIET).await;
    assert_eq!(faults(&pool).await, Vec::<String>::new());
    let told: i64 =
        sqlx::query_scalar("select count(*) from events").fetch_one(&pool).await.expect("a count");
    assert_eq!(told, (TICKETS * (1 + POINTS)) as i64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_harness_sees_what_is_doubled_and_what_is_lost() {
    let desk = Desk::open().await;
    fill(&desk, 20).await;
    let pool = PgPool::connect(&desk.url).await.expect("connections");
    assert_eq!(faults(&pool).await.len(), 20 * POINTS, "nothing is told yet");
    // A clock that forgets what was told of it is told of again.
    let wire = Wire::losing(&desk.url, Some("told = excluded.told, fire_time = excluded.fire_time,")).await;
    let forgetful = Process::start_as(&wire.url, "api,worker").await;
    until(&pool, TOO_MUCH).await;
    forgetful.kill().await;
    let seen = faults(&pool).await;
    for fault in ["doubled: ", "strayed: "] {
        assert!(seen.iter().any(|it| it.starts_with(fault)), "{fault}: {seen:?}");
    }
    let gone = "delete from events where type = 'ladder.climbed'";
    sqlx::query(gone).execute(&pool).await.expect("taken away");
    let seen = faults(&pool).await;
    for fault in ["lost: ", "versions: "] {
        assert!(seen.iter().any(|it| it.starts_with(fault)), "{fault}: {seen:?}");
    }
}
