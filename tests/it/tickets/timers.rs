//! Timers ring when their time has come: once, whichever replica is first, and for every tenant.

use std::time::Duration;

use ticketing::{
    ids::TenantId,
    jobs::Report,
    tickets::{auto_close, wake},
};
use ticketing_proto::v1 as pb;

use super::{read, record, resolve, tickets, titled};
use crate::support::{Desk, sample};

const DAY: Duration = Duration::from_hours(24);
const SECOND: Duration = Duration::from_secs(1);

fn report(done: usize, full: bool) -> Report {
    Report { done, full }
}

#[tokio::test]
async fn a_resolved_ticket_closes_when_it_stayed_quiet() {
    let desk = Desk::open().await;
    let name = record(&desk, titled("Drucker")).await.name;
    let open = record(&desk, titled("Plotter")).await.name;
    resolve(&desk, &name).await;
    desk.advance(6 * DAY);
    desk.advance(DAY.saturating_sub(SECOND));
    assert_eq!(auto_close::run_once(&desk.app, 10).await.expect("ran"), report(0, false));
    desk.advance(SECOND);
    assert_eq!(auto_close::run_once(&desk.app, 10).await.expect("ran"), report(1, false));
    assert_eq!(auto_close::run_once(&desk.app, 10).await.expect("ran"), report(0, false));
    let ticket = read(&desk, &name).await;
    assert_eq!((ticket.state(), ticket.auto_close_time), (pb::TicketState::Closed, None));
    assert_eq!(ticket.close_time.expect("a time").seconds, desk.now().as_second());
    assert_eq!(read(&desk, &open).await.state(), pb::TicketState::New);
    let actor: (String, String) =
        sqlx::query_as("select actor_kind, actor_id from events where type = 'ticket.closed'")
            .fetch_one(desk.root())
            .await
            .expect("one event");
    assert_eq!(actor, ("SYSTEM".to_owned(), "auto_close".to_owned()));
    desk.finish().await;
}

#[tokio::test]
async fn what_was_reopened_does_not_close() {
    let desk = Desk::open().await;
    let name = record(&desk, titled("Drucker")).await.name;
    resolve(&desk, &name).await;
    let reopen = pb::ReopenTicketRequest { name: name.clone(), ..Default::default() };
    tickets(desk.agent("anna")).reopen_ticket(reopen).await.expect("reopened");
    desk.advance(30 * DAY);
    assert_eq!(auto_close::run_once(&desk.app, 10).await.expect("ran"), report(0, false));
    desk.finish().await;
}

#[tokio::test]
async fn a_held_ticket_resumes_at_its_time() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let mut names = Vec::new();
    for (title, days) in [("bis morgen", Some(1)), ("bis übermorgen", Some(2)), ("bis jemand spricht", None)]
    {
        let name = record(&desk, titled(title)).await.name;
        let until_time = days.map(|days| prost_types::Timestamp {
            seconds: desk.now().as_second() + days * 24 * 60 * 60,
            nanos: 0,
        });
        let hold = pb::HoldTicketRequest { name: name.clone(), until_time, ..Default::default() };
        anna.hold_ticket(hold).await.expect("held");
        names.push(name);
    }
    desk.advance(DAY);
    assert_eq!(wake::run_once(&desk.app, 10).await.expect("ran"), report(1, false));
    let ticket = read(&desk, &names[0]).await;
    assert_eq!((ticket.state(), ticket.hold), (pb::TicketState::Open, None));
    desk.advance(DAY);
    assert_eq!(wake::run_once(&desk.app, 10).await.expect("ran"), report(1, false));
    assert_eq!(read(&desk, &names[1]).await.state(), pb::TicketState::Open);
    desk.advance(365 * DAY);
    assert_eq!(wake::run_once(&desk.app, 10).await.expect("ran"), report(0, false));
    assert_eq!(read(&desk, &names[2]).await.state(), pb::TicketState::OnHold);
    desk.finish().await;
}

#[tokio::test]
async fn a_tick_is_bounded_and_looks_across_tenants() {
    let mut desk = Desk::open().await;
    for tenant in ["globex", "initech"] {
        desk.tenant = TenantId::parse(tenant).expect("a tenant");
        desk.configure(&sample()).await;
        for _ in 0..2 {
            let name = record(&desk, titled("Drucker")).await.name;
            resolve(&desk, &name).await;
        }
    }
    desk.advance(8 * DAY);
    assert_eq!(auto_close::run_once(&desk.app, 3).await.expect("ran"), report(3, true));
    assert_eq!(auto_close::run_once(&desk.app, 3).await.expect("ran"), report(1, false));
    desk.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replicas_share_the_work_and_do_none_of_it_twice() {
    let desk = Desk::open().await;
    let replica = desk.replica().await;
    for n in 0..40 {
        let name = record(&desk, titled(&n.to_string())).await.name;
        resolve(&desk, &name).await;
    }
    desk.advance(8 * DAY);
    let ticks = (0..8).map(|n| {
        let app = if n % 2 == 0 { &desk.app } else { &replica.app };
        auto_close::run_once(app, 40)
    });
    let reports = futures_util::future::join_all(ticks).await;
    let done: usize = reports.into_iter().map(|report| report.expect("ran").done).sum();
    assert_eq!(done, 40);
    let events: i64 = sqlx::query_scalar("select count(*) from events where type = 'ticket.closed'")
        .fetch_one(desk.root())
        .await
        .expect("a count");
    assert_eq!(events, 40);
    replica.finish().await;
    desk.finish().await;
}

#[tokio::test]
async fn a_ticket_that_is_being_written_to_waits_for_the_next_tick_and_holds_up_no_other() {
    let desk = Desk::open().await;
    let busy = record(&desk, titled("in Arbeit")).await.name;
    let free = record(&desk, titled("frei")).await.name;
    for name in [&busy, &free] {
        resolve(&desk, name).await;
    }
    desk.advance(8 * DAY);
    let mut writer = desk.app.db.begin(&desk.tenant).await.expect("a transaction");
    sqlx::query("select 1 from tickets where title = 'in Arbeit' for update")
        .execute(&mut *writer)
        .await
        .expect("locked");
    assert_eq!(auto_close::run_once(&desk.app, 10).await.expect("ran"), report(1, false));
    // A full batch in other hands is no reason to come back at once.
    assert_eq!(auto_close::run_once(&desk.app, 1).await.expect("ran"), report(0, false));
    assert_eq!(read(&desk, &free).await.state(), pb::TicketState::Closed);
    // Dropping would roll back too, but later, when the pool comes to it.
    sqlx::query("rollback").execute(&mut *writer).await.expect("rolled back");
    drop(writer);
    assert_eq!(auto_close::run_once(&desk.app, 1).await.expect("ran"), report(1, true));
    assert_eq!(read(&desk, &busy).await.state(), pb::TicketState::Closed);
    desk.finish().await;
}
