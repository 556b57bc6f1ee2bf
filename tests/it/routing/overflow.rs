//! What nobody can take goes to the overflow queue, and from the last one it is told that nobody is left; and skills that
//! are preferred drop while a ticket waits.

use std::time::Duration;

use ticketing::configuration::PreferredSkill;
use ticketing_proto::v1 as pb;

use super::{adjust, decisions::decisions, push_once, routing};
use crate::{
    agents::{agents, employ},
    support::{Desk, fields},
    tickets::{read, record, titled},
};

pub async fn go_away(desk: &Desk, key: &str) {
    let request = pb::SetAvailabilityRequest {
        name: format!("{}/agents/{key}", desk.parent()),
        availability: pb::Availability::Away.into(),
        until_time: None,
    };
    agents(desk.agent(key)).set_availability(request).await.expect("away");
}

#[tokio::test]
async fn it_overflows_in_time_and_keeps_what_it_asks_for() {
    let desk = Desk::open().await;
    adjust(&desk, |document| {
        document.queues[0].overflow_queue = "desk-en".into();
        document.queues[0].overflow_after_duration = Some(Duration::from_mins(10));
    })
    .await;
    employ(&desk, "anna", "desk-de", 9, &["german"]).await;
    employ(&desk, "emma", "desk-en", 9, &["english"]).await;
    employ(&desk, "olga", "desk-en", 9, &["english", "german"]).await;
    go_away(&desk, "anna").await;
    let name = record(&desk, titled("Drucker druckt nicht")).await.name;
    assert_eq!(push_once(&desk).await, 0, "it is not time yet");
    desk.advance(Duration::from_mins(10));
    assert_eq!(push_once(&desk).await, 1);
    let ticket = read(&desk, &name).await;
    assert_eq!((ticket.queue.as_str(), ticket.assignee.as_str()), ("desk-en", ""));
    assert_eq!(push_once(&desk).await, 1);
    assert_eq!(read(&desk, &name).await.assignee, "tenants/acme/agents/olga", "emma knows no German");

    let told = decisions(&desk, &name, 0).await;
    let way: Vec<_> =
        told.iter().map(|it| (it.queue.as_str(), it.overflow_from.as_str(), it.rule.as_str())).collect();
    assert_eq!(way, [("desk-en", "", "german"), ("desk-en", "desk-de", "german"), ("desk-de", "", "german")]);
    assert_eq!(told[1].candidates[0].rejection, "AWAY");
    desk.finish().await;
}

#[tokio::test]
async fn from_the_last_queue_it_is_told_once_that_nobody_is_left() {
    let desk = Desk::open().await;
    let mut names = Vec::new();
    for n in 0..5 {
        names.push(record(&desk, titled(&format!("Anruf {n}"))).await.name);
    }
    let tick = ticketing::routing::dispatch::run_once(&desk.app, 2).await.expect("pages of two");
    assert_eq!(tick.done, 4, "a page, and a page of those behind it");
    assert_eq!(push_once(&desk).await, 1);
    assert_eq!(push_once(&desk).await, 0, "all are told");
    for name in &names {
        assert!(read(&desk, name).await.routing_exhausted);
    }
    let told: i64 = sqlx::query_scalar("select count(*) from events where type = 'routing.exhausted'")
        .fetch_one(desk.root())
        .await
        .expect("a count");
    assert_eq!(told, 5);
    employ(&desk, "anna", "desk-de", 9, &["german"]).await;
    assert_eq!(push_once(&desk).await, 5);
    assert!(!read(&desk, &names[0]).await.routing_exhausted, "somebody is there");
    desk.finish().await;
}

#[tokio::test]
async fn a_preferred_skill_drops_when_the_ticket_has_waited() {
    let desk = Desk::open().await;
    adjust(&desk, |document| {
        let preferred = |skill: &str, minutes| PreferredSkill {
            skill: skill.into(),
            min_level: 3,
            drop_after_duration: Duration::from_mins(minutes),
        };
        document.routing_rules[3].preferred_skills = vec![preferred("billing", 5), preferred("english", 10)];
    })
    .await;
    employ(&desk, "anna", "desk-de", 9, &["german"]).await;
    let name = record(&desk, titled("Rechnung")).await.name;
    assert_eq!(push_once(&desk).await, 0);
    desk.advance(Duration::from_mins(5));
    assert_eq!(push_once(&desk).await, 0, "she knows no English either");
    employ(&desk, "olga", "desk-de", 1, &["german", "english"]).await;
    assert_eq!(push_once(&desk).await, 1);
    assert_eq!(read(&desk, &name).await.assignee, "tenants/acme/agents/olga");
    let decision = decisions(&desk, &name, 0).await.remove(0);
    let asked: Vec<_> = decision.skills.iter().map(|it| it.skill.as_str()).collect();
    assert_eq!(asked, ["german", "english"], "billing has dropped");
    let reasons: Vec<_> = decision.candidates.iter().map(|it| it.rejection.as_str()).collect();
    assert_eq!(reasons, ["", "MISSING_SKILL"]);

    let next = record(&desk, titled("Rechnung")).await.name;
    desk.advance(Duration::from_mins(10));
    assert_eq!(push_once(&desk).await, 1, "both have dropped");
    assert_eq!(read(&desk, &next).await.assignee, "tenants/acme/agents/anna");
    desk.finish().await;
}

#[tokio::test]
async fn the_figures_of_a_queue() {
    let desk = Desk::open().await;
    let stats = async |queue: &str| {
        let queue = format!("{}/queues/{queue}", desk.parent());
        routing(desk.agent("anna")).get_queue_stats(pb::GetQueueStatsRequest { queue }).await
    };
    let empty = stats("desk-de").await.expect("figures").into_inner().stats.expect("figures");
    assert_eq!((empty.depth, empty.oldest_queue_time, empty.wait_p50_duration), (0, None, None));
    let oldest = record(&desk, titled("alt")).await;
    desk.advance(Duration::from_mins(50));
    for n in 0..9 {
        record(&desk, titled(&format!("neu {n}"))).await;
    }
    push_once(&desk).await;
    desk.advance(Duration::from_mins(10));
    employ(&desk, "anna", "desk-de", 2, &["german"]).await;
    employ(&desk, "bert", "desk-de", 3, &["german"]).await;
    employ(&desk, "carl", "desk-de", 3, &[]).await;
    go_away(&desk, "bert").await;
    let full = stats("desk-de").await.expect("figures").into_inner().stats.expect("figures");
    assert_eq!((full.depth, full.exhausted_count, full.offered_count, full.escalated_count), (10, 10, 0, 0));
    assert_eq!(full.oldest_queue_time, oldest.queue_time);
    let seconds = [full.wait_p50_duration, full.wait_p90_duration, full.wait_p99_duration]
        .map(|wait| wait.expect("a wait").seconds);
    assert_eq!(seconds, [600, 600, 3600]);
    assert_eq!((full.agent_count, full.present_agent_count, full.free_agent_count, full.room), (3, 2, 2, 5));
    assert_eq!(fields(&stats("moon").await), ["queue"]);
    desk.finish().await;
}
