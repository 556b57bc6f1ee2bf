//! Work of a ticket that counts to another, and comes back, while both are worked on: every second and unit is there once.

use futures_util::future::join_all;
use ticketing_proto::v1 as pb;
use tonic::Status;

use super::{bill, enter, entering, evening, rerate, reversing, training, work, worklogs};
use crate::{comments::comments, support::Desk, tickets::tickets};

async fn merge(desk: &Desk, merged: &str, survivor: &str) -> Result<(), Status> {
    let merged = vec![pb::MergedTicket { name: merged.to_owned(), ..Default::default() }];
    let merge = pb::MergeTicketsRequest { name: survivor.to_owned(), tickets: merged, ..Default::default() };
    tickets(desk.manager()).merge_tickets(merge).await.map(drop)
}

async fn unmerge(desk: &Desk, merged: &str) -> Result<(), Status> {
    let unmerge = pb::UnmergeTicketRequest { name: merged.to_owned(), ..Default::default() };
    tickets(desk.manager()).unmerge_ticket(unmerge).await.map(drop)
}

#[tokio::test]
async fn work_of_a_merged_ticket_counts_to_the_survivor_and_comes_back() {
    let desk = evening().await;
    let (merged, survivor) = (training(&desk).await, training(&desk).await);
    let entry = enter(&desk, &merged.name, work("anna", "09:00:00", 10)).await;
    enter(&desk, &survivor.name, work("anna", "10:00:00", 10)).await;
    let apart = [(merged.name.clone(), (1, 2500)), (survivor.name.clone(), (1, 2500))];
    assert_eq!(bill(&desk).await, apart.clone().into());
    merge(&desk, &merged.name, &survivor.name).await.expect("merged");
    // 20 minutes, five of them free: one unit.
    assert_eq!(bill(&desk).await, [(survivor.name.clone(), (1, 2500))].into());
    let get = pb::GetWorklogRequest { name: entry.name.clone() };
    let shown = worklogs(desk.agent("anna")).get_worklog(get).await.expect("read").into_inner().worklog;
    let shown = shown.expect("an entry");
    assert_eq!((&shown.name, &shown.counts_to), (&entry.name, &survivor.name), "it keeps its origin");
    // Taken back on its own ticket; the job rates the one to which it counts.
    worklogs(desk.manager()).reverse_worklog(reversing(&entry.name)).await.expect("reversed");
    rerate(&desk).await;
    assert_eq!(bill(&desk).await, [(survivor.name.clone(), (1, 2500))].into(), "five free of ten");
    unmerge(&desk, &merged.name).await.expect("unmerged");
    assert_eq!(bill(&desk).await, [(survivor.name.clone(), (1, 2500))].into());
    desk.finish().await;
}

#[tokio::test]
async fn every_comment_second_and_unit_is_there_once_under_concurrent_work() {
    let desk = evening().await;
    let (merged, survivor) = (training(&desk).await, training(&desk).await);
    let logging = join_all((0..16).map(|n| {
        let ticket = if n % 2 == 0 { &merged.name } else { &survivor.name };
        let request = entering(ticket, work("anna", &format!("{:02}:00:00", 8 + n / 2), 7));
        let mut manager = worklogs(desk.manager());
        async move { manager.create_worklog(request).await.expect("entered") }
    }));
    let talking = join_all((0..8).map(|n| {
        let ticket = if n % 2 == 0 { &merged.name } else { &survivor.name };
        let comment = pb::Comment { text: format!("Wort {n}"), ..Default::default() };
        let request =
            pb::CreateCommentRequest { parent: ticket.clone(), comment: Some(comment), ..Default::default() };
        let mut anna = comments(desk.agent("anna"));
        async move { anna.create_comment(request).await.expect("said") }
    }));
    // Whoever is too late is refused, and nothing of it stays.
    let moving = async {
        for _ in 0..8 {
            drop(merge(&desk, &merged.name, &survivor.name).await);
            drop(unmerge(&desk, &merged.name).await);
        }
    };
    tokio::join!(logging, talking, moving);
    drop(merge(&desk, &merged.name, &survivor.name).await);
    rerate(&desk).await;
    // 16 times seven minutes, less five free, are 107: eight units, wherever each was entered.
    assert_eq!(bill(&desk).await, [(survivor.name.clone(), (8, 20_000))].into());
    let (seconds, said): (i64, i64) =
        sqlx::query_as("select (select sum(seconds)::bigint from worklogs), (select count(*) from comments)")
            .fetch_one(desk.root())
            .await
            .expect("two sums");
    assert_eq!((seconds, said), (16 * 7 * 60, 8));
    desk.finish().await;
}
