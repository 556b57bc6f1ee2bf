//! Who sees which articles: by get, list, search, suggestion and report alike.

use ticketing_proto::v1 as pb;

use super::{MISSING, draft, get, knowledge, linking, links, named, published, saying};
use crate::{
    agents::employ,
    support::{Client, Desk, reason},
    tickets::{record, titled},
};

/// The articles that a caller comes upon, by every way there is to one.
async fn ways(desk: &Desk, client: &Client, article: &pb::Article) -> [bool; 5] {
    let mut knowledge = knowledge(client.clone());
    let found = |names: Vec<String>| names.contains(&article.name);
    let get = knowledge.get_article(named(&article.name)).await;
    if get.is_err() {
        assert_eq!(reason(&get), MISSING);
    }
    let list = pb::ListArticlesRequest { parent: desk.parent(), ..Default::default() };
    let list = knowledge.list_articles(list).await.expect("a page").into_inner().articles;
    let search = pb::SearchArticlesRequest {
        parent: desk.parent(),
        query: article.title.clone(),
        ..Default::default()
    };
    let hits = knowledge.search_articles(search).await.expect("a page").into_inner().results;
    let draft = pb::Ticket { title: article.title.clone(), ..Default::default() };
    let suggest = pb::SuggestArticlesRequest {
        parent: desk.parent(),
        subject: Some(pb::suggest_articles_request::Subject::Draft(draft)),
        max_results: 20,
    };
    let suggestions = knowledge.suggest_articles(suggest).await.expect("some").into_inner().suggestions;
    let report = pb::ReportDeflectionRequest { article: article.name.clone(), ..Default::default() };
    let reported = knowledge.report_deflection(report).await;
    if reported.is_err() {
        // Who sees that there is one is told that it is not in use.
        let told = if get.is_ok() { "FailedPrecondition ARTICLE_NOT_USABLE" } else { MISSING };
        assert_eq!(reason(&reported), told);
    }
    let names = |hits: Vec<pb::ArticleHit>| {
        hits.into_iter().map(|hit| hit.article.expect("an article").name).collect()
    };
    [
        get.is_ok(),
        found(list.into_iter().map(|it| it.name).collect()),
        found(names(hits)),
        found(names(suggestions)),
        reported.is_ok(),
    ]
}

fn for_whom(audience: pb::ArticleAudience) -> pb::Article {
    pb::Article { audience: audience.into(), ..saying("Zertifikat erneuern", "Geheimnis: das Formular.") }
}

#[tokio::test]
async fn a_customer_comes_upon_what_is_in_use_and_for_customers_by_every_way_and_upon_nothing_else() {
    let desk = Desk::open().await;
    let peter = desk.customer("peter");
    for audience in [pb::ArticleAudience::Customer, pb::ArticleAudience::Public] {
        let article = published(&desk, for_whom(audience)).await;
        assert_eq!(ways(&desk, &peter, &article).await, [true; 5], "{audience:?}");
        assert_eq!(ways(&desk, &desk.agent("bert"), &article).await, [true; 5], "{audience:?}");
        let draft = draft(&desk, for_whom(audience)).await;
        assert_eq!(ways(&desk, &peter, &draft).await, [false; 5], "{audience:?}");
        assert_eq!(ways(&desk, &desk.agent("bert"), &draft).await, [true, true, false, false, false]);
    }
    let internal = published(&desk, for_whom(pb::ArticleAudience::Internal)).await;
    assert_eq!(ways(&desk, &peter, &internal).await, [false; 5]);
    assert_eq!(ways(&desk, &desk.agent("bert"), &internal).await, [true; 5]);

    // What was public and is being made internal is public until that is published; then it is not any more.
    let article = published(&desk, for_whom(pb::ArticleAudience::Public)).await;
    let inside = pb::Article {
        name: article.name.clone(),
        audience: pb::ArticleAudience::Internal.into(),
        ..Default::default()
    };
    let update = pb::UpdateArticleRequest { article: Some(inside), ..Default::default() };
    knowledge(desk.agent("anna")).update_article(update).await.expect("revised");
    assert_eq!(ways(&desk, &peter, &article).await, [true; 5]);
    super::publish(&desk, &article.name).await;
    assert_eq!(ways(&desk, &peter, &article).await, [false; 5]);
    let archive = pb::ArchiveArticleRequest { name: article.name.clone(), ..Default::default() };
    knowledge(desk.manager()).archive_article(archive).await.expect("archived");
    assert_eq!(ways(&desk, &desk.agent("bert"), &article).await, [true, true, false, false, false]);
    desk.finish().await;
}

