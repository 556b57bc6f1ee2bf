//! What came of an article: used, reused, taken back, tried in vain, and answers that nobody had to ask for; and when it does
//! not hold any more.

use futures_util::future::join_all;
use ticketing::configuration::KnowledgePolicy;
use ticketing_proto::v1::{
    self as pb, ArticleRelation as Relation, event_service_client::EventServiceClient,
};

use super::{get, knowledge, linking, links, published, resolving, saying, ticket_at, usage};
use crate::{
    comments::comments,
    support::{Desk, fields, reason},
    tickets::{read, record, tickets, titled},
};

async fn link(desk: &Desk, ticket: &str, article: &str, relation: Relation) -> String {
    let done = knowledge(desk.agent("anna")).link_article(linking(ticket, article, relation)).await;
    done.expect("linked").into_inner().revision
}

#[tokio::test]
async fn links_are_told_by_their_tickets_and_counted() {
    let desk = Desk::open().await;
    let mut anna = knowledge(desk.agent("anna"));
    let article = published(&desk, saying("Toner", "Wechseln.")).await.name;
    let [one, two] = [ticket_at(&desk, "L1").await.name, ticket_at(&desk, "L1").await.name];
    let request =
        pb::LinkArticleRequest { request_id: "r1".into(), ..linking(&one, &article, Relation::CreatedFrom) };
    let first = anna.link_article(request.clone()).await.expect("linked").into_inner();
    let again = anna.link_article(request).await.expect("again").into_inner();
    assert_eq!((&first.link, &first.revision, again.replayed), (&again.link, &again.revision, true));
    for (ticket, relation) in [(&one, Relation::Used), (&two, Relation::Used), (&two, Relation::DidNotHelp)] {
        link(&desk, ticket, &article, relation).await;
        let again = anna.link_article(linking(ticket, &article, relation)).await;
        assert_eq!(reason(&again), "FailedPrecondition ARTICLE_ALREADY_LINKED", "{relation:?}");
    }
    let told =
        pb::ArticleUsage { used_count: 2, reused_count: 1, did_not_help_count: 1, ..Default::default() };
    assert_eq!(usage(&desk, &article).await, told);
    let unclear = pb::LinkArticleRequest { relation: 0, ..linking(&one, &article, Relation::Used) };
    assert_eq!(fields(&anna.link_article(unclear).await), ["relation"]);
    let elsewhere = linking(&one, "tenants/globex/articles/1", Relation::Used);
    assert_eq!(fields(&anna.link_article(elsewhere).await), ["article"]);

    let request = pb::ListArticleLinksRequest { parent: article.clone(), page_size: 3, ..Default::default() };
    let page = anna.list_article_links(request.clone()).await.expect("a page").into_inner();
    let next = pb::ListArticleLinksRequest { page_token: page.next_page_token.clone(), ..request };
    let rest = anna.list_article_links(next).await.expect("a page").into_inner();
    let said = page.links.iter().chain(&rest.links);
    let said: Vec<(&str, Relation)> = said.map(|it| (it.ticket.as_str(), it.relation())).collect();
    let (from, used, not) = (Relation::CreatedFrom, Relation::Used, Relation::DidNotHelp);
    let expected = [(one.as_str(), from), (one.as_str(), used), (two.as_str(), used), (two.as_str(), not)];
    assert_eq!((said, rest.next_page_token.as_str()), (expected.to_vec(), ""));

    while ticketing::events::sequencer::run_once(&desk.app, 1000).await.expect("a pass").done > 0 {}
    let list = pb::ListEventsRequest { parent: desk.parent(), ..Default::default() };
    let mut log = EventServiceClient::new(desk.admin());
    let events = log.list_events(list).await.expect("a page").into_inner().events;
    let told = events.iter().filter(|event| event.r#type == "ticket.article_linked");
    assert_eq!(told.map(|event| event.article.as_str()).collect::<Vec<_>>(), [article.as_str(); 4]);
    desk.finish().await;
}

#[tokio::test]
async fn whoever_opens_a_ticket_again_takes_back_that_it_was_solved() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let article = published(&desk, saying("Toner", "Wechseln.")).await.name;
    let requester = format!("{}/contacts/peter", desk.parent());
    let ticket = record(&desk, pb::Ticket { requester, ..titled("Drucker") }).await.name;
    anna.resolve_ticket(resolving(&ticket, &article)).await.expect("resolved");
    assert_eq!(usage(&desk, &article).await.used_count, 1);
    let comment = Some(pb::Comment { text: "Immer noch.".into(), ..Default::default() });
    let said = pb::CreateCommentRequest { parent: ticket.clone(), comment, ..Default::default() };
    comments(desk.customer("peter")).create_comment(said).await.expect("said");
    assert_eq!(read(&desk, &ticket).await.state(), pb::TicketState::Open);
    let told = pb::ArticleUsage { used_count: 1, reused_count: 1, reopened_count: 1, ..Default::default() };
    assert_eq!(usage(&desk, &article).await, told);
    assert!(links(desk.agent("anna"), &article).await[0].reopen_time.is_some());
    // The second time it was the same, and that holds.
    anna.resolve_ticket(resolving(&ticket, &article)).await.expect("resolved");
    let told = pb::ArticleUsage { used_count: 2, reused_count: 2, reopened_count: 1, ..Default::default() };
    assert_eq!(usage(&desk, &article).await, told);
    let reopen = pb::ReopenTicketRequest { name: ticket.clone(), ..Default::default() };
    anna.reopen_ticket(reopen).await.expect("reopened");
    assert_eq!(usage(&desk, &article).await.reopened_count, 2);
    // One that was said to have solved it before it is resolved is not said again.
    link(&desk, &ticket, &article, Relation::Used).await;
    anna.resolve_ticket(resolving(&ticket, &article)).await.expect("resolved");
    assert_eq!(usage(&desk, &article).await.used_count, 3);
    desk.finish().await;
}

