//! Whatever runs at once, on two replicas: nobody gets more than fits, no ticket has two owners, none is lost.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use ticketing_proto::v1 as pb;
use tokio::task::JoinSet;
use tonic::{Response, Status};

use super::{pull, push_once};
use crate::{
    agents::employ,
    support::{Desk, reason},
    tickets::{claim, record, tickets, titled},
};

/// Agents by key, with their capacity.
const AGENTS: [(&str, i64); 4] = [("anna", 3), ("bert", 1), ("carl", 5), ("dora", 2)];
const TICKETS: usize = 40;
const TASKS: usize = 16;
const STEPS: usize = 25;

/// Refusals that others' being faster explains.
fn fair<T>(result: &Result<Response<T>, Status>) {
    if result.is_err() {
        let fair = [
            "FailedPrecondition AGENT_AT_CAPACITY",
            "FailedPrecondition TICKET_ALREADY_ASSIGNED",
            "FailedPrecondition TICKET_STATE_CONFLICT",
        ];
        assert!(fair.contains(&reason(result).as_str()), "{}", reason(result));
    }
}

async fn step(desk: &Desk, random: &mut fastrand::Rng, names: &[String]) {
    let (agent, _) = AGENTS[random.usize(..AGENTS.len())];
    let name = &names[random.usize(..names.len())];
    match random.u8(..6) {
        0 => fair(&pull(desk, agent, "desk-de").await),
        1 => fair(&claim(desk, agent, name).await),
        2 => _ = push_once(desk).await,
        3 => {
            let assignee = format!("{}/agents/{agent}", desk.parent());
            let request = pb::AssignTicketRequest { name: name.clone(), assignee, ..Default::default() };
            fair(&tickets(desk.manager()).assign_ticket(request).await);
        }
        _ => {
            let request = pb::ReleaseTicketRequest { name: name.clone(), ..Default::default() };
            fair(&tickets(desk.agent(agent)).release_ticket(request).await);
        }
    }
}

/// Who owns more than fits, as one snapshot shows it.
async fn overfull(desk: &Desk) -> Vec<(String, i64)> {
    sqlx::query_as(
        "select a.key, count(*) from agents a join tickets t on t.tenant_id = a.tenant_id and t.assignee = a.key
         where a.tenant_id = $1 group by a.key, a.capacity having count(*) > a.capacity",
    )
    .bind(desk.tenant.as_str())
    .fetch_all(desk.root())
    .await
    .expect("a snapshot")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn capacity_is_never_exceeded_and_no_ticket_is_lost() {
    let desk = Arc::new(Desk::open().await);
    let replica = Arc::new(desk.replica().await);
    for (key, capacity) in AGENTS {
        employ(&desk, key, "desk-de", capacity as i32, &["german"]).await;
    }
    let mut names = Vec::new();
    for n in 0..TICKETS {
        names.push(record(&desk, titled(&format!("Anruf {n}"))).await.name);
    }
    let names = Arc::new(names);
    let over = Arc::new(AtomicBool::new(false));
    let mut watch = JoinSet::new();
    watch.spawn({
        let (desk, over) = (Arc::clone(&desk), Arc::clone(&over));
        async move {
            let mut looks = 0;
            while !over.load(Ordering::Relaxed) {
                assert_eq!(overfull(&desk).await, []);
                looks += 1;
            }
            looks
        }
    });
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let desk = Arc::clone(if task % 2 == 0 { &desk } else { &replica });
        let names = Arc::clone(&names);
        tasks.spawn(async move {
            let mut random = fastrand::Rng::with_seed(task as u64);
            for _ in 0..STEPS {
                step(&desk, &mut random, &names).await;
            }
        });
    }
    tasks.join_all().await;
    over.store(true, Ordering::Relaxed);
    let looks: usize = watch.join_all().await.into_iter().sum();
    assert!(looks > 10, "{looks}");

    // What is left to do is done: everybody is full to the brim, and the rest waits.
    push_once(&desk).await;
    let room: i64 = AGENTS.iter().map(|(_, capacity)| capacity).sum();
    let (owned, waiting): (i64, i64) = sqlx::query_as(
        "select count(*) filter (where assignee is not null), count(*) filter (where queue_time is not null)
         from tickets where tenant_id = $1",
    )
    .bind(desk.tenant.as_str())
    .fetch_one(desk.root())
    .await
    .expect("two counts");
    assert_eq!((owned, waiting), (room, TICKETS as i64 - room));
    assert_eq!(overfull(&desk).await, []);
    drop(replica);
    Arc::into_inner(desk).expect("the last one").finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_jobs_at_once_give_each_ticket_once() {
    let desk = Arc::new(Desk::open().await);
    let replica = Arc::new(desk.replica().await);
    employ(&desk, "anna", "desk-de", 100, &["german"]).await;
    employ(&desk, "bert", "desk-de", 100, &["german"]).await;
    for n in 0..TICKETS {
        record(&desk, titled(&format!("Anruf {n}"))).await;
    }
    let mut ticks = JoinSet::new();
    for at in [&desk, &replica, &desk, &replica] {
        let at = Arc::clone(at);
        ticks.spawn(async move { push_once(&at).await });
    }
    let mut given: usize = ticks.join_all().await.into_iter().sum();
    given += push_once(&desk).await;
    assert_eq!(given, TICKETS);
    let assigned: i64 = sqlx::query_scalar("select count(*) from events where type = 'ticket.assigned'")
        .fetch_one(desk.root())
        .await
        .expect("a count");
    assert_eq!(assigned, TICKETS as i64);
    drop(replica);
    Arc::into_inner(desk).expect("the last one").finish().await;
}
