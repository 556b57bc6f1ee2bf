//! Counting bit by bit, by several at once and through a death, comes to what counting anew comes to; and what is gone is in
//! no figure.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use ticketing::{events::sequencer, reports::follow, tickets::retire};
use ticketing_proto::v1 as pb;

use super::{ask, asking, count, values};
use crate::{
    agents::employ,
    support::{Desk, sample},
    tickets::{claim, record, tickets, titled},
};

/// All that figures are counted from.
async fn rows(desk: &Desk) -> Vec<String> {
    let mut rows = Vec::new();
    for table in ["report_tickets", "report_steps", "report_clocks"] {
        let sql = format!("select to_jsonb(r)::text from {table} r order by 1");
        let found: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(desk.root()).await.expect("rows");
        rows.extend(found);
    }
    rows
}

async fn spoil(desk: &Desk, sql: &'static str) {
    sqlx::query(sql).execute(desk.root()).await.expect("spoilt");
}

/// A step in a ticket's life, by a number.
async fn live(desk: &Desk, names: &mut Vec<String>, n: u64) {
    let name = |names: &[String]| names[n as usize * 7 % names.len()].clone();
    match n % 6 {
        0 => names.push(record(desk, titled(&format!("Nummer {n}"))).await.name),
        1 => drop(claim(desk, "anna", &name(names)).await),
        2 => {
            let request = pb::HoldTicketRequest {
                name: name(names),
                kind: pb::HoldKind::Customer.into(),
                note: "gefragt".to_owned(),
                ..Default::default()
            };
            drop(tickets(desk.agent("anna")).hold_ticket(request).await);
        }
        3 => drop(crate::escalation::escalate(desk, "anna", &name(names), "applications").await),
        4 => {
            let resolution = Some(pb::Resolution {
                code: "fixed".to_owned(),
                summary: "so".to_owned(),
                no_article_reason: "einmalig".to_owned(),
                ..Default::default()
            });
            let request = pb::ResolveTicketRequest { name: name(names), resolution, ..Default::default() };
            drop(tickets(desk.agent("anna")).resolve_ticket(request).await);
        }
        _ => {
            let request = pb::ReopenTicketRequest {
                name: name(names),
                note: "doch nicht".to_owned(),
                ..Default::default()
            };
            drop(tickets(desk.agent("anna")).reopen_ticket(request).await);
        }
    }
    desk.advance(Duration::from_mins(7));
}

#[tokio::test]
async fn bit_by_bit_by_two_and_anew_is_the_same() {
    let desk = Desk::open().await;
    let other = desk.replica().await;
    employ(&desk, "anna", "desk-de", 50, &["german"]).await;
    let mut names = Vec::new();
    for n in 0..120 {
        // Some tickets first; then whatever, in an order that is the same every time.
        live(&desk, &mut names, if n < 5 { 0 } else { n * 7919 % 101 }).await;
        if n % 4 == 0 {
            sequencer::run_once(&desk.app, 1000).await.expect("a pass");
            let (one, two) = tokio::join!(follow::run_once(&desk.app, 10), follow::run_once(&other.app, 10));
            one.and(two).expect("two ticks");
        }
        if n == 60 {
            // Whoever died before it noted how far it had come counts the same again.
            spoil(&desk, "update report_heads set position = greatest(position - 40, 0)").await;
        }
    }
    count(&desk).await;
    let by_bits = rows(&desk).await;
    assert!(by_bits.len() > 100, "{}", by_bits.len());
    spoil(&desk, "update report_heads set revision = 0").await;
    spoil(&desk, "update report_tickets set revision = 0, returns = 99").await;
    let answer = ask(&desk, asking(&desk, &["created"], &[])).await;
    assert!(answer.state.expect("a state").rebuilding);
    count(&desk).await;
    assert_eq!(rows(&desk).await, by_bits);
    let [created] = values(&desk, ["created"]).await;
    assert_eq!(created.0 as usize, names.len());
    desk.finish().await;
}

/// The harness finds what it is to find.
#[tokio::test]
async fn a_row_that_is_not_what_the_events_say_is_found() {
    let desk = Desk::open().await;
    record(&desk, titled("eins")).await;
    count(&desk).await;
    let right = rows(&desk).await;
    spoil(&desk, "update report_tickets set live_micros = live_micros + 1").await;
    let wrong = rows(&desk).await;
    assert_ne!(wrong, right);
    spoil(&desk, "update report_heads set revision = 0").await;
    count(&desk).await;
    assert_eq!(rows(&desk).await, wrong, "what is known of the rules of today is gone on with");
    spoil(&desk, "update report_heads set revision = 0").await;
    spoil(&desk, "update report_tickets set revision = 0").await;
    count(&desk).await;
    assert_eq!(rows(&desk).await, right);
    desk.finish().await;
}

#[tokio::test]
async fn the_state_says_how_far_it_has_come() {
    let desk = Desk::open().await;
    let state = async || ask(&desk, asking(&desk, &["created"], &[])).await.state.expect("a state");
    let nothing = state().await;
    assert!(nothing.rebuilding && nothing.waiting && nothing.as_of_time.is_none(), "{nothing:?}");
    count(&desk).await;
    let current = state().await;
    assert!(!current.rebuilding && !current.waiting, "{current:?}");
    let then = record(&desk, titled("neu")).await.create_time.expect("a time");
    desk.advance(Duration::from_mins(1));
    let behind = state().await;
    assert!(behind.waiting && behind.as_of_time.expect("a time").seconds <= then.seconds, "{behind:?}");
    sequencer::run_once(&desk.app, 10).await.expect("a pass");
    assert!(state().await.waiting, "it has a place and is not counted");
    count(&desk).await;
    let current = state().await;
    assert!(!current.waiting && current.as_of_time.expect("a time").seconds == desk.now().as_second());
    desk.finish().await;
}

#[tokio::test]
async fn who_was_there_before_the_figures_is_counted() {
    let desk = Desk::open().await;
    for n in 0..3 {
        record(&desk, titled(&format!("alt {n}"))).await;
    }
    while sequencer::run_once(&desk.app, 1000).await.expect("a pass").full {}
    // As a release finds it that counts for the first time: the stream is already told, and even dropped.
    spoil(&desk, "delete from stream").await;
    while follow::run_once(&desk.app, 10).await.expect("a tick").full {}
    let [created] = values(&desk, ["created"]).await;
    assert_eq!(created.0, 3.0);
}

#[tokio::test]
async fn what_is_retired_is_in_no_figure() {
    let desk = Desk::open().await;
    let mut document = sample();
    document.lifecycle.retention_duration = Duration::from_hours(24);
    desk.configure(&document).await;
    let name = record(&desk, titled("geht")).await.name;
    record(&desk, titled("bleibt")).await;
    let cancel = pb::CancelTicketRequest { name, reason: "doppelt".into(), ..Default::default() };
    tickets(desk.manager()).cancel_ticket(cancel).await.expect("cancelled");
    count(&desk).await;
    assert_eq!(values(&desk, ["created", "cancelled"]).await.map(|it| it.0), [2.0, 1.0]);
    desk.advance(Duration::from_hours(25));
    assert_eq!(retire::run_once(&desk.app, 10).await.expect("a tick").done, 1);
    count(&desk).await;
    assert_eq!(values(&desk, ["created", "cancelled"]).await.map(|it| it.0), [1.0, 0.0]);
    desk.finish().await;
}
