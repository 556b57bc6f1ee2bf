//! What is acknowledged stays, and what is repeated is not doubled, wherever in a create the server or its connections
//! die. The wire to Postgres is struck at every round trip in turn; callers repeat what was not answered.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use ticketing::ids::{Id, TenantId};
use ticketing_proto::v1::{self as pb, ticket_service_client::TicketServiceClient};
use tonic::Code;

use crate::support::{Process, START, Trip, When, Wire, broken_laws, fresh_database, put_in_force, sample};

/// What a caller does who was not answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// What the contract says: the same request under the same request_id.
    Repeats,
    /// A fault: a new request_id for the same matter.
    AsksAnew,
    /// A fault: takes no answer for a yes.
    Believes,
}

/// What is struck.
#[derive(Clone, Copy)]
enum Blow {
    /// The server, in which nothing had happened yet.
    FreshServer,
    /// The server, which had taken calls before.
    Server,
    /// All its connections, by Postgres.
    Connections,
}

/// A database, the wire to it, and what callers believe about it.
struct Story {
    database: String,
    pool: PgPool,
    wire: Wire,
    server: Process,
    manner: Manner,
    /// Title and the name that was answered, of every matter that its caller holds to be settled.
    settled: Vec<(String, Option<String>)>,
    struck: usize,
    replayed: usize,
}

impl Story {
    async fn begin(manner: Manner) -> Self {
        let database = fresh_database().await;
        let pool = PgPool::connect(&database).await.expect("the database takes connections");
        let tenant = TenantId::parse("acme").expect("a tenant");
        put_in_force(&pool, &tenant, &sample(), START.parse().expect("a time")).await;
        let wire = Wire::to(&database).await;
        let server = Process::start(&wire.url).await;
        Self { database, pool, wire, server, manner, settled: Vec::new(), struck: 0, replayed: 0 }
    }

    /// So many callers at once, struck at every trip in turn, on both sides of it.
    async fn tell(&mut self, callers: usize, blow: Blow) {
        for when in [When::Before, When::After] {
            let mut n = 1;
            while self.round(Trip::Nth(n), when, callers, blow).await {
                n += 1;
            }
        }
        // Where a count may miss it, because another connection made a trip in between.
        self.round(Trip::Commit, When::After, callers, blow).await;
    }

    /// Strikes at a trip; says whether there were so many before everybody was answered. A service that lost its
    /// connections may have answered everybody all the same.
    async fn round(&mut self, trip: Trip, when: When, callers: usize, blow: Blow) -> bool {
        let titles: Vec<String> = (0..callers).map(|caller| format!("{when:?} {trip:?} {caller}")).collect();
        match blow {
            Blow::Connections => self.wire.arm(trip, when, terminate(self.database.clone())),
            Blow::Server | Blow::FreshServer => self.wire.arm(trip, when, self.server.kill()),
        }
        let answers = join_all(titles.iter().map(|title| self.create(title, title))).await;
        let struck = self.wire.disarm();
        if struck {
            self.struck += 1;
            if !matches!(blow, Blow::Connections) {
                self.server.kill().await;
                self.server = Process::start(&self.wire.url).await;
            }
        }
        let goes_on = titles.iter().zip(&answers).map(|(title, answer)| self.go_on(title, answer.is_some()));
        let settled = join_all(goes_on).await;
        for ((title, answer), (name, replayed)) in titles.into_iter().zip(answers).zip(settled) {
            // The stroke fell between the commit and the answer: the caller learns it, or the service did.
            self.replayed += usize::from(answer.as_ref().map_or(replayed, |answered| answered.replayed));
            self.settled.extend(answer.map(|answered| (title.clone(), Some(answered.name))));
            self.settled.push((title, name));
        }
        if struck && matches!(blow, Blow::FreshServer) {
            self.server = Process::start(&self.wire.url).await;
        }
        struck
    }