#[tokio::test]
async fn a_customer_is_not_told_who_works_on_it_and_how_it_does() {
    let desk = Desk::open().await;
    let article = published(&desk, for_whom(pb::ArticleAudience::Customer)).await;
    let ticket = record(&desk, titled("Zertifikat")).await.name;
    let link = linking(&ticket, &article.name, pb::ArticleRelation::DidNotHelp);
    knowledge(desk.agent("anna")).link_article(link.clone()).await.expect("linked");
    let read = get(desk.customer("peter"), &article.name).await;
    assert_eq!((read.text.as_str(), read.state()), ("Geheimnis: das Formular.", pb::ArticleState::Published));
    assert!(!format!("{read:?}").contains("anna"));
    assert_eq!((read.usage, read.latest_revision, read.published_revision), (None, 0, 0));
    assert_eq!(get(desk.agent("anna"), &article.name).await.usage.expect("told").did_not_help_count, 1);
    let mut peter = knowledge(desk.customer("peter"));
    let none = "PermissionDenied PERMISSION_MISSING";
    let request = pb::ListArticleLinksRequest { parent: article.name.clone(), ..Default::default() };
    assert_eq!(reason(&peter.list_article_links(request).await), none);
    let request = pb::ListArticleRevisionsRequest { name: article.name, ..Default::default() };
    assert_eq!(reason(&peter.list_article_revisions(request).await), none);
    assert_eq!(reason(&peter.link_article(link).await), none);
    desk.finish().await;
}

#[tokio::test]
async fn an_agent_comes_upon_what_the_own_level_may_use() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "engineering", 4, &[]).await;
    employ(&desk, "bert", "desk-de", 4, &[]).await;
    employ(&desk, "jonas", "applications", 4, &[]).await;
    let article = pb::Article { lowest_level: "L2".into(), ..saying("Sperre lösen", "Auftrag 7 anhalten.") };
    let article = published(&desk, article).await;
    for (who, sees) in [("bert", false), ("jonas", true), ("anna", true), ("nobody", false)] {
        assert_eq!(ways(&desk, &desk.agent(who), &article).await, [sees; 5], "{who}");
    }
    assert_eq!(ways(&desk, &desk.manager(), &article).await, [true; 5]);
    let ticket = record(&desk, titled("Sperre")).await.name;
    let link = linking(&ticket, &article.name, pb::ArticleRelation::Used);
    assert_eq!(reason(&knowledge(desk.agent("bert")).link_article(link.clone()).await), MISSING);
    let refused = knowledge(desk.agent("jonas")).link_article(link).await;
    assert_eq!(reason(&refused), "FailedPrecondition ARTICLE_NOT_USABLE", "the ticket is at L1");
    let update = pb::Article { name: article.name.clone(), title: "Neu".into(), ..Default::default() };
    let update = pb::UpdateArticleRequest { article: Some(update), ..Default::default() };
    assert_eq!(reason(&knowledge(desk.agent("bert")).update_article(update).await), MISSING);
    // Who wrote it sees it, wherever the author works by now.
    employ(&desk, "anna", "desk-de", 4, &[]).await;
    assert_eq!(ways(&desk, &desk.agent("anna"), &article).await, [true; 5]);
    desk.finish().await;
}

#[tokio::test]
async fn a_restricted_ticket_is_not_told_of_by_its_links() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 4, &[]).await;
    employ(&desk, "bert", "applications", 4, &[]).await;
    let article = published(&desk, saying("Gehalt", "Formular 3.")).await;
    let secret = record(&desk, pb::Ticket { restricted: true, ..titled("Gehalt") }).await.name;
    let open = record(&desk, titled("Gehalt")).await.name;
    let mut anna = knowledge(desk.agent("anna"));
    for ticket in [&secret, &open] {
        let link = linking(ticket, &article.name, pb::ArticleRelation::Used);
        anna.link_article(link.clone()).await.expect("linked");
        if ticket == &secret {
            let mut bert = knowledge(desk.agent("bert"));
            assert_eq!(reason(&bert.link_article(link).await), MISSING);
        }
    }
    let tickets = async |client: Client| -> Vec<String> {
        links(client, &article.name).await.into_iter().map(|link| link.ticket).collect()
    };
    assert_eq!(tickets(desk.agent("bert")).await, [open.as_str()]);
    assert_eq!(tickets(desk.agent("anna")).await, [secret.clone(), open]);
    let own = draft(&desk, saying("Gehaltsabrechnung", "Formular 4.")).await;
    let from = linking(&secret, &own.name, pb::ArticleRelation::CreatedFrom);
    let refused = anna.link_article(from).await;
    assert_eq!(reason(&refused), "FailedPrecondition ARTICLE_TICKET_RESTRICTED");
    desk.finish().await;
}
