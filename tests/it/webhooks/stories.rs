//! Stories of one receiver each.

use std::time::Duration;

use serde_json::json;
use ticketing::webhooks::{Bounds, PAUSES, Poster, Reach};
use ticketing_proto::v1 as pb;

use super::{
    deliveries, events, fan_out, read,
    receiver::{Answer, BROKEN, BUSY, GONE, HALF, LIE, Receiver},
    send, subscribe, versions, wanting,
};
use crate::{
    agents::employ,
    support::{Desk, fields, reason},
    tickets::{claim, record, resolve, titled},
};

/// Longer than each of the first five pauses with its jitter.
const LONG: Duration = Duration::from_hours(7);

#[tokio::test]
async fn an_event_arrives_as_a_signed_cloud_event() {
    let desk = Desk::open().await;
    let receiver = Receiver::open(&desk).await;
    let subscription = subscribe(&desk, &receiver).await;
    let ticket = record(&desk, titled("Drucker")).await;
    send(&desk).await;
    let came = receiver.came();
    let [request] = came.as_slice() else { panic!("one event, one request: {came:?}") };
    let (_, id) = ticket.name.rsplit_once('/').expect("a name");
    assert_eq!(request.id(), format!("{id}-1"));
    assert!(request.headers["webhook-signature"].starts_with("v1,"));
    assert_eq!(request.headers["content-type"], "application/cloudevents+json; charset=utf-8");
    let body = request.json();
    assert_eq!(body["specversion"], "1.0");
    assert_eq!(body["type"], "ticketing.v1.ticket.created");
    assert_eq!(body["subject"], ticket.name.as_str());
    assert_eq!(body["data"]["ticket_version"], json!("1"));
    assert!(!request.body.contains("Drucker"), "no free text leaves");

    let health = read(&desk, &subscription.name).await.health.expect("health");
    assert!(health.last_success_time.is_some());
    assert_eq!((health.consecutive_failures, health.pending_count), (0, 0));
    let sent = deliveries(&desk, &subscription.name, "state = DELIVERED").await;
    assert_eq!((sent.len(), sent[0].attempts[0].status), (1, 204));
    assert!(sent[0].name.ends_with(request.id()));
    desk.finish().await;
}

#[tokio::test]
async fn what_fails_is_tried_again_by_schedule_and_holds_its_ticket_back_alone() {
    let desk = Desk::open().await;
    let receiver = Receiver::open(&desk).await;
    let subscription = subscribe(&desk, &receiver).await;
    let ticket = record(&desk, titled("Drucker")).await;
    employ(&desk, "anna", "desk-de", 4, &[]).await;
    claim(&desk, "anna", &ticket.name).await.expect("claimed");
    receiver.answer(&[BROKEN, Answer::Silence, LIE, HALF, BUSY]);
    let mut bodies = Vec::new();
    for _ in 0..5 {
        send(&desk).await;
        let came = receiver.came();
        assert_eq!(versions(&came), [1], "the second version waits");
        bodies.push(came[0].body.clone());
        send(&desk).await;
        assert_eq!(receiver.came().len(), 0, "nothing before its time");
        desk.advance(LONG);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "the same bytes at each attempt");
    // Another ticket goes its own way meanwhile.
    record(&desk, titled("Telefon")).await;
    send(&desk).await;
    let mut came = versions(&receiver.came());
    came.sort_unstable();
    assert_eq!(came, [1, 1, 2]);
    let failed = deliveries(&desk, &subscription.name, "").await;
    let failed = failed.iter().find(|it| it.attempt_count == 6).expect("the one that failed");
    let told: Vec<(i32, &str)> = failed.attempts.iter().map(|it| (it.status, it.error.as_str())).collect();
    assert_eq!(told[0], (500, ""));
    assert_eq!(told[1], (0, "no answer in time"));
    assert_eq!(told[2], (0, "the answer 200 broke off"));
    assert_eq!((told[3].0, told[4], told[5].0), (0, (429, ""), 204));
    assert_eq!(failed.attempts[0].answer, "oops");
    desk.finish().await;
}

