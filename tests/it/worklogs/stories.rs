//! Entries, reversals and corrections; what they cost, who may, what is told.

use std::time::Duration;

use ticketing::configuration::{Document, WithoutConsent};
use ticketing_proto::v1::{self as pb, customer_service_client::CustomerServiceClient};

use super::{bill, billing, books, enter, entering, evening, rerate, reversing, training, work, worklogs};
use crate::{
    entitlements::{entitlements, sell, sold, told},
    support::{Desk, facts, fields, reason, sample},
    tickets::{record, tickets, titled},
};

#[tokio::test]
async fn three_calls_are_one_quarter_of_an_hour() {
    let desk = evening().await;
    let ticket = training(&desk).await;
    for start in ["09:00:00", "10:00:00", "11:00:00"] {
        enter(&desk, &ticket.name, work("anna", start, 5)).await;
    }
    // Five minutes are free, ten are charged: one unit of the day's price.
    assert_eq!(bill(&desk).await, [(ticket.name.clone(), (1, 2500))].into());
    let fourth = enter(&desk, &ticket.name, work("anna", "12:00:00", 10)).await;
    assert_eq!(bill(&desk).await, [(ticket.name.clone(), (2, 5000))].into());
    let mut manager = worklogs(desk.manager());
    let done = manager.reverse_worklog(reversing(&fourth.name)).await.expect("reversed").into_inner();
    let reversal = done.reversal.expect("a reversal");
    assert_eq!((reversal.reverses, reversal.duration.expect("a span").seconds), (fourth.name.clone(), -600));
    assert_eq!(bill(&desk).await, [(ticket.name.clone(), (1, 2500))].into());
    let again = manager.reverse_worklog(reversing(&fourth.name)).await;
    assert_eq!(reason(&again), "FailedPrecondition WORKLOG_REVERSED");

    let (lines, _) = books(&desk, pb::ListBillablesRequest::default()).await;
    let shown: Vec<(i64, i64)> = lines.iter().map(|it| (it.sequence, it.units)).collect();
    assert_eq!(shown, [(1, 1), (2, 1), (3, -1)], "each is told once, signed");
    assert!(lines.iter().all(|it| it.group == "2026-03-02" && it.rate == "day" && it.tariff == "standard"));
    let told = told(&desk).await;
    let of_bill: Vec<pb::Billable> = told.iter().flat_map(|event| event.billables.clone()).collect();
    assert_eq!(of_bill, lines, "events say what the books say");
    let of_work: Vec<i64> =
        told.iter().filter_map(|event| Some(event.work.as_ref()?.duration?.seconds / 60)).collect();
    assert_eq!(of_work, [5, 5, 5, 10, -10]);
    assert!(!format!("{told:?}").contains("telefoniert"), "what was done stays in the house");
    desk.finish().await;
}

#[tokio::test]
async fn a_correction_is_whole_and_repetitions_are_harmless() {
    let desk = evening().await;
    let ticket = training(&desk).await;
    let mut anna = worklogs(desk.agent("anna"));
    let request = pb::CreateWorklogRequest {
        request_id: "r-1".to_owned(),
        ..entering(&ticket.name, work("", "09:00:00", 90))
    };
    let first = anna.create_worklog(request.clone()).await.expect("entered").into_inner();
    let again = anna.create_worklog(request).await.expect("repeated").into_inner();
    assert!(again.replayed && again.worklog == first.worklog);
    let first = first.worklog.expect("an entry");
    assert_eq!((first.agent.as_str(), first.level.as_str()), ("tenants/acme/agents/anna", "L1"));
    let correct = pb::CorrectWorklogRequest {
        name: first.name.clone(),
        worklog: Some(work("", "09:00:00", 9)),
        request_id: "r-2".to_owned(),
        ..Default::default()
    };
    let right = anna.correct_worklog(correct.clone()).await.expect("put right").into_inner();
    let again = anna.correct_worklog(correct).await.expect("repeated").into_inner();
    assert!(again.replayed && again.worklog == right.worklog);
    let right = right.worklog.expect("an entry");
    assert_eq!(right.duration.expect("a span").seconds, 540);
    assert_eq!(bill(&desk).await, [(ticket.name.clone(), (1, 2500))].into());
    let get = pb::GetWorklogRequest { name: first.name.clone() };
    let old = anna.get_worklog(get).await.expect("read").into_inner().worklog.expect("an entry");
    assert!(old.reversed && !right.reversed);
    desk.finish().await;
}

