//! What a level owes the knowledge base when it resolves, and what a resolution may name.

use ticketing_proto::v1::{self as pb, ArticleRelation as Relation, create_comment_request::Then};

use super::{draft, get, knowledge, linking, links, published, resolving, saying, ticket_at};
use crate::{
    comments::comments,
    support::{Desk, fields, reason},
    tickets::{edit, read, tickets},
};

const OPEN: &str = "FailedPrecondition KNOWLEDGE_DUTY_OPEN";
const NOT_USABLE: &str = "FailedPrecondition ARTICLE_NOT_USABLE";

#[tokio::test]
async fn the_second_level_names_what_it_used_and_the_ticket_is_linked_with_it() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let ticket = ticket_at(&desk, "L2").await.name;
    assert_eq!(reason(&anna.resolve_ticket(resolving(&ticket, "")).await), OPEN);
    let nothing = format!("{}/articles/4711", desk.parent());
    for free in ["KB-0815", "tenants/globex/articles/1", "tenants/acme/articles/KB-0815", &nothing] {
        let refused = anna.resolve_ticket(resolving(&ticket, free)).await;
        assert_eq!(fields(&refused), ["resolution.article"], "{free}");
    }
    let article = draft(&desk, saying("Treiber neu", "Alten entfernen.")).await;
    assert_eq!(reason(&anna.resolve_ticket(resolving(&ticket, &article.name)).await), NOT_USABLE);
    super::publish(&desk, &article.name).await;
    let by_number = format!("{}/articles/{}", desk.parent(), article.number);
    let done = anna.resolve_ticket(resolving(&ticket, &by_number)).await.expect("resolved").into_inner();
    let resolution = done.ticket.expect("a ticket").resolution.expect("a resolution");
    assert_eq!(resolution.article, article.name, "by its name, however it was called");

    let links = links(desk.agent("anna"), &article.name).await;
    assert_eq!(links.len(), 1);
    assert_eq!((&links[0].ticket, links[0].relation(), links[0].revision), (&ticket, Relation::Used, 1));
    assert_eq!(links[0].author.as_ref().map(|it| it.id.as_str()), Some("anna"));
    let timeline = pb::ListTimelineRequest { name: ticket, ..Default::default() };
    let entries = anna.list_timeline(timeline).await.expect("a page").into_inner().entries;
    let last = entries.last().expect("an entry");
    assert_eq!((last.r#type.as_str(), &last.article), ("ticket.resolved", &article.name));
    let change = last.changes.iter().find(|it| it.field == "resolution").expect("it changed");
    assert!(change.after_json.contains(&article.name), "{}", change.after_json);
    desk.finish().await;
}

#[tokio::test]
async fn an_article_for_a_higher_level_solves_nothing_below_it() {
    let desk = Desk::open().await;
    crate::agents::employ(&desk, "anna", "engineering", 4, &[]).await;
    let mut anna = tickets(desk.agent("anna"));
    let article = pb::Article { lowest_level: "L3".into(), ..saying("Im Code", "Zeile 7.") };
    let article = published(&desk, article).await.name;
    let low = ticket_at(&desk, "L2").await.name;
    assert_eq!(reason(&anna.resolve_ticket(resolving(&low, &article)).await), NOT_USABLE);
    let high = ticket_at(&desk, "L3").await.name;
    anna.resolve_ticket(resolving(&high, &article)).await.expect("resolved");
    // Who does not see it is told that there is none.
    let refused = tickets(desk.agent("bert")).resolve_ticket(resolving(&low, &article)).await;
    assert_eq!(fields(&refused), ["resolution.article"]);
    desk.finish().await;
}

#[tokio::test]
async fn the_third_level_does_not_resolve_without_its_duty() {
    let desk = Desk::open().await;
    let mut anna = tickets(desk.agent("anna"));
    let ticket = ticket_at(&desk, "L3").await.name;
    assert_eq!(reason(&anna.resolve_ticket(resolving(&ticket, "")).await), OPEN);
    assert_eq!(read(&desk, &ticket).await.state(), pb::TicketState::New, "nothing happened");

    // A draft of somebody's that has nothing to do with the ticket pays nothing; one that was written from it does.
    let article = draft(&desk, saying("Rundung", "Je Rechnung.")).await.name;
    assert_eq!(reason(&anna.resolve_ticket(resolving(&ticket, &article)).await), NOT_USABLE);
    let from = linking(&ticket, &article, Relation::CreatedFrom);
    knowledge(desk.agent("anna")).link_article(from).await.expect("linked");
    anna.resolve_ticket(resolving(&ticket, &article)).await.expect("resolved");
    let links = links(desk.agent("anna"), &article).await;
    assert_eq!(links.iter().map(pb::ArticleLink::relation).collect::<Vec<_>>(), [Relation::CreatedFrom]);

    // At the second level a draft is not enough.
    let low = ticket_at(&desk, "L2").await.name;
    let from = linking(&low, &article, Relation::CreatedFrom);
    knowledge(desk.agent("anna")).link_article(from).await.expect("linked");
    assert_eq!(reason(&anna.resolve_ticket(resolving(&low, &article)).await), OPEN);

    let other = ticket_at(&desk, "L3").await.name;
    let mut words = resolving(&other, "");
    words.resolution.as_mut().expect("a resolution").no_article_reason = "einmalig".into();
    anna.resolve_ticket(words).await.expect("a word why there is none");
    desk.finish().await;
}

#[tokio::test]
async fn a_resolution_drafts_an_article_that_nobody_reviews_as_it_is() {
    let desk = Desk::open().await;
    crate::agents::employ(&desk, "anna", "engineering", 4, &[]).await;
    let mut anna = tickets(desk.agent("anna"));
    let ticket = ticket_at(&desk, "L3").await.name;
    edit(&desk, &ticket, |ticket| ticket.description = "Bei Frau Meier.".into()).await;
    let both = pb::ResolveTicketRequest {
        draft_article: true,
        ..resolving(&ticket, &format!("{}/articles/1", desk.parent()))
    };
    assert_eq!(fields(&anna.resolve_ticket(both).await), ["resolution.article"]);
    let request =
        pb::ResolveTicketRequest { draft_article: true, request_id: "r1".into(), ..resolving(&ticket, "") };
    let rehearsal =
        pb::ResolveTicketRequest { validate_only: true, request_id: String::new(), ..request.clone() };
    let shown = anna.resolve_ticket(rehearsal).await.expect("rehearsed").into_inner();
    let would_be = shown.ticket.expect("a ticket").resolution.expect("a resolution").article;
    let none = knowledge(desk.agent("anna")).get_article(super::named(&would_be)).await;
    assert_eq!(reason(&none), super::MISSING);

    let done = anna.resolve_ticket(request.clone()).await.expect("resolved").into_inner();
    let name = done.ticket.expect("a ticket").resolution.expect("a resolution").article;
    let again = anna.resolve_ticket(request).await.expect("again").into_inner();
    assert!(again.replayed);
    let article = get(desk.agent("anna"), &name).await;
    assert_eq!((article.state(), article.kind()), (pb::ArticleState::Draft, pb::ArticleKind::Solution));
    assert_eq!((article.title.as_str(), article.unrevised), ("Drucker druckt nicht", true));
    assert_eq!(article.text, "Bei Frau Meier.\n\nToner gewechselt");
    assert_eq!(article.lowest_level, "L2", "for the level that it advises");
    let said = links(desk.agent("anna"), &name).await;
    assert_eq!(said.iter().map(pb::ArticleLink::relation).collect::<Vec<_>>(), [Relation::CreatedFrom]);

    let submit = pb::SubmitArticleRequest { name: name.clone(), ..Default::default() };
    let mut author = knowledge(desk.agent("anna"));
    let refused = author.submit_article(submit.clone()).await;
    assert_eq!(reason(&refused), "FailedPrecondition ARTICLE_UNREVISED");
    let words = pb::Article { name, text: "Toner wechseln.".into(), ..Default::default() };
    let update = pb::UpdateArticleRequest { article: Some(words), ..Default::default() };
    author.update_article(update).await.expect("revised");
    author.submit_article(submit).await.expect("submitted");
    desk.finish().await;
}

#[tokio::test]
async fn nothing_is_drafted_from_a_restricted_ticket_nor_for_a_refusal() {
    let desk = Desk::open().await;
    let mut manager = tickets(desk.manager());
    let ticket = ticket_at(&desk, "L3").await.name;
    let nonsense = pb::ResolveTicketRequest { draft_article: true, ..resolving(&ticket, "") };
    let nonsense = pb::ResolveTicketRequest {
        resolution: Some(pb::Resolution { code: "magic".into(), ..Default::default() }),
        ..nonsense
    };
    assert_eq!(fields(&manager.resolve_ticket(nonsense).await), ["resolution.code"]);
    edit(&desk, &ticket, |ticket| ticket.restricted = true).await;
    let request = pb::ResolveTicketRequest { draft_article: true, ..resolving(&ticket, "") };
    let refused = manager.resolve_ticket(request).await;
    assert_eq!(reason(&refused), "FailedPrecondition ARTICLE_TICKET_RESTRICTED");
    let list = pb::ListArticlesRequest { parent: desk.parent(), ..Default::default() };
    let list = knowledge(desk.manager()).list_articles(list).await.expect("a page").into_inner();
    assert_eq!(list.articles, [], "nothing was left behind");
    desk.finish().await;
}

#[tokio::test]
async fn a_comment_that_resolves_owes_the_same() {
    let desk = Desk::open().await;
    let mut anna = comments(desk.agent("anna"));
    let ticket = ticket_at(&desk, "L2").await.name;
    let saying = |article: &str, draft_article: bool| {
        let resolution = resolving(&ticket, article).resolution;
        pb::CreateCommentRequest {
            parent: ticket.clone(),
            comment: Some(pb::Comment { text: "so".into(), ..Default::default() }),
            then: Some(Then::Resolve(pb::ResolveThen { resolution, draft_article })),
            ..Default::default()
        }
    };
    assert_eq!(reason(&anna.create_comment(saying("", false)).await), OPEN);
    let refused = anna.create_comment(saying("KB-0815", false)).await;
    assert_eq!(fields(&refused), ["resolve.resolution.article"]);
    let nothing = format!("{}/articles/4711", desk.parent());
    let refused = anna.create_comment(saying(&nothing, false)).await;
    assert_eq!(fields(&refused), ["resolve.resolution.article"]);
    let article = published(&desk, super::saying("Treiber neu", "Alten entfernen.")).await.name;
    anna.create_comment(saying(&article, false)).await.expect("resolved");
    assert_eq!(links(desk.agent("anna"), &article).await.len(), 1);

    let high = ticket_at(&desk, "L3").await.name;
    let drafting = pb::CreateCommentRequest { parent: high, ..saying("", true) };
    let done = anna.create_comment(drafting).await.expect("resolved").into_inner();
    let name = done.ticket.expect("a ticket").resolution.expect("a resolution").article;
    assert!(get(desk.manager(), &name).await.unrevised);
    desk.finish().await;
}