#[tokio::test]
async fn what_is_dead_lets_its_ticket_go_on_and_can_be_sent_again() {
    let desk = Desk::open().await;
    let receiver = Receiver::open(&desk).await;
    let subscription = subscribe(&desk, &receiver).await;
    let ticket = record(&desk, titled("Drucker")).await;
    employ(&desk, "anna", "desk-de", 4, &[]).await;
    claim(&desk, "anna", &ticket.name).await.expect("claimed");
    receiver.answer(&[BROKEN; 10]);
    for pause in PAUSES {
        send(&desk).await;
        desk.advance(pause.mul_f64(1.2));
    }
    assert_eq!(versions(&receiver.came()), [1; 9]);
    send(&desk).await;
    assert_eq!(versions(&receiver.came()), [1, 2], "the tenth was the last");
    let dead = deliveries(&desk, &subscription.name, "state = DEAD").await;
    assert_eq!((dead.len(), dead[0].attempt_count), (1, 10));
    let request = pb::RedeliverEventRequest { name: dead[0].name.clone(), request_id: "again".into() };
    for replayed in [false, true] {
        let answer = events(&desk).redeliver_event(request.clone()).await.expect("due").into_inner();
        assert_eq!(answer.replayed, replayed);
    }
    send(&desk).await;
    assert_eq!(versions(&receiver.came()), [1]);
    assert_eq!(deliveries(&desk, &subscription.name, "state = DEAD").await.len(), 0);
    desk.finish().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_left_alone_until_it_is_resumed() {
    let desk = Desk::open().await;
    let receiver = Receiver::open(&desk).await;
    let name = subscribe(&desk, &receiver).await.name;
    record(&desk, titled("Drucker")).await;
    receiver.answer(&[GONE]);
    send(&desk).await;
    desk.advance(LONG);
    send(&desk).await;
    assert_eq!(receiver.came().len(), 1);
    let gone = read(&desk, &name).await;
    assert_eq!(gone.state(), pb::SubscriptionState::Disabled);
    assert_eq!(gone.disable_reason(), pb::DisableReason::Gone);
    let request = pb::ResumeSubscriptionRequest { name: name.clone(), etag: gone.etag, ..Default::default() };
    events(&desk).resume_subscription(request).await.expect("resumed");
    send(&desk).await;
    assert_eq!(versions(&receiver.came()), [1]);
    desk.finish().await;
}

#[tokio::test]
async fn a_paused_subscription_keeps_its_place_and_a_replay_goes_back() {
    let desk = Desk::open().await;
    let receiver = Receiver::open(&desk).await;
    let before = subscribe(&desk, &receiver).await;
    let request = pb::PauseSubscriptionRequest { name: before.name.clone(), ..Default::default() };
    events(&desk).pause_subscription(request).await.expect("paused");
    let ticket = record(&desk, titled("Drucker")).await;
    resolve(&desk, &ticket.name).await;
    send(&desk).await;
    assert_eq!(receiver.came().len(), 0);
    let request = pb::ResumeSubscriptionRequest { name: before.name.clone(), ..Default::default() };
    events(&desk).resume_subscription(request).await.expect("resumed");
    send(&desk).await;
    let first = receiver.came();
    assert!(versions(&first).len() > 1 && versions(&first).is_sorted(), "{:?}", versions(&first));

    let request = pb::ReplaySubscriptionRequest {
        name: before.name.clone(),
        start: Some(pb::replay_subscription_request::Start::Cursor(before.cursor)),
        ..Default::default()
    };
    events(&desk).replay_subscription(request).await.expect("replayed");
    send(&desk).await;
    let again = receiver.came();
    let bodies = |came: &[super::Request]| came.iter().map(|it| it.body.clone()).collect::<Vec<_>>();
    assert_eq!(bodies(&again), bodies(&first), "the same ids and the same bytes");
    desk.finish().await;
}

#[tokio::test]
async fn two_keys_sign_while_they_are_changed() {
    let desk = Desk::open().await;
    let receiver = Receiver::open(&desk).await;
    let mut request = wanting(&desk, &receiver.url, pb::EventFilter::default());
    request.schemes = vec![pb::SignatureScheme::V1.into(), pb::SignatureScheme::V1a.into()];
    request.request_id = "once".into();
    let created = events(&desk).create_subscription(request.clone()).await.expect("created").into_inner();
    let again = events(&desk).create_subscription(request).await.expect("the same").into_inner();
    assert_eq!((created.secrets.len(), again.secrets.len(), again.replayed), (2, 0, true));
    assert!(created.secrets[0].secret.starts_with("whsec_"));
    assert!(created.secrets[1].secret.starts_with("whpk_"));
    let name = created.subscription.expect("a subscription").name;
    let request = pb::RotateSubscriptionSecretRequest { name: name.clone(), ..Default::default() };
    let rotated = events(&desk).rotate_subscription_secret(request).await.expect("rotated").into_inner();
    assert_ne!(rotated.secrets, created.secrets);
    let mut counts = Vec::new();
    for _ in 0..2 {
        record(&desk, titled("Drucker")).await;
        send(&desk).await;
        counts.push(receiver.came()[0].headers["webhook-signature"].split(' ').count());
        desk.advance(Duration::from_hours(24));
    }
    assert_eq!(counts, [4, 2]);
    desk.finish().await;
}

#[tokio::test]
async fn a_sender_that_died_is_replaced_and_changes_nothing_when_it_comes_back() {
    let desk = Desk::open().await;
    let receiver = Receiver::open(&desk).await;
    let subscription = subscribe(&desk, &receiver).await;
    let ticket = record(&desk, titled("Drucker")).await;
    employ(&desk, "anna", "desk-de", 4, &[]).await;
    claim(&desk, "anna", &ticket.name).await.expect("claimed");
    fan_out(&desk).await;
    let (_, id) = subscription.name.rsplit_once('/').expect("a name");
    let id = id.parse().expect("an id");
    let held = send::claim(&desk.app, &desk.tenant, id, desk.now(), 10).await.expect("claimed");
    assert_eq!(held.len(), 1, "one version of a ticket at a time");
    send(&desk).await;
    assert_eq!(receiver.came().len(), 0, "somebody is at it");
    desk.advance(Duration::from_mins(1));
    send(&desk).await;
    assert_eq!(versions(&receiver.came()), [1, 2]);
    // The one that was thought dead got no answer, and says so.
    receiver.answer(&[BROKEN]);
    let late = send::attempt(&desk.app, &held[0]).await.expect("an outcome");
    send::report(&desk.app, &held[0], late).await.expect("ignored");
    let all = deliveries(&desk, &subscription.name, "state = DELIVERED").await;
    assert_eq!(all.iter().map(|it| it.attempt_count).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(read(&desk, &subscription.name).await.health.expect("health").consecutive_failures, 0);
    desk.finish().await;
}

#[tokio::test]
async fn two_senders_at_once_keep_the_order_and_lose_nothing() {
    let desk = Desk::open().await;
    let other = desk.replica().await;
    let receiver = Receiver::open(&desk).await;
    subscribe(&desk, &receiver).await;
    for n in 0..10 {
        let ticket = record(&desk, titled(&format!("Ticket {n}"))).await;
        resolve(&desk, &ticket.name).await;
    }
    fan_out(&desk).await;
    let (one, two) = (send(&desk), send(&other));
    tokio::join!(one, two);
    // A tick of one may have found everything in the other's hands.
    send(&desk).await;
    let came = receiver.came();
    let mut tickets: std::collections::BTreeMap<&str, Vec<i64>> = std::collections::BTreeMap::new();
    for (request, version) in came.iter().zip(versions(&came)) {
        let (ticket, _) = request.id().rsplit_once('-').expect("an id");
        tickets.entry(ticket).or_default().push(version);
    }
    assert_eq!(tickets.len(), 10);
    for (ticket, versions) in tickets {
        let all: Vec<i64> = (1..=versions.len() as i64).collect();
        assert_eq!(versions, all, "{ticket}");
    }
    other.finish().await;
    desk.finish().await;
}

#[tokio::test]
async fn only_what_is_wanted_comes_and_what_is_wrong_is_refused() {
    let desk = Desk::open().await;
    let receiver = Receiver::open(&desk).await;
    let filter = pb::EventFilter { types: vec!["ticket.resolved".into()], ..Default::default() };
    let request = wanting(&desk, &receiver.url, filter);
    let created = events(&desk).create_subscription(request).await.expect("created").into_inner();
    let ticket = record(&desk, titled("Drucker")).await;
    resolve(&desk, &ticket.name).await;
    send(&desk).await;
    let came = receiver.came();
    assert_eq!(came.len(), 1);
    assert_eq!(came[0].json()["type"], "ticketing.v1.ticket.resolved");

    let bad = pb::EventFilter { types: vec!["ticket.creatd".into()], ..Default::default() };
    let refused = events(&desk).create_subscription(wanting(&desk, "ftp://example.com/", bad)).await;
    assert_eq!(fields(&refused), ["filter.types[0]", "subscription.url"]);
    let subscription = created.subscription.expect("a subscription");
    let stale = pb::Subscription { etag: "\"7\"".into(), ..subscription.clone() };
    let request = pb::UpdateSubscriptionRequest { subscription: Some(stale), ..Default::default() };
    let refused = events(&desk).update_subscription(request).await;
    assert_eq!(reason(&refused), "Aborted ETAG_MISMATCH");
    let request = pb::DeleteSubscriptionRequest { name: subscription.name.clone(), ..Default::default() };
    events(&desk).delete_subscription(request).await.expect("gone");
    let request = pb::GetSubscriptionRequest { name: subscription.name };
    assert_eq!(reason(&events(&desk).get_subscription(request).await), "NotFound RESOURCE_NOT_FOUND");
    desk.finish().await;
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_connected_to_and_a_redirect_is_not_followed() {
    let desk = Desk::open().await;
    let receiver = Receiver::open(&desk).await;
    let (_, port) = receiver.url.trim_end_matches("/hook").rsplit_once(':').expect("a port");
    let strict = Poster::new(Bounds::default()).expect("a client");
    for host in ["localhost", "127.0.0.1", "[::1]", "0x7f.1", "2130706433"] {
        let url = format!("https://{host}:{port}/hook");
        let fault = strict.post(&url, http::HeaderMap::new(), "{}").await.expect_err("refused");
        assert!(fault.starts_with("the URL "), "{url}: {fault}");
    }
    let redirect = "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n";
    receiver.answer(&[Answer::Raw(redirect)]);
    let poster = &desk.app.sender.poster;
    let answer = poster.post(&receiver.url, http::HeaderMap::new(), "{}").await.expect("an answer");
    assert_eq!(answer.status, 302);
    assert_eq!(receiver.came().len(), 1);
    desk.finish().await;
}

#[tokio::test]
async fn over_tls_the_receiver_has_to_be_whom_an_authority_vouches_for() {
    let desk = Desk::open().await;
    let poster = |authorities| {
        Poster::new(Bounds { reach: Reach { private: true }, authorities, ..Bounds::default() })
    };
    let (receiver, certificate) = Receiver::open_tls(&desk, &["localhost"]).await;
    let (other, another) = Receiver::open_tls(&desk, &["example.com"]).await;
    let both = poster(vec![certificate, another]).expect("a client");
    let answer = both.post(&receiver.url, http::HeaderMap::new(), "{}").await.expect("an answer");
    assert_eq!((answer.status, receiver.came().len()), (204, 1));
    let fault = both.post(&other.url, http::HeaderMap::new(), "{}").await.expect_err("another's name");
    assert!(fault.starts_with("TLS failed"), "{fault}");
    let strict = poster(Vec::new()).expect("a client");
    let fault =
        strict.post(&receiver.url, http::HeaderMap::new(), "{}").await.expect_err("unknown authority");
    assert!(fault.starts_with("TLS failed"), "{fault}");
    assert_eq!(other.came().len() + receiver.came().len(), 0);
    desk.finish().await;
}

#[tokio::test]
async fn a_list_tells_of_each_subscription_what_waits_for_it() {
    let desk = Desk::open().await;
    let receiver = Receiver::open(&desk).await;
    let mut names = vec![subscribe(&desk, &receiver).await.name];
    record(&desk, titled("Drucker")).await;
    fan_out(&desk).await;
    names.push(subscribe(&desk, &receiver).await.name);
    record(&desk, titled("Telefon")).await;
    fan_out(&desk).await;
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListSubscriptionsRequest { parent: desk.parent(), page_size: 1, page_token: token };
        let page = events(&desk).list_subscriptions(request).await.expect("a page").into_inner();
        for it in page.subscriptions {
            let health = it.health.expect("health");
            assert!(health.oldest_pending_time.is_some());
            seen.push((it.name, health.pending_count));
        }
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, names.into_iter().zip([2, 1]).collect::<Vec<_>>());
    let request = pb::ListSubscriptionsRequest { parent: desk.parent(), ..Default::default() };
    let page = events(&desk).list_subscriptions(request).await.expect("a page").into_inner();
    let waiting: Vec<i64> =
        page.subscriptions.iter().map(|it| it.health.as_ref().expect("health").pending_count).collect();
    assert_eq!(waiting, [2, 1], "one question for all gives each its own");
    desk.finish().await;
}
