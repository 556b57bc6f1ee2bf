//! Push queues: tickets are given away as soon as somebody can take them.

use futures_util::FutureExt;
use ticketing_proto::v1 as pb;

use super::{push_once, waiting};
use crate::{
    agents::{agents, employ, used},
    support::Desk,
    tickets::{claim, read, record, resolve, titled},
};

async fn set_away(desk: &Desk, key: &str, away: bool) {
    let availability = if away { pb::Availability::Away } else { pb::Availability::Available };
    let request = pb::SetAvailabilityRequest {
        name: format!("{}/agents/{key}", desk.parent()),
        availability: availability.into(),
        until_time: None,
    };
    agents(desk.agent(key)).set_availability(request).await.expect("set");
}

/// Whether the job was rung since it was asked last.
fn rung(desk: &Desk) -> bool {
    desk.app.dispatch_due.notified().now_or_never().is_some()
}

#[tokio::test]
async fn the_agent_with_the_most_room_and_the_skill_gets_it() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 2, &["german"]).await;
    employ(&desk, "bert", "desk-de", 3, &["german"]).await;
    employ(&desk, "emma", "desk-de", 9, &["english"]).await;
    employ(&desk, "carl", "desk-de", 9, &["german"]).await;
    set_away(&desk, "carl", true).await;
    let mut names = Vec::new();
    for n in 0..6 {
        names.push(record(&desk, titled(&format!("Anruf {n}"))).await.name);
    }
    assert_eq!(push_once(&desk).await, 5);
    let mut owners = Vec::new();
    for name in &names {
        owners.push(read(&desk, name).await.assignee.replace("tenants/acme/agents/", ""));
    }
    assert_eq!(owners, ["bert", "anna", "bert", "anna", "bert", ""]);
    assert_eq!(push_once(&desk).await, 0, "nobody has room and the skill");
    assert_eq!(waiting(&desk, "desk-de").await, ["Anruf 5"]);

    resolve(&desk, &names[1]).await;
    assert_eq!(push_once(&desk).await, 1);
    assert_eq!(read(&desk, &names[5]).await.assignee, "tenants/acme/agents/anna");
    desk.finish().await;
}

#[tokio::test]
async fn what_may_end_the_waiting_rings_for_the_job() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 1, &["german"]).await;
    employ(&desk, "ina", "infrastructure", 1, &[]).await;
    rung(&desk);
    let name = record(&desk, titled("eins")).await.name;
    assert!(rung(&desk), "a ticket came into a push queue");
    let network =
        pb::Ticket { category: "network".into(), impact: pb::Impact::Major.into(), ..titled("Netz") };
    let outage = record(&desk, network).await.name;
    assert!(!rung(&desk), "a ticket came into a queue that is pulled");
    claim(&desk, "anna", &name).await.expect("claimed");
    assert!(!rung(&desk), "a slot was taken");
    resolve(&desk, &name).await;
    assert!(rung(&desk), "a slot is free");
    set_away(&desk, "anna", false).await;
    assert!(rung(&desk), "somebody is there");
    claim(&desk, "ina", &outage).await.expect("claimed");
    assert!(!rung(&desk));
    desk.finish().await;
}

#[tokio::test]
async fn those_who_wait_for_a_skill_keep_nobody_else_waiting() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 1, &["german"]).await;
    // The rule for invoices asks for a skill that nobody has.
    for n in 0..7 {
        record(&desk, pb::Ticket { category: "contract".into(), ..titled(&format!("Rechnung {n}")) }).await;
    }
    let last = record(&desk, titled("Drucker druckt nicht")).await.name;
    let done = ticketing::routing::dispatch::run_once(&desk.app, 3).await.expect("pages of three").done;
    assert_eq!(
        (done, used(&desk, "anna").await),
        (7, 1),
        "one is given, of two pages it is told that nobody is left"
    );
    assert_eq!(read(&desk, &last).await.assignee, "tenants/acme/agents/anna");
    desk.finish().await;
}
