//! A bulk arrival: ten thousand tickets into one queue of two hundred agents, given away by two replicas at once.

use std::sync::Arc;

use ticketing_proto::v1 as pb;
use tokio::task::JoinSet;

use super::push_once;
use crate::{
    agents::employ,
    support::Desk,
    tickets::{recording, tickets, titled},
};

const TICKETS: usize = 10_000;
const AGENTS: usize = 200;
/// Less than all of it, so that there is an end where nobody has room.
const CAPACITY: i32 = 40;

async fn arrive(desk: &Arc<Desk>) {
    let mut callers = JoinSet::new();
    for _ in 0..4 {
        let desk = Arc::clone(desk);
        callers.spawn(async move {
            for _ in 0..TICKETS / 100 / 4 {
                let requests = (0..100).map(|n| recording(&desk, titled(&format!("Anruf {n}")))).collect();
                let batch =
                    pb::BatchCreateTicketsRequest { parent: desk.parent(), requests, ..Default::default() };
                tickets(desk.agent("anna")).batch_create_tickets(batch).await.expect("recorded");
            }
        });
    }
    callers.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_tickets_settle_without_overshoot_double_owner_or_loss() {
    let desk = Arc::new(Desk::open().await);
    let replica = Arc::new(desk.replica().await);
    for n in 0..AGENTS {
        employ(&desk, &format!("agent-{n:03}"), "desk-de", CAPACITY, &["german"]).await;
    }
    arrive(&desk).await;
    let mut jobs = JoinSet::new();
    for at in [&desk, &replica] {
        let at = Arc::clone(at);
        jobs.spawn(async move {
            let mut given = 0;
            loop {
                match push_once(&at).await {
                    0 => return given,
                    more => given += more,
                }
            }
        });
    }
    let mut given: usize = jobs.join_all().await.into_iter().sum();
    // What one replica had locked when the other looked last.
    given += push_once(&desk).await;
    let room = AGENTS * CAPACITY as usize;
    assert_eq!(given, room);
    let (owned, waiting, most, least): (i64, i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from tickets where assignee is not null),
                (select count(*) from tickets where queue_time is not null), max(n), min(n)
         from (select count(*) as n from tickets where assignee is not null group by assignee) loads",
    )
    .fetch_one(desk.root())
    .await
    .expect("figures");
    assert_eq!((owned, waiting), (room as i64, (TICKETS - room) as i64));
    assert_eq!((most, least), (i64::from(CAPACITY), i64::from(CAPACITY)));
    let twice: i64 = sqlx::query_scalar(
        "select count(*) from (select 1 from events where type = 'ticket.assigned'
                               group by ticket_id having count(*) > 1) twice",
    )
    .fetch_one(desk.root())
    .await
    .expect("a count");
    assert_eq!(twice, 0);
    drop(replica);
    Arc::into_inner(desk).expect("the last one").finish().await;
}