/// Solves tickets with an article and has so many of them opened again, all at once.
async fn disappoint(desk: &Desk, article: &str, used: usize, reopened: usize) {
    let mut names = Vec::new();
    for _ in 0..used {
        let ticket = record(desk, titled("Drucker")).await.name;
        tickets(desk.agent("anna")).resolve_ticket(resolving(&ticket, article)).await.expect("resolved");
        names.push(ticket);
    }
    let reopens = names.into_iter().take(reopened).map(async |name| {
        let reopen = pb::ReopenTicketRequest { name, ..Default::default() };
        tickets(desk.agent("anna")).reopen_ticket(reopen).await.expect("reopened");
    });
    join_all(reopens).await;
}

#[tokio::test]
async fn an_article_whose_tickets_are_opened_again_is_stale_until_it_is_published_anew() {
    let desk = Desk::open().await;
    let article = published(&desk, saying("Toner", "Wechseln.")).await.name;
    let stale = async || get(desk.manager(), &article).await.stale_time.is_some();
    disappoint(&desk, &article, 9, 2).await;
    assert!(!stale().await, "two of nine");
    disappoint(&desk, &article, 3, 1).await;
    assert!(stale().await, "three of twelve are a quarter");
    let list = pb::ListArticlesRequest {
        parent: desk.parent(),
        filter: "stale = true".into(),
        ..Default::default()
    };
    let mut anna = knowledge(desk.agent("anna"));
    let found = anna.list_articles(list.clone()).await.expect("a page").into_inner().articles;
    assert_eq!(found.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), [article.as_str()]);
    let text = pb::Article { name: article.clone(), text: "Toner rütteln.".into(), ..Default::default() };
    let update = pb::UpdateArticleRequest { article: Some(text), ..Default::default() };
    anna.update_article(update).await.expect("revised");
    assert!(stale().await, "what is in use does not hold yet");
    super::publish(&desk, &article).await;
    assert!(!stale().await);
    assert_eq!(anna.list_articles(list).await.expect("a page").into_inner().articles, []);
    // The new revision is judged by its own tickets.
    disappoint(&desk, &article, 2, 2).await;
    assert!(!stale().await);
    desk.finish().await;
}

#[tokio::test]
async fn those_who_open_tickets_at_once_are_all_counted() {
    let desk = Desk::open().await;
    let article = published(&desk, saying("Toner", "Wechseln.")).await.name;
    disappoint(&desk, &article, 3, 3).await;
    let article = get(desk.manager(), &article).await;
    assert!(article.stale_time.is_some(), "none of the three counted without the others");
    assert_eq!(article.usage.expect("told").reopened_count, 3);
    desk.finish().await;
}

#[tokio::test]
async fn the_configuration_says_when_and_whether() {
    let desk = Desk::open().await;
    let mut document = crate::support::sample();
    document.knowledge.stale_reopen_count = 0;
    desk.configure(&document).await;
    let article = published(&desk, saying("Toner", "Wechseln.")).await.name;
    disappoint(&desk, &article, 4, 4).await;
    assert_eq!(get(desk.manager(), &article).await.stale_time, None, "never");
    document.knowledge = KnowledgePolicy { stale_reopen_count: 1, stale_reopen_percent: 1 };
    desk.configure(&document).await;
    disappoint(&desk, &article, 1, 1).await;
    assert!(get(desk.manager(), &article).await.stale_time.is_some());
    desk.finish().await;
}

#[tokio::test]
async fn an_answer_that_was_found_is_counted_once_for_a_call_whoever_calls_at_once() {
    let desk = Desk::open().await;
    let public = pb::Article {
        audience: pb::ArticleAudience::Public.into(),
        ..saying("Passwort zurücksetzen", "Auf Vergessen.")
    };
    let article = published(&desk, public).await.name;
    let report = pb::ReportDeflectionRequest { article: article.clone(), request_id: "r1".into() };
    let calls = (0..20).map(async |n: usize| {
        let client = desk.customer(["peter", "milton"][n % 2]);
        let request = pb::ReportDeflectionRequest { request_id: format!("r{}", n / 2), ..report.clone() };
        knowledge(client).report_deflection(request).await.expect("counted").into_inner().replayed
    });
    assert_eq!(join_all(calls).await, [false; 20]);
    let again = knowledge(desk.customer("peter")).report_deflection(report).await.expect("counted");
    assert!(again.into_inner().replayed);
    assert_eq!(usage(&desk, &article).await.deflection_count, 20);
    let rows: i64 = sqlx::query_scalar("select count(*) from article_deflections")
        .fetch_one(desk.root())
        .await
        .expect("a count");
    assert!((2..=16).contains(&rows), "{rows} rows share the counting");
    let nothing = pb::ReportDeflectionRequest {
        article: format!("{}/articles/4711", desk.parent()),
        ..Default::default()
    };
    assert_eq!(reason(&knowledge(desk.customer("peter")).report_deflection(nothing).await), super::MISSING);
    desk.finish().await;
}