    /// One call; none, when the server could not answer.
    async fn create(&self, title: &str, request_id: &str) -> Option<Answered> {
        let request = pb::CreateTicketRequest {
            parent: "tenants/acme".to_owned(),
            ticket: Some(pb::Ticket { title: title.to_owned(), ..Default::default() }),
            request_id: request_id.to_owned(),
            ..Default::default()
        };
        match TicketServiceClient::new(self.server.channel.clone()).create_ticket(request).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                let name = answer.ticket.expect("a ticket").name;
                Some(Answered { name, replayed: answer.replayed })
            }
            // A server that dies in the middle of an answer ends the call as its client's library sees fit.
            Err(status) => {
                let unanswered = [Code::Unavailable, Code::Unknown, Code::Cancelled];
                assert!(unanswered.contains(&status.code()), "{title}: {status:?}");
                None
            }
        }
    }

    /// What the caller does next, in its manner: the name that it learns, and whether that was told as a repetition.
    async fn go_on(&self, title: &str, answered: bool) -> (Option<String>, bool) {
        let request_id = match self.manner {
            Manner::Believes if !answered => return (None, false),
            Manner::AsksAnew if !answered => format!("{title}, anew"),
            _ => title.to_owned(),
        };
        // Every connection may be dead, and shows it once.
        for _ in 0..=Process::CONNECTIONS {
            if let Some(answered) = self.create(title, &request_id).await {
                return (Some(answered.name), answered.replayed);
            }
        }
        panic!("{title}: the service does not come back");
    }

    /// Every matter must be one ticket, the one that was answered; and the laws hold.
    async fn faults(&self) -> Vec<String> {
        let rows: Vec<(String, Id)> =
            sqlx::query_as("select title, id from tickets").fetch_all(&self.pool).await.expect("tickets");
        let mut kept: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (title, id) in rows {
            kept.entry(title).or_default().insert(format!("tenants/acme/tickets/{id}"));
        }
        let mut faults = broken_laws(&self.pool).await;
        for (title, name) in &self.settled {
            match kept.get(title) {
                None => faults.push(format!("lost: {title}")),
                Some(names) if names.len() > 1 => faults.push(format!("doubled: {title}")),
                Some(names) if name.as_ref().is_some_and(|name| !names.contains(name)) => {
                    faults.push(format!("another: {title}"));
                }
                Some(_) => {}
            }
        }
        faults
    }

    /// Asserts that nothing was lost or doubled, and that the strokes fell where they can do harm.
    async fn finish(self) {
        assert_eq!(self.faults().await, Vec::<String>::new());
        // BEGIN, the look for a receipt, the ticket, the receipt, COMMIT: each before and after.
        assert!(self.struck >= 10, "struck {} times only", self.struck);
        assert!(self.replayed > 0, "no stroke fell between the commit and the answer");
    }
}

/// What a caller was told.
struct Answered {
    name: String,
    replayed: bool,
}

/// Ends every connection of the service, as an administrator or a failover does.
async fn terminate(database: String) {
    let mut connection = PgConnection::connect(&database).await.expect("the database takes connections");
    let sql = "select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and application_name = 'ticketing'";
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("an administrator may");
    connection.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_anywhere_in_its_first_create_loses_and_doubles_nothing() {
    let mut story = Story::begin(Manner::Repeats).await;
    story.tell(1, Blow::FreshServer).await;
    story.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_while_many_create_loses_and_doubles_nothing() {
    let mut story = Story::begin(Manner::Repeats).await;
    story.tell(8, Blow::Server).await;
    story.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_loses_its_connections_comes_back_by_itself() {
    let mut story = Story::begin(Manner::Repeats).await;
    story.tell(8, Blow::Connections).await;
    story.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_harness_sees_what_is_lost_and_what_is_doubled() {
    for (manner, fault) in [(Manner::AsksAnew, "doubled: "), (Manner::Believes, "lost: ")] {
        let mut story = Story::begin(manner).await;
        story.tell(1, Blow::FreshServer).await;
        let faults = story.faults().await;
        assert!(!faults.is_empty() && faults.iter().all(|it| it.starts_with(fault)), "{fault}: {faults:?}");
    }
}
