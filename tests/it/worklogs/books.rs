//! Periods that are handed over, what comes late, and what is given back.

use std::time::Duration;

use ticketing_proto::v1 as pb;

use super::{bill, billing, books, enter, evening, reversing, training, work, worklogs};
use crate::{
    entitlements::at,
    support::{Desk, facts, fields, reason},
};

fn locking(desk: &Desk, end: &str) -> pb::LockBillablesRequest {
    pb::LockBillablesRequest { parent: desk.parent(), end_time: Some(at(end)), ..Default::default() }
}

#[tokio::test]
async fn what_is_handed_over_never_changes_and_what_comes_late_is_in_the_next() {
    let desk = evening().await;
    let ticket = training(&desk).await;
    let entry = enter(&desk, &ticket.name, work("anna", "09:00:00", 20)).await;
    let mut admin = billing(desk.admin());
    let end = "2026-03-03T00:00:00Z";
    let early = admin.lock_billables(locking(&desk, "2026-03-04T00:00:00Z")).await;
    assert_eq!(reason(&early), "FailedPrecondition BILLING_PERIOD_INVALID");
    let request = pb::LockBillablesRequest { request_id: "r-1".to_owned(), ..locking(&desk, end) };
    let locked = admin.lock_billables(request.clone()).await.expect("locked").into_inner();
    let total = locked.totals[0].amount.clone().expect("an amount");
    assert_eq!((locked.totals.len(), total.units, locked.totals[0].units), (1, 25, 1));
    let monday = pb::ListBillablesRequest { end_time: Some(at(end)), ..Default::default() };
    let (handed_over, _) = books(&desk, monday.clone()).await;

    // Late work and a late reversal are signed differences of the open period.
    enter(&desk, &ticket.name, work("anna", "10:00:00", 60)).await;
    worklogs(desk.manager()).reverse_worklog(reversing(&entry.name)).await.expect("reversed");
    assert_eq!(books(&desk, monday).await.0, handed_over);
    let (late, _) =
        books(&desk, pb::ListBillablesRequest { start_time: Some(at(end)), ..Default::default() }).await;
    assert_eq!(late.iter().map(|it| it.units).collect::<Vec<_>>(), [4, -1]);
    assert!(late.iter().all(|it| it.post_time == Some(at(end))));
    assert_eq!(
        bill(&desk).await,
        [(ticket.name.clone(), (4, 10_000))].into(),
        "all together is what it costs"
    );

    let again = admin.lock_billables(request).await.expect("repeated").into_inner();
    assert!(again.replayed && again.totals == locked.totals);
    let twice = admin.lock_billables(locking(&desk, end)).await;
    assert_eq!(facts(&twice, "locked_until"), end);
    desk.advance(Duration::from_hours(24));
    let next =
        admin.lock_billables(locking(&desk, "2026-03-04T00:00:00Z")).await.expect("locked").into_inner();
    assert_eq!((next.start_time, next.totals[0].units), (Some(at(end)), 3));
    let agent = billing(desk.agent("anna")).lock_billables(locking(&desk, end)).await;
    assert_eq!(reason(&agent), "PermissionDenied PERMISSION_MISSING");
    desk.finish().await;
}

#[tokio::test]
async fn a_list_is_of_one_moment_however_much_is_posted_meanwhile() {
    let desk = evening().await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        let ticket = training(&desk).await;
        enter(&desk, &ticket.name, work("anna", "09:00:00", 20)).await;
        expected.push(ticket.name);
    }
    let (_, snapshot) = books(&desk, pb::ListBillablesRequest::default()).await;
    let mut admin = billing(desk.admin());
    let mut page = pb::ListBillablesRequest { parent: desk.parent(), page_size: 2, ..Default::default() };
    let first = admin.list_billables(page.clone()).await.expect("a page").into_inner();
    let other = training(&desk).await;
    enter(&desk, &other.name, work("ben", "09:00:00", 20)).await;
    page.page_token = first.next_page_token;
    let second = admin.list_billables(page).await.expect("a page").into_inner();
    assert_eq!((second.next_page_token.as_str(), &second.snapshot), ("", &first.snapshot));
    let names = first.billables.into_iter().chain(second.billables).map(|it| it.ticket);
    assert_eq!(names.collect::<Vec<_>>(), expected);
    let asked = pb::ListBillablesRequest { snapshot: snapshot.clone(), ..Default::default() };
    assert_eq!(books(&desk, asked).await.0.len(), 3);
    assert_eq!(books(&desk, pb::ListBillablesRequest::default()).await.0.len(), 4);
    for wrong in ["99", "-1", "x"] {
        let asked = pb::ListBillablesRequest {
            snapshot: wrong.to_owned(),
            parent: desk.parent(),
            ..Default::default()
        };
        assert_eq!(fields(&admin.list_billables(asked).await), ["snapshot"]);
    }
    desk.finish().await;
}

#[tokio::test]
async fn what_was_billed_is_given_back_by_a_note_and_never_more_of_it() {
    let desk = evening().await;
    let ticket = training(&desk).await;
    enter(&desk, &ticket.name, work("anna", "09:00:00", 35)).await;
    let billed = books(&desk, pb::ListBillablesRequest::default()).await.0.remove(0);
    let credit = |amount: i64, request_id: &str| pb::CreateCreditNoteRequest {
        billable: billed.name.clone(),
        amount_minor_units: amount,
        reason: "goodwill".to_owned(),
        note: "versprochen".to_owned(),
        request_id: request_id.to_owned(),
    };
    let mut admin = billing(desk.admin());
    let open = admin.create_credit_note(credit(1, "")).await;
    assert_eq!(reason(&open), "FailedPrecondition BILLABLE_NOT_LOCKED");
    admin.lock_billables(locking(&desk, "2026-03-03T00:00:00Z")).await.expect("locked");
    let note = admin.create_credit_note(credit(4999, "r-1")).await.expect("given back").into_inner();
    let again = admin.create_credit_note(credit(4999, "r-1")).await.expect("repeated").into_inner();
    assert!(again.replayed && again.credit_note == note.credit_note);
    let more = admin.create_credit_note(credit(2, "")).await;
    assert_eq!(
        (reason(&more), facts(&more, "left")),
        ("FailedPrecondition CREDIT_TOO_HIGH".into(), "1".into())
    );
    admin.create_credit_note(credit(1, "")).await.expect("the rest");
    assert_eq!(fields(&admin.create_credit_note(credit(0, "")).await), ["amount_minor_units"]);
    let list = pb::ListCreditNotesRequest { parent: desk.parent(), ..Default::default() };
    let notes = admin.list_credit_notes(list).await.expect("a page").into_inner().credit_notes;
    assert_eq!(notes.len(), 2);
    assert_eq!(notes[0].clone().amount.map(|it| (it.units, it.nanos)), Some((49, 990_000_000)));
    let told = crate::entitlements::told(&desk).await;
    let told: Vec<&pb::Event> = told.iter().filter(|event| event.r#type == "billable.credited").collect();
    assert_eq!(told.len(), 2);
    let first = told[0].credit.as_ref().expect("a credit");
    assert_eq!((&first.credit_note, &first.billable), (&notes[0].name, &billed.name));
    let missing =
        pb::CreateCreditNoteRequest { billable: format!("{}/billables/99", desk.parent()), ..credit(1, "") };
    assert_eq!(reason(&admin.create_credit_note(missing).await), "NotFound RESOURCE_NOT_FOUND");
    desk.finish().await;
}
