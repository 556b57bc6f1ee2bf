//! Whatever runs at once, on two server processes of which one is killed now and then: nobody has more than fits, no
//! ticket has two owners, none is lost, and a queue is served in its order. The harness must see the fault for which the
//! agent's lock is there.

#![allow(clippy::disallowed_methods)] // the watcher ends with the storm; no drain waits for it

mod callers;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::PgPool;
use ticketing::{
    configuration::{Calendar, CalendarException, DayHours, Dispatch, Document, LoadWeight},
    ctx::Clock,
    ids::TenantId,
};
use tokio::{sync::RwLock, task::JoinSet};
use tonic::transport::Channel;

use self::callers::{AGENTS, Callers};
use crate::support::{Process, Wire, broken_laws, fresh_database, put_in_force, sample};

/// Callers at once.
const CALLERS: usize = 16;

/// A German queue that pushes and an English one that offers; calls weigh more, what waits for the customer nothing.
fn document() -> Document {
    let mut document = sample();
    document.queues[0].overflow_queue = "desk-en".into();
    document.queues[1].dispatch = Dispatch::Offer;
    document.queues[1].offer_duration = Some(Duration::from_secs(5));
    document.queues[1].cool_down_duration = Some(Duration::ZERO);
    let weight = |channel: &str, state: &str, weight| LoadWeight {
        channel: channel.into(),
        state: state.into(),
        weight,
    };
    document.load_weights = vec![weight("", "WAITING_ON_CUSTOMER", 0), weight("PHONE", "", 2)];
    for rule in &mut document.routing_rules {
        rule.required_skills.clear();
    }
    // Open on a day that is long over.
    let never = CalendarException {
        date: "2001-01-01".into(),
        hours: vec![DayHours { open: "08:00".into(), close: "09:00".into() }],
        ..CalendarException::default()
    };
    document.calendars.push(Calendar {
        key: "never".into(),
        time_zone: "UTC".into(),
        exceptions: vec![never],
        ..Calendar::default()
    });
    document
}

/// Who has more than fits, as one snapshot shows it; by the weights of the document, written down once more.
const OVERFULL: &str = "
    select a.key || ' has ' || sum(case when state = 'WAITING_ON_CUSTOMER' then 0 when channel = 'PHONE' then 2 else 1 end)
                 || ' of ' || a.capacity
    from agents a join tickets t on t.tenant_id = a.tenant_id and a.key in (t.assignee, t.offered_to)
    where t.state in ('NEW', 'OPEN', 'WAITING_ON_CUSTOMER', 'WAITING_ON_VENDOR', 'ON_HOLD')
    group by a.key, a.capacity
    having sum(case when state = 'WAITING_ON_CUSTOMER' then 0 when channel = 'PHONE' then 2 else 1 end) > a.capacity";

/// Tickets that nobody has and that wait nowhere; and those that are somebody's and wait all the same.
const LOST: &str = "
    select id::text || ' ' || state from tickets
    where state in ('NEW', 'OPEN', 'WAITING_ON_CUSTOMER', 'WAITING_ON_VENDOR', 'ON_HOLD')
      and ((assignee is null) <> (queue_time is not null) or (offered_to is not null and assignee is not null))";

async fn rows(pool: &PgPool, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(pool).await.expect("a snapshot")
}

/// Two processes on one database, and what their callers were promised.
struct Storm {
    pool: PgPool,
    wires: [Wire; 2],
    servers: [RwLock<Process>; 2],
    /// Names of the tickets that a caller was told are recorded.
    recorded: RwLock<Vec<String>>,
    steps: AtomicUsize,
    /// What the watcher saw that must not be.
    seen: RwLock<Vec<String>>,
    over: AtomicBool,
}

impl Storm {
    async fn begin(lost: Option<&'static str>) -> Arc<Self> {
        let database = fresh_database().await;
        let pool = PgPool::connect(&database).await.expect("the database takes connections");
        let tenant = TenantId::parse("acme").expect("a tenant");
        put_in_force(&pool, &tenant, &document(), Clock::system().now()).await;
        let wires = [Wire::losing(&database, lost).await, Wire::losing(&database, lost).await];
        let servers = [start(&wires[0]).await, start(&wires[1]).await].map(RwLock::new);
        Arc::new(Self {
            pool,
            wires,
            servers,
            recorded: RwLock::default(),
            steps: AtomicUsize::new(0),
            seen: RwLock::default(),
            over: AtomicBool::new(false),
        })
    }

    async fn channel(&self, caller: usize) -> Channel {
        self.servers[caller % 2].read().await.channel.clone()
    }

