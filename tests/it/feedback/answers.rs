//! What a token is good for, and what answers come to.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use ticketing::{
    configuration::FeedbackScale,
    serve::{Quota, Quotas},
};
use ticketing_proto::v1::{self as pb, customer_service_client::CustomerServiceClient};
use tonic_types::StatusExt as _;

use super::{DAY, all, asking, feedback, issue, page, question, saying, solved, submit, summary, token};
use crate::{
    entitlements::told,
    reports::{count, values},
    support::{Desk, reason},
    tickets::merge::merge,
};

#[tokio::test]
async fn a_customer_answers_once_without_a_login() {
    let desk = asking(FeedbackScale::Csat, |_| ()).await;
    let asked = question(&desk, "kim").await;
    let link = token(&desk, &asked.name).await;
    for (score, wrong) in [(0, "InvalidArgument FIELD_INVALID"), (6, "InvalidArgument FIELD_INVALID")] {
        assert_eq!(reason(&submit(&desk, &link, score).await), wrong);
    }
    let nothing = pb::SubmitFeedbackRequest { score: None, ..saying(&link, 0) };
    assert_eq!(reason(&page(&desk).submit_feedback(nothing).await), "InvalidArgument FIELD_INVALID");
    let first = pb::SubmitFeedbackRequest { request_id: "1".into(), ..saying(&link, 4) };
    assert!(!page(&desk).submit_feedback(first.clone()).await.expect("answered").into_inner().replayed);
    assert!(page(&desk).submit_feedback(first).await.expect("answered").into_inner().replayed);
    assert_eq!(reason(&submit(&desk, &link, 5).await), "FailedPrecondition FEEDBACK_GIVEN");
    assert_eq!(reason(&issue(&desk, &asked.name).await), "FailedPrecondition FEEDBACK_GIVEN");
    desk.advance(DAY * 30);
    assert_eq!(
        reason(&submit(&desk, &link, 5).await),
        "FailedPrecondition FEEDBACK_GIVEN",
        "also much later"
    );

    let get = pb::GetFeedbackRequest { name: asked.name.clone() };
    let given = feedback(desk.agent("anna")).get_feedback(get).await.expect("there").into_inner();
    let given = given.feedback.expect("feedback");
    assert_eq!((given.state(), given.score), (pb::FeedbackState::Given, Some(4)));
    assert_eq!(given.comment, "Danke, Anna!");
    assert_eq!(given.token_issuer.expect("an issuer").id, "mailer");
    let events = told(&desk).await;
    let event = events.iter().rev().find(|event| event.r#type == "feedback.given").expect("told");
    assert_eq!(event.feedback.as_ref().expect("what was said").score, Some(4));
    assert!(!format!("{event:?}").contains("Danke") && !format!("{event:?}").contains("kim"), "{event:?}");
    desk.finish().await;
}

#[tokio::test]
async fn of_many_answers_at_once_one_counts() {
    let desk = asking(FeedbackScale::Nps, |_| ()).await;
    let link = token(&desk, &question(&desk, "kim").await.name).await;
    let answers = join_all((0..=10).map(|score| submit(&desk, &link, score))).await;
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for answer in &answers {
        *outcomes
            .entry(answer.as_ref().map_or_else(|_| reason(answer), |_| "answered".into()))
            .or_default() += 1;
    }
    let expected = [("FailedPrecondition FEEDBACK_GIVEN".to_owned(), 10), ("answered".to_owned(), 1)];
    assert_eq!(outcomes, BTreeMap::from(expected));
    assert_eq!(summary(&desk, "").await.response_count, 1);
    desk.finish().await;
}

#[tokio::test]
async fn what_is_no_token_any_more_is_as_what_never_was_one() {
    let desk = asking(FeedbackScale::Csat, |_| ()).await;
    let asked = question(&desk, "kim").await;
    let first = token(&desk, &asked.name).await;
    let second = token(&desk, &asked.name).await;
    let mut guessed = second.clone().into_bytes();
    let place = guessed.len() - 10;
    guessed[place] = if guessed[place] == b'A' { b'B' } else { b'A' };
    let guessed = String::from_utf8(guessed).expect("still a text");
    let elsewhere = second.replacen("acme", "globex", 1);
    let mut told = Vec::new();
    for bad in [first.as_str(), &guessed, &elsewhere, "", "acme.x.y", "kein Token"] {
        let refused = submit(&desk, bad, 4).await.expect_err("no token");
        told.push((refused.code(), refused.message().to_owned()));
    }
    assert!(told.windows(2).all(|two| two[0] == two[1]), "{told:?}");
    assert_eq!(told[0].0, tonic::Code::NotFound);
    submit(&desk, &second, 4).await.expect("the last one holds");
    desk.finish().await;
}

#[tokio::test]
async fn a_token_ends_with_its_time_and_with_what_it_is_about() {
    let desk = asking(FeedbackScale::Csat, |survey| survey.token_lifetime_duration = Some(DAY)).await;
    let late = question(&desk, "kim").await.name;
    let link = token(&desk, &late).await;
    desk.advance(DAY);
    assert_eq!(reason(&submit(&desk, &link, 4).await), "FailedPrecondition FEEDBACK_EXPIRED");
    submit(&desk, &token(&desk, &late).await, 4).await.expect("a new token has its own time");

    let (survivor, merged) = (solved(&desk, "kim").await, solved(&desk, "kim").await);
    super::ask(&desk).await;
    let names: Vec<String> = all(&desk, "state = REQUESTED").await.into_iter().map(|it| it.name).collect();
    let of = |ticket: &pb::Ticket| {
        names.iter().find(|name| name.starts_with(&ticket.name)).expect("asked").clone()
    };
    let (kept, gone) = (of(&survivor), of(&merged));
    let link = token(&desk, &gone).await;
    for ticket in [&survivor, &merged] {
        let reopen = pb::ReopenTicketRequest { name: ticket.name.clone(), ..Default::default() };
        pb::ticket_service_client::TicketServiceClient::new(desk.agent("anna"))
            .reopen_ticket(reopen)
            .await
            .expect("opened again");
    }
    merge(&desk, &survivor, &[&merged]).await;
    assert_eq!(reason(&submit(&desk, &link, 4).await), "FailedPrecondition FEEDBACK_EXPIRED");
    assert_eq!(reason(&issue(&desk, &gone).await), "FailedPrecondition FEEDBACK_EXPIRED");
    submit(&desk, &token(&desk, &kept).await, 2).await.expect("that one was asked about its own resolution");
    desk.finish().await;
}

#[tokio::test]
async fn an_erased_person_is_not_asked_any_more_and_the_words_go() {
    let desk = asking(FeedbackScale::Csat, |_| ()).await;
    let answered = question(&desk, "kim").await.name;
    submit(&desk, &token(&desk, &answered).await, 5).await.expect("answered");
    let open = question(&desk, "kim").await.name;
    let link = token(&desk, &open).await;
    let erase =
        pb::EraseContactRequest { name: format!("{}/contacts/kim", desk.parent()), ..Default::default() };
    CustomerServiceClient::new(desk.admin()).erase_contact(erase).await.expect("erased");
    assert_eq!(reason(&submit(&desk, &link, 1).await), "NotFound RESOURCE_NOT_FOUND");
    assert_eq!(reason(&issue(&desk, &open).await), "FailedPrecondition FEEDBACK_EXPIRED");
    let left = all(&desk, "").await;
    assert!(left.iter().all(|it| it.contact.is_empty() && it.comment.is_empty()), "{left:?}");
    assert_eq!(left.iter().filter_map(|it| it.score).collect::<Vec<_>>(), [5]);
    desk.finish().await;
}

#[tokio::test]
async fn who_is_judged_makes_no_token_and_customers_read_nothing() {
    let desk = asking(FeedbackScale::Csat, |_| ()).await;
    let name = question(&desk, "kim").await.name;
    let issue = pb::IssueFeedbackTokenRequest { name: name.clone() };
    for client in [desk.agent("anna"), desk.manager(), desk.customer("kim")] {
        let refused = feedback(client).issue_feedback_token(issue.clone()).await;
        assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    }
    let get = pb::GetFeedbackRequest { name };
    let refused = feedback(desk.customer("kim")).get_feedback(get).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    desk.finish().await;
}

#[tokio::test]
async fn answers_are_summed_up_and_in_the_figures() {
    let desk = asking(FeedbackScale::Csat, |_| ()).await;
    for score in [5, 4, 2] {
        let name = question(&desk, "kim").await.name;
        submit(&desk, &token(&desk, &name).await, score).await.expect("answered");
    }
    question(&desk, "lee").await;
    let summed = summary(&desk, "").await;
    assert_eq!((summed.request_count, summed.response_count), (4, 3));
    let counts: Vec<(i32, i64)> = summed.scores.iter().map(|it| (it.score, it.count)).collect();
    assert_eq!(counts, [(1, 0), (2, 1), (3, 0), (4, 1), (5, 1)]);
    let mean = summed.mean.expect("a mean");
    assert!((mean.value - 11.0 / 3.0).abs() < 1e-9 && mean.low.is_some_and(|low| low < mean.value));
    assert_eq!(summed.net_promoter_score, None);
    assert_eq!(summary(&desk, "score >= 4").await.response_count, 2);
    assert_eq!(all(&desk, "score = 2").await.len(), 1);

    count(&desk).await;
    let [asked, rate, csat, satisfied, nps] =
        values(&desk, ["feedback_requests", "feedback_rate", "csat", "csat_satisfied_rate", "nps"]).await;
    assert_eq!((asked.0, rate, nps.1), (4.0, (0.75, 4), 0));
    assert!((csat.0 - 11.0 / 3.0).abs() < 1e-9 && csat.1 == 3, "{csat:?}");
    assert!((satisfied.0 - 2.0 / 3.0).abs() < 1e-9 && satisfied.1 == 3, "{satisfied:?}");
    desk.finish().await;
}

#[tokio::test]
async fn whoever_has_no_name_is_counted_by_address_beside_those_who_have() {
    let caller = Quota { rate: 1, burst: 4, ..Quota::NONE };
    let desk = Desk::open_with_quotas(Quotas { caller, ..Quotas::NONE }).await;
    let mut refused = None;
    for _ in 0..3 {
        refused = submit(&desk, "acme.x.y", 1).await.err();
    }
    let refused = refused.expect("an error");
    assert_eq!(refused.code(), tonic::Code::ResourceExhausted, "{refused:?}");
    let failure = refused.get_details_quota_failure().expect("a QuotaFailure");
    assert_eq!(failure.violations[0].subject, "caller:127.0.0.1");
    assert!(all(&desk, "").await.is_empty(), "who has a name has a share of its own");
    desk.finish().await;
}