#[tokio::test]
async fn who_may_and_what_is_refused() {
    let desk = evening().await;
    let ticket = training(&desk).await;
    let mut anna = worklogs(desk.agent("anna"));
    let other = anna.create_worklog(entering(&ticket.name, work("ben", "09:00:00", 5))).await;
    assert_eq!(reason(&other), "PermissionDenied PERMISSION_MISSING");
    let peter = worklogs(desk.customer("peter"));
    let peter = { peter }.create_worklog(entering(&ticket.name, work("", "09:00:00", 5))).await;
    assert_eq!(reason(&peter), "PermissionDenied PERMISSION_MISSING");
    let wrong =
        pb::Worklog { activity: "Frau Meier".to_owned(), start_time: None, ..work("", "09:00:00", 5) };
    let wrong = anna.create_worklog(entering(&ticket.name, wrong)).await;
    assert_eq!(fields(&wrong), ["worklog.start_time", "worklog.activity"]);
    let long = anna.create_worklog(entering(&ticket.name, work("", "09:00:00", 1441))).await;
    assert_eq!(fields(&long), ["worklog.duration"]);
    let ahead = pb::Worklog {
        start_time: Some("2026-03-03T07:59:00Z".parse().expect("a time")),
        ..work("", "09:00:00", 5)
    };
    let ahead = anna.create_worklog(entering(&ticket.name, ahead)).await;
    assert_eq!(fields(&ahead), ["worklog.start_time"]);
    let nothing =
        anna.reverse_worklog(reversing(&format!("{}/worklogs/0{}", ticket.name, "0".repeat(25)))).await;
    assert_eq!(reason(&nothing), "NotFound RESOURCE_NOT_FOUND");
    assert!(bill(&desk).await.is_empty());
    desk.finish().await;
}

#[tokio::test]
async fn work_on_two_tickets_at_once_is_flagged_and_lists_are_of_a_ticket_an_agent_a_period() {
    let desk = evening().await;
    let (one, two) = (training(&desk).await, training(&desk).await);
    let first = enter(&desk, &one.name, work("anna", "09:00:00", 30)).await;
    let second = enter(&desk, &two.name, work("anna", "09:29:00", 30)).await;
    assert!(!first.overlaps && second.overlaps);
    enter(&desk, &two.name, work("ben", "09:15:00", 30)).await;
    enter(&desk, &two.name, work("anna", "09:59:00", 5)).await;
    let list = async |request: pb::ListWorklogsRequest| -> Vec<(i64, bool)> {
        let request = pb::ListWorklogsRequest { parent: desk.parent(), ..request };
        let page = worklogs(desk.agent("anna")).list_worklogs(request).await.expect("a page").into_inner();
        let shown = |it: &pb::Worklog| (it.start_time.expect("a time").seconds / 60 % 60, it.overlaps);
        page.worklogs.iter().map(shown).collect()
    };
    let of = |ticket: &str, agent: &str| pb::ListWorklogsRequest {
        ticket: ticket.to_owned(),
        agent: if agent.is_empty() { String::new() } else { format!("{}/agents/{agent}", desk.parent()) },
        ..Default::default()
    };
    assert_eq!(list(of("", "")).await, [(0, true), (15, false), (29, true), (59, false)]);
    assert_eq!(list(of(&one.name, "")).await, [(0, true)]);
    assert_eq!(list(of("", "ben")).await, [(15, false)]);
    let period = pb::ListWorklogsRequest {
        start_time: Some(crate::entitlements::at("2026-03-02T09:15:00Z")),
        end_time: Some(crate::entitlements::at("2026-03-02T09:59:00Z")),
        ..Default::default()
    };
    assert_eq!(list(period).await, [(15, false), (29, true)]);
    worklogs(desk.manager()).reverse_worklog(reversing(&second.name)).await.expect("reversed");
    assert_eq!(list(of(&one.name, "")).await, [(0, false)], "what was taken back overlaps nothing");
    desk.finish().await;
}