    /// So many steps by all callers together, with a look at everybody's load all the time, until something is seen that
    /// must not be.
    async fn rage(self: &Arc<Self>, steps: usize, kills: usize) {
        let watch = tokio::spawn(Arc::clone(self).watch());
        let mut tasks = JoinSet::new();
        for caller in 0..CALLERS {
            let storm = Arc::clone(self);
            tasks.spawn(async move {
                let mut callers = Callers::new(caller as u64);
                while storm.steps.fetch_add(1, Ordering::Relaxed) < steps
                    && !storm.over.load(Ordering::Relaxed)
                {
                    callers.step(&storm.channel(caller).await, &storm.recorded).await;
                }
            });
        }
        for kill in 1..=kills {
            self.reached(steps * kill / (kills + 1)).await;
            self.kill(kill).await;
        }
        tasks.join_all().await;
        self.over.store(true, Ordering::Relaxed);
        let looks = watch.await.expect("the watcher ends");
        assert!(looks > 20, "{looks} looks");
    }

    /// Comes back when so many steps are done, or when it is over.
    async fn reached(&self, steps: usize) {
        while self.steps.load(Ordering::Relaxed) < steps && !self.over.load(Ordering::Relaxed) {
            rows(&self.pool, "select 'a round trip'").await;
        }
    }

    /// `kill -9` of one process in the middle of whatever it does; another takes its place.
    async fn kill(&self, turn: usize) {
        let at = turn % 2;
        // Who is at it is cut off; who comes next waits for the one that takes its place.
        let mut server = self.servers[at].write().await;
        server.kill().await;
        *server = start(&self.wires[at]).await;
    }

    /// From here on, only who calls does anything: no job has a ticket in its hands.
    async fn calm(&self) {
        for (server, wire) in self.servers.iter().zip(&self.wires) {
            let mut server = server.write().await;
            server.kill().await;
            *server = Process::start_as(&wire.url, "api").await;
        }
        let at_work = "select count(*) from pg_stat_activity
                       where datname = current_database() and xact_start is not null and pid <> pg_backend_pid()";
        while sqlx::query_scalar::<_, i64>(at_work).fetch_one(&self.pool).await.expect("a count") > 0 {}
    }

    async fn watch(self: Arc<Self>) -> usize {
        let mut looks = 0;
        while !self.over.load(Ordering::Relaxed) {
            let overfull = rows(&self.pool, OVERFULL).await;
            looks += 1;
            if !overfull.is_empty() {
                *self.seen.write().await = overfull;
                self.over.store(true, Ordering::Relaxed);
            }
        }
        looks
    }

    /// What is wrong, now that it is quiet.
    async fn faults(&self) -> Vec<String> {
        let mut faults = self.seen.read().await.clone();
        faults.extend(rows(&self.pool, OVERFULL).await);
        faults.extend(rows(&self.pool, LOST).await);
        faults.extend(broken_laws(&self.pool).await);
        let kept: i64 = sqlx::query_scalar("select count(*) from tickets where id::text = any($1)")
            .bind(self.ids().await)
            .fetch_one(&self.pool)
            .await
            .expect("a count");
        let recorded = self.recorded.read().await.len() as i64;
        if kept != recorded {
            faults.push(format!("{kept} tickets of {recorded} that callers were told of"));
        }
        faults
    }

    async fn ids(&self) -> Vec<String> {
        let id = |name: &String| {
            let id: ticketing::ids::Id = name.rsplit('/').next()?.parse().ok()?;
            Some(id.0.to_string())
        };
        self.recorded.read().await.iter().filter_map(id).collect()
    }
}

async fn start(wire: &Wire) -> Process {
    Process::start_as(&wire.url, "api,worker").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_one_of_which_is_killed_now_and_then() {
    let storm = Storm::begin(None).await;
    callers::employ(&storm.channel(0).await).await;
    storm.rage(4000, 4).await;
    assert_eq!(storm.faults().await, Vec::<String>::new());
    let verbs: Vec<(String, i64)> = sqlx::query_as("select type, count(*) from events group by type")
        .fetch_all(&storm.pool)
        .await
        .expect("figures");
    for verb in
        ["created", "assigned", "offered", "offer_declined", "transferred", "released", "resolved", "held"]
    {
        let count =
            verbs.iter().find(|(kind, _)| *kind == format!("ticket.{verb}")).map_or(0, |(_, count)| *count);
        assert!(count > 10, "{verb} happened {count} times: {verbs:?}");
    }
    // What waits now is served in the order in which it is listed.
    callers::quiet(&storm.channel(1).await, &storm.pool).await;
    storm.calm().await;
    let (listed, served) = callers::serve(&storm.channel(1).await).await;
    assert!(listed.len() >= 20, "{} tickets wait", listed.len());
    assert_eq!(served, listed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_harness_sees_a_capacity_that_is_read_without_its_lock() {
    let storm = Storm::begin(Some("order by key for update")).await;
    callers::employ(&storm.channel(0).await).await;
    storm.rage(20_000, 0).await;
    let seen = storm.seen.read().await.clone();
    assert!(AGENTS.iter().any(|(key, ..)| seen.iter().any(|it| it.starts_with(key))), "{seen:?}");
}
