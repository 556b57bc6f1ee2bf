//! Whose turn it is when much is due, and what becomes of a turn that is cut.

use std::time::Duration;

use sqlx::PgPool;
use ticketing::{
    app::{App, Setup},
    configuration::SlaPolicy,
    ctx::{Clock, Ids},
    db::Db,
    ids::TenantId,
    sla::fire::run_once,
};
use ticketing_proto::v1::{self as pb, ticket_service_client::TicketServiceClient};

use crate::support::{Desk, Trip, When, Wire, put_in_force, sample};

const HOUR: Duration = Duration::from_hours(1);

/// The sample configuration with the promise of an answer within an hour.
fn document() -> ticketing::configuration::Document {
    let policy = "{key: gold, clocks: [{clock: FIRST_RESPONSE, target_duration: 1h}]}";
    let policy = serde_saphyr::from_str::<SlaPolicy>(policy).expect("a policy");
    ticketing::configuration::Document { sla_policies: vec![policy], ..sample() }
}

/// Records so many tickets for a tenant.
async fn record(desk: &Desk, tenant: &str, tickets: usize) {
    let parent = format!("tenants/{tenant}");
    let one = || pb::CreateTicketRequest {
        parent: parent.clone(),
        ticket: Some(pb::Ticket { title: "Drucker".into(), ..Default::default() }),
        ..Default::default()
    };
    let requests = (0..tickets).map(|_| one()).collect();
    let batch = pb::BatchCreateTicketsRequest { parent: parent.clone(), requests, ..Default::default() };
    TicketServiceClient::new(desk.channel()).batch_create_tickets(batch).await.expect("recorded");
}

async fn told(pool: &PgPool, tenant: &str) -> i64 {
    let sql = "select count(*) from events where tenant_id = $1 and type = 'sla.breached'";
    sqlx::query_scalar(sql).bind(tenant).fetch_one(pool).await.expect("a count")
}

/// Somebody else has an open transaction.
const AT_WORK: &str = "select exists (select from pg_stat_activity where datname = current_database()
    and pid <> pg_backend_pid() and backend_type = 'client backend' and xact_start is not null)";

#[tokio::test]
async fn a_tenant_with_much_keeps_none_waiting() {
    let desk = Desk::open().await;
    let pool = desk.root();
    desk.configure(&document()).await;
    let small = TenantId::parse("zebra").expect("a tenant");
    put_in_force(pool, &small, &document(), desk.now()).await;
    record(&desk, "acme", 100).await;
    desk.advance(HOUR);
    record(&desk, "zebra", 1).await;
    desk.advance(HOUR * 2);
    // What acme has is due for longer, and is more than a tick does.
    let report = run_once(&desk.app, 50).await.expect("a tick");
    assert_eq!(told(pool, "zebra").await, 1);
    assert_eq!(told(pool, "acme").await, 25);
    assert!(report.full && report.done == 26, "{report:?}");
    // Alone it has the whole tick.
    run_once(&desk.app, 50).await.expect("a tick");
    assert_eq!(told(pool, "acme").await, 75);
    run_once(&desk.app, 50).await.expect("a tick");
    assert_eq!(run_once(&desk.app, 50).await.expect("a tick").done, 0);
    assert_eq!(told(pool, "acme").await, 100);
    desk.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_turn_did_not_commit_is_told_in_the_next() {
    let desk = Desk::open().await;
    let pool = desk.root();
    desk.configure(&document()).await;
    let wire = Wire::to(&desk.url).await;
    let mut due = 0;
    let mut committed = 0;
    for when in [When::Before, When::After] {
        for trip in (1..).map(Trip::Nth) {
            record(&desk, "acme", 2).await;
            desk.advance(HOUR * 2);
            due += 2;
            // A process of its own for every stroke: nothing is at hand, each makes every trip.
            let db = Db::connect(&wire.url, 1).await.expect("connections");
            let clock = Clock::manual(desk.now());
            let other = App::start(db, clock, Ids::random(), Setup::default()).await.expect("it starts");
            wire.arm(trip, when, async {});
            let struck_at = run_once(&other, 50).await;
            other.drain.cancel();
            other.db.close().await;
            if !wire.disarm() {
                assert!(struck_at.is_ok(), "{struck_at:?}");
                break;
            }
            // Until Postgres has noticed that nobody is there any more, it keeps the locks.
            while sqlx::query_scalar(AT_WORK).fetch_one(pool).await.unwrap_or(true) {}
            let before = told(pool, "acme").await;
            assert!([due - 2, due].contains(&before), "{trip:?} {when:?}: all of a turn or nothing");
            committed += i64::from(before == due);
            run_once(&desk.app, 50).await.expect("a tick");
            assert_eq!(told(pool, "acme").await, due, "{trip:?} {when:?}");
        }
    }
    assert!(committed >= 1, "no stroke fell between the commit and its answer");
    desk.finish().await;
}