/// The sample, in which its tariff needs a consent.
fn with_consent(without: WithoutConsent) -> Document {
    let mut document = sample();
    document.tariffs[0].consent = true;
    document.entitlement.without_consent = without;
    document
}

#[tokio::test]
async fn chargeable_work_waits_for_a_consent_or_is_marked() {
    let desk = evening().await;
    desk.configure(&with_consent(WithoutConsent::Refuse)).await;
    let ticket = training(&desk).await;
    let mut anna = worklogs(desk.agent("anna"));
    let refused = anna.create_worklog(entering(&ticket.name, work("", "09:00:00", 10))).await;
    assert_eq!(reason(&refused), "FailedPrecondition CONSENT_REQUIRED");
    assert_eq!((facts(&refused, "consent"), facts(&refused, "amount")), ("MISSING".into(), "2500".into()));
    // What is free, or not to be charged, needs none.
    anna.create_worklog(entering(&ticket.name, work("", "09:00:00", 5))).await.expect("it is free");
    let consent = |answer: pb::ConsentAnswer| pb::RecordConsentRequest {
        name: ticket.name.clone(),
        answer: answer.into(),
        ..Default::default()
    };
    let mut say = entitlements(desk.agent("anna"));
    say.record_consent(consent(pb::ConsentAnswer::Declined)).await.expect("said");
    let refused = anna.create_worklog(entering(&ticket.name, work("", "09:00:00", 10))).await;
    assert_eq!(facts(&refused, "consent"), "DECLINED");
    say.record_consent(consent(pb::ConsentAnswer::Accepted)).await.expect("said");
    anna.create_worklog(entering(&ticket.name, work("", "09:00:00", 10))).await.expect("agreed");

    desk.configure(&with_consent(WithoutConsent::Mark)).await;
    let other = training(&desk).await;
    anna.create_worklog(entering(&other.name, work("", "09:00:00", 10))).await.expect("taken");
    let (lines, _) = books(&desk, pb::ListBillablesRequest::default()).await;
    let consents: Vec<pb::BillableConsent> = lines.iter().map(|it| it.consent()).collect();
    assert_eq!(consents, [pb::BillableConsent::Given, pb::BillableConsent::Missing]);
    desk.finish().await;
}

#[tokio::test]
async fn late_work_takes_the_allowance_from_later_work_on_another_ticket() {
    let desk = evening().await;
    // Ten hours a month, in office hours.
    sell(&desk, sold(&desk, "standard")).await;
    let of_orion = |channel: pb::Channel| pb::Ticket {
        channel: channel.into(),
        ..crate::entitlements::of_orion(&desk, "software.howto")
    };
    let one = record(&desk, of_orion(pb::Channel::Phone)).await;
    let two = record(&desk, of_orion(pb::Channel::Phone)).await;
    enter(&desk, &one.name, work("anna", "11:00:00", 300)).await;
    enter(&desk, &two.name, work("ben", "12:00:00", 240)).await;
    assert!(bill(&desk).await.is_empty(), "nine of ten hours");
    // Three hours before: two are beyond what is covered, and it is the others' last ones.
    enter(&desk, &one.name, work("cleo", "08:00:00", 180)).await;
    rerate(&desk).await;
    let sums = bill(&desk).await;
    let units: i64 = sums.values().map(|it| it.0).sum();
    assert_eq!(units, 8, "{sums:?}");
    let told_before = books(&desk, pb::ListBillablesRequest::default()).await.0;
    rerate(&desk).await;
    assert_eq!(books(&desk, pb::ListBillablesRequest::default()).await.0, told_before, "once");
    // What was sold since the beginning was otherwise: all of it is covered.
    let corrected = pb::Entitlement {
        effective_time: Some(crate::entitlements::at("2026-01-01T00:00:00Z")),
        ..sold(&desk, "gold")
    };
    sell(&desk, corrected).await;
    rerate(&desk).await;
    assert!(bill(&desk).await.is_empty());
    desk.finish().await;
}

