//! The way back: where it stood, with whom, and how long it is open.

use std::time::Duration;

use ticketing::tickets::retire;
use ticketing_proto::v1::{self as pb, agent_service_client::AgentServiceClient};

use super::{asked, merge, said, say, texts, unmerge};
use crate::{
    support::{Desk, reason, sample},
    tickets::{claim, read, resolve, tickets},
};

const DAY: Duration = Duration::from_hours(24);

async fn employ(desk: &Desk, key: &str, capacity: i32) {
    let agent = pb::Agent {
        name: format!("{}/agents/{key}", desk.parent()),
        display_name: key.to_owned(),
        teams: vec!["desk-de".to_owned()],
        capacity,
        ..Default::default()
    };
    let request = pb::UpsertAgentRequest { agent: Some(agent), validate_only: false };
    AgentServiceClient::new(desk.manager()).upsert_agent(request).await.expect("recorded");
}

async fn used(desk: &Desk, key: &str) -> i32 {
    let request = pb::GetWorkloadRequest { name: format!("{}/agents/{key}", desk.parent()) };
    let workload = AgentServiceClient::new(desk.manager()).get_workload(request).await.expect("read");
    workload.into_inner().workload.expect("a workload").used
}

#[tokio::test]
async fn a_merge_frees_the_agent_and_the_way_back_takes_the_room_again() {
    let desk = Desk::open().await;
    employ(&desk, "anna", 1).await;
    let [a, b, c] = [
        asked(&desk, "peter", "A").await,
        asked(&desk, "peter", "B").await,
        asked(&desk, "peter", "C").await,
    ];
    claim(&desk, "anna", &a.name).await.expect("claimed");
    let hold = pb::HoldTicketRequest {
        name: a.name.clone(),
        kind: pb::HoldKind::Vendor.into(),
        note: "Teile".into(),
        ..Default::default()
    };
    tickets(desk.agent("anna")).hold_ticket(hold).await.expect("held");
    let before = read(&desk, &a.name).await;
    assert_eq!(used(&desk, "anna").await, 1);
    merge(&desk, &b, &[&a]).await;
    assert_eq!(used(&desk, "anna").await, 0);
    desk.advance(Duration::from_mins(1));
    let back = unmerge(&desk, &a.name).await.expect("back").into_inner().ticket.expect("a ticket");
    let unchanged = pb::Ticket {
        etag: before.etag.clone(),
        update_time: before.update_time,
        assignee_display_name: before.assignee_display_name.clone(),
        ..back.clone()
    };
    assert_eq!(pb::Ticket { requester_display_name: String::new(), ..before.clone() }, unchanged);
    assert_eq!(used(&desk, "anna").await, 1);
    // Where somebody else needed the room meanwhile, it waits in its queue.
    merge(&desk, &b, &[&a]).await;
    claim(&desk, "anna", &c.name).await.expect("claimed");
    let back = unmerge(&desk, &a.name).await.expect("back").into_inner().ticket.expect("a ticket");
    assert_eq!((back.state(), back.assignee.as_str()), (pb::TicketState::WaitingOnVendor, ""));
    assert!(back.queue_time.is_some() && back.former_assignee.ends_with("/anna"));
    assert_eq!(used(&desk, "anna").await, 1);
    desk.finish().await;
}

#[tokio::test]
async fn there_is_no_way_back_once_the_survivor_has_gone_on() {
    let desk = Desk::open().await;
    let [a, b, c, d] = [
        asked(&desk, "peter", "A").await,
        asked(&desk, "peter", "B").await,
        asked(&desk, "peter", "C").await,
        asked(&desk, "peter", "D").await,
    ];
    let late = "FailedPrecondition UNMERGE_TOO_LATE";
    assert_eq!(reason(&unmerge(&desk, &a.name).await), "FailedPrecondition TICKET_STATE_CONFLICT");
    merge(&desk, &b, &[&a]).await;
    // Labels and other merges are not its going on.
    let tag = pb::AddTagsRequest { name: b.name.clone(), tags: vec!["x".into()], ..Default::default() };
    tickets(desk.agent("anna")).add_tags(tag).await.expect("tagged");
    merge(&desk, &b, &[&c]).await;
    merge(&desk, &d, &[&b]).await;
    assert_eq!(reason(&unmerge(&desk, &a.name).await), late, "the survivor has to come back first");
    unmerge(&desk, &b.name).await.expect("back");
    let request =
        pb::UnmergeTicketRequest { name: a.name.clone(), request_id: "once".into(), ..Default::default() };
    let mut anna = tickets(desk.agent("anna"));
    let first = anna.unmerge_ticket(request.clone()).await.expect("back").into_inner();
    let again = anna.unmerge_ticket(request).await.expect("back").into_inner();
    assert_eq!((first.replayed, again.replayed, &again.ticket), (false, true, &first.ticket));
    assert_eq!(read(&desk, &c.name).await.merged_into, b.name, "the other stays");
    say(desk.customer("peter"), &c.name, "noch da?").await.expect("said");
    let refused = unmerge(&desk, &c.name).await;
    assert_eq!(reason(&refused), late);
    // What was said on the survivor stays there, and the one that came back has its own.
    assert_eq!(texts(&said(desk.agent("anna"), &b.name, 50).await), ["noch da?"]);
    assert_eq!(said(desk.agent("anna"), &a.name, 50).await, []);
    merge(&desk, &d, &[&a]).await;
    resolve(&desk, &d.name).await;
    assert_eq!(reason(&unmerge(&desk, &a.name).await), late);
    desk.finish().await;
}

#[tokio::test]
async fn what_was_merged_leaves_not_before_its_survivor() {
    let desk = Desk::open().await;
    let mut document = sample();
    document.lifecycle.retention_duration = 30 * DAY;
    desk.configure(&document).await;
    let [a, b] = [asked(&desk, "peter", "A").await, asked(&desk, "peter", "B").await];
    merge(&desk, &b, &[&a]).await;
    let sequence = ticketing::events::sequencer::run_once;
    desk.advance(60 * DAY);
    while sequence(&desk.app, 1000).await.expect("a pass").done > 0 {}
    assert_eq!(retire::run_once(&desk.app, 200).await.expect("a tick").done, 0);
    let cancel = pb::CancelTicketRequest { name: b.name.clone(), ..Default::default() };
    tickets(desk.manager()).cancel_ticket(cancel).await.expect("cancelled");
    while sequence(&desk.app, 1000).await.expect("a pass").done > 0 {}
    assert_eq!(retire::run_once(&desk.app, 200).await.expect("a tick").done, 0);
    desk.advance(31 * DAY);
    let gone = [(); 2].map(|()| retire::run_once(&desk.app, 200));
    for tick in gone {
        assert_eq!(tick.await.expect("a tick").done, 1, "first the survivor, then the other");
    }
    let left: i64 =
        sqlx::query_scalar("select (select count(*) from tickets) + (select count(*) from ticket_links)")
            .fetch_one(desk.root())
            .await
            .expect("a count");
    assert_eq!(left, 0);
    desk.finish().await;
}
