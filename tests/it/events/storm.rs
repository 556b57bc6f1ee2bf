//! What the stream is proved with, and proof that it would catch what goes wrong elsewhere: a cursor over a bare sequence
//! loses what commits late, and an order by transaction tells versions in the wrong one.

mod proof;

use std::collections::HashSet;

use proof::{Consumer, Faults, Told};
use sqlx::AssertSqlSafe;
use ticketing::ids::Id;

use super::*;

/// Who gives events their place.
#[derive(Clone, Copy, Debug)]
enum Sequencer {
    Ours,
    /// Planted: goes on behind the highest `seq` that it saw.
    BareSequence,
    /// Planted: goes by the order in which transactions began to write.
    TransactionId,
}

impl Sequencer {
    async fn place(self, desk: &Desk) {
        let (condition, order) = match self {
            Self::Ours => return sequence(desk).await,
            Self::BareSequence => ("seq > coalesce((select max(seq) from passed), 0)", "seq"),
            Self::TransactionId => ("true", "outbox.xmin::text::bigint, seq"),
        };
        let sql = format!(
            "create table if not exists passed (seq bigint);
             with due as (select *, row_number() over (order by {order}) as nth from outbox where {condition}),
             placed as (
                 insert into stream (tenant_id, position, bucket, ticket_id, version, record_time)
                 select due.tenant_id, h.position + nth, bucket, ticket_id, version, e.record_time
                 from due join stream_heads h using (bucket) join events e using (tenant_id, ticket_id, version)
             ), seen as (insert into passed select seq from due)
             update stream_heads h set position = position + (select count(*) from due where due.bucket = h.bucket);
             delete from outbox where seq in (select seq from passed)"
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(desk.root()).await.expect("placed");
    }
}

/// What a consumer hears who reads the stream to its end.
async fn heard(desk: &Desk) -> Faults {
    let mut consumer = Consumer::default();
    for event in log(desk, 100).await {
        let ticket = event.resource.rsplit('/').next().expect("an id").to_owned();
        consumer.hear((ticket, event.ticket_version));
    }
    let rows: Vec<(Id, i64)> = sqlx::query_as("select ticket_id, version from events")
        .fetch_all(desk.root())
        .await
        .expect("the log");
    let all: HashSet<Told> =
        rows.into_iter().map(|(ticket, version)| (ticket.to_string(), version)).collect();
    assert!(all.len() > 3);
    consumer.judge(&all)
}

/// One transaction has drawn its `seq` and commits after others were placed.
async fn late(sequencer: Sequencer) -> Faults {
    let desk = Desk::open().await;
    let (slow, fast) = (create(&desk, "slow").await, create(&desk, "fast").await);
    sequencer.place(&desk).await;
    let mut tx = desk.app.db.begin(&desk.tenant).await.expect("a transaction");
    note(&desk, &mut tx, &slow).await;
    hold(&desk, &fast.name).await;
    sequencer.place(&desk).await;
    tx.commit().await.expect("committed");
    hold(&desk, &fast.name).await;
    sequencer.place(&desk).await;
    heard(&desk).await
}

/// One transaction has its number before another, and comes to the ticket after it.
async fn early_number(sequencer: Sequencer) -> Faults {
    let desk = Desk::open().await;
    let (ticket, other) = (create(&desk, "contested").await, create(&desk, "other").await);
    sequencer.place(&desk).await;
    let mut tx = desk.app.db.begin(&desk.tenant).await.expect("a transaction");
    note(&desk, &mut tx, &other).await;
    hold(&desk, &ticket.name).await;
    note(&desk, &mut tx, &ticket).await;
    tx.commit().await.expect("committed");
    sequencer.place(&desk).await;
    heard(&desk).await
}

#[tokio::test]
async fn what_commits_late_is_heard() {
    assert!(late(Sequencer::Ours).await.none());
}

#[tokio::test]
async fn who_comes_later_to_a_ticket_is_heard_later() {
    assert!(early_number(Sequencer::Ours).await.none());
}

#[tokio::test]
async fn a_cursor_over_a_bare_sequence_is_caught() {
    let faults = late(Sequencer::BareSequence).await;
    assert_eq!(faults, Faults { missing: 1, ..Faults::default() });
}

#[tokio::test]
async fn an_order_by_transaction_is_caught() {
    let faults = early_number(Sequencer::TransactionId).await;
    assert_eq!(faults, Faults { inverted: 1, ..Faults::default() });
}

#[test]
fn a_consumer_without_an_inbox_would_be_caught() {
    let told = |version| ("a".to_owned(), version);
    let mut consumer = Consumer::default();
    for version in [1, 3, 2, 2] {
        consumer.hear(told(version));
    }
    let log = [1, 2, 4].map(told).into_iter().collect();
    let faults = consumer.judge(&log);
    assert_eq!(faults, Faults { missing: 1, invented: 1, inverted: 1, repeated: 1, doubled: 0 });
}