#[tokio::test]
async fn nothing_of_a_note_stays_after_an_erasure_and_the_bill_does() {
    let desk = evening().await;
    let asked = pb::Ticket {
        requester: format!("{}/contacts/peter", desk.parent()),
        ..crate::entitlements::of_orion(&desk, "training")
    };
    let ticket = record(&desk, asked).await;
    let entry = enter(&desk, &ticket.name, work("anna", "09:00:00", 10)).await;
    worklogs(desk.manager()).reverse_worklog(reversing(&entry.name)).await.expect("reversed");
    enter(&desk, &ticket.name, work("anna", "09:00:00", 20)).await;
    let before = bill(&desk).await;
    let erase =
        pb::EraseContactRequest { name: format!("{}/contacts/peter", desk.parent()), ..Default::default() };
    CustomerServiceClient::new(desk.admin()).erase_contact(erase).await.expect("erased");
    let left: i64 = sqlx::query_scalar(
        "select (select count(*) from worklogs where note <> '') + (select count(*) from events where note <> '')",
    )
    .fetch_one(desk.root())
    .await
    .expect("a count");
    assert_eq!((left, bill(&desk).await), (0, before));
    desk.finish().await;
}

#[tokio::test]
async fn what_is_restricted_shows_in_no_list_of_others() {
    let desk = evening().await;
    let secret = pb::Ticket { restricted: true, ..crate::entitlements::of_orion(&desk, "training") };
    let request = crate::tickets::recording(&desk, secret);
    let made = tickets(desk.manager()).create_ticket(request).await.expect("recorded").into_inner();
    let ticket = made.ticket.expect("a ticket");
    enter(&desk, &ticket.name, work("manager", "09:00:00", 10)).await;
    let open = record(&desk, titled("offen")).await;
    enter(&desk, &open.name, work("anna", "09:00:00", 10)).await;
    let list = pb::ListWorklogsRequest { parent: desk.parent(), ..Default::default() };
    let seen = async |client| -> usize {
        worklogs(client).list_worklogs(list.clone()).await.expect("a page").into_inner().worklogs.len()
    };
    assert_eq!((seen(desk.agent("anna")).await, seen(desk.manager()).await), (1, 2));
    let list = pb::ListBillablesRequest { parent: desk.parent(), ..Default::default() };
    let page = billing(desk.agent("anna")).list_billables(list).await.expect("a page").into_inner();
    assert!(page.billables.iter().all(|it| it.ticket == open.name), "{page:?}");
    let hidden = pb::ListWorklogsRequest { ticket: ticket.name, parent: desk.parent(), ..Default::default() };
    let hidden = worklogs(desk.agent("anna")).list_worklogs(hidden).await;
    assert_eq!(reason(&hidden), "NotFound RESOURCE_NOT_FOUND");
    desk.finish().await;
}

#[tokio::test]
async fn two_at_once_are_rated_together() {
    let desk = Desk::open().await;
    desk.advance(Duration::from_hours(24));
    let ticket = training(&desk).await;
    let enter = |n: usize| {
        let mut manager = worklogs(desk.manager());
        let request = entering(&ticket.name, work("anna", &format!("10:{:02}:00", n * 3), 3));
        async move { manager.create_worklog(request).await }
    };
    let done = futures_util::future::join_all((0..12).map(enter)).await;
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    // 36 minutes, five of them free: three units, however they came in.
    assert_eq!(bill(&desk).await, [(ticket.name.clone(), (3, 7500))].into());
    desk.finish().await;
}
