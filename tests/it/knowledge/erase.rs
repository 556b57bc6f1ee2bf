//! What was drafted from a person's ticket loses the person's words; what was reviewed is the house's own.

use ticketing::tickets::ERASED;
use ticketing_proto::v1::{
    self as pb, ArticleRelation as Relation, customer_service_client::CustomerServiceClient,
};

use super::{draft, get, knowledge, linking, resolving, saying, ticket_at};
use crate::{
    customers::found,
    support::{Desk, reason},
    tickets::{edit, tickets},
};

const SECRET: &str = "Geheimsache";

/// A ticket of peter's at the third level, resolved with a draft, and the draft.
async fn solved(desk: &Desk) -> (String, String) {
    let ticket = ticket_at(desk, "L3").await.name;
    edit(desk, &ticket, |ticket| {
        ticket.requester = "peter".into();
        ticket.description = SECRET.into();
    })
    .await;
    let request = pb::ResolveTicketRequest { draft_article: true, ..resolving(&ticket, "") };
    let done = tickets(desk.manager()).resolve_ticket(request).await.expect("resolved").into_inner();
    (ticket, done.ticket.expect("a ticket").resolution.expect("a resolution").article)
}

async fn erase_peter(desk: &Desk) -> pb::Erasure {
    let name = format!("{}/contacts/peter", desk.parent());
    let request = pb::EraseContactRequest { name, request_id: "e1".into(), ..Default::default() };
    let done = CustomerServiceClient::new(desk.admin()).erase_contact(request).await.expect("erased");
    done.into_inner().erasure.expect("an erasure")
}

#[tokio::test]
async fn a_draft_from_an_erased_person_s_ticket_loses_its_text_and_is_archived() {
    let desk = Desk::open().await;
    let (ticket, drafted) = solved(&desk).await;
    let other = draft(&desk, saying("Anderes", "Von anderswo.")).await.name;
    // A second revision that nobody has published is gone through, too.
    let more =
        pb::Article { name: drafted.clone(), text: format!("Laut Kunde: {SECRET}"), ..Default::default() };
    let update = pb::UpdateArticleRequest { article: Some(more), ..Default::default() };
    knowledge(desk.manager()).update_article(update).await.expect("revised");
    assert!(found(desk.root(), SECRET).await.contains(&"article_revisions.body".to_owned()));

    assert_eq!(erase_peter(&desk).await.article_count, 1);
    assert_eq!(found(desk.root(), SECRET).await, Vec::<String>::new());
    let left = get(desk.manager(), &drafted).await;
    assert_eq!((left.title.as_str(), left.text.as_str()), (ERASED, ERASED));
    assert_eq!((left.state(), left.unrevised), (pb::ArticleState::Archived, true));
    assert_eq!(get(desk.manager(), &other).await.text, "Von anderswo.");
    assert!(crate::tickets::read(&desk, &ticket).await.resolution.is_some_and(|it| it.article == drafted));
    desk.finish().await;
}

#[tokio::test]
async fn what_was_published_stays_and_what_is_being_written_on_it_goes() {
    let desk = Desk::open().await;
    let (_, drafted) = solved(&desk).await;
    let mut manager = knowledge(desk.manager());
    let revise = |text: &str| pb::UpdateArticleRequest {
        article: Some(pb::Article {
            name: drafted.clone(),
            title: "Rundung".into(),
            text: text.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    manager.update_article(revise("Je Rechnung runden.")).await.expect("revised");
    let submit = pb::SubmitArticleRequest { name: drafted.clone(), ..Default::default() };
    manager.submit_article(submit.clone()).await.expect("submitted");
    let publish = pb::PublishArticleRequest { name: drafted.clone(), ..Default::default() };
    knowledge(desk.admin()).publish_article(publish).await.expect("published");
    manager.update_article(revise(SECRET)).await.expect("revised");
    manager.submit_article(submit.clone()).await.expect("submitted");

    assert_eq!(erase_peter(&desk).await.article_count, 1);
    assert_eq!(found(desk.root(), SECRET).await, Vec::<String>::new());
    let left = get(desk.manager(), &drafted).await;
    assert_eq!((left.state(), left.published_revision), (pb::ArticleState::Draft, 2));
    let request = pb::GetArticleRequest { name: drafted.clone(), read_revision: 2 };
    let kept = manager.get_article(request).await.expect("read").into_inner().article.expect("one");
    assert_eq!(kept.text, "Je Rechnung runden.");
    let refused = manager.submit_article(submit).await;
    assert_eq!(reason(&refused), "FailedPrecondition ARTICLE_UNREVISED");
    desk.finish().await;
}

#[tokio::test]
async fn with_a_ticket_that_goes_go_its_links_and_drafts_in_its_words() {
    let desk = Desk::open().await;
    let mut document = crate::support::sample();
    document.lifecycle.retention_duration = std::time::Duration::from_hours(60 * 24);
    desk.configure(&document).await;
    let (ticket, drafted) = solved(&desk).await;
    let article = super::published(&desk, saying("Toner", "Wechseln.")).await.name;
    let link = linking(&ticket, &article, Relation::Used);
    knowledge(desk.agent("anna")).link_article(link).await.expect("linked");
    assert_eq!(super::usage(&desk, &article).await.used_count, 1);
    let close = pb::CloseTicketRequest { name: ticket, ..Default::default() };
    tickets(desk.manager()).close_ticket(close).await.expect("closed");
    while ticketing::events::sequencer::run_once(&desk.app, 1000).await.expect("a pass").done > 0 {}
    desk.advance(std::time::Duration::from_hours(61 * 24));
    let report = ticketing::tickets::retire::run_once(&desk.app, 100).await.expect("a tick");
    assert_eq!(report.done, 1);
    assert_eq!(found(desk.root(), SECRET).await, Vec::<String>::new());
    assert_eq!(get(desk.manager(), &drafted).await.text, ERASED);
    assert_eq!(super::usage(&desk, &article).await.used_count, 0, "counted over the tickets that are kept");
    desk.finish().await;
}
