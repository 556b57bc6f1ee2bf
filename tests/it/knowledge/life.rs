//! From a draft to the shelf and off it: revisions, review, repetition, and who saw another version.

use ticketing::ctx::{ActorKind, Role};
use ticketing_proto::v1::{self as pb, ArticleState as State};

use super::{creating, draft, get, knowledge, named, publish, published, saying};
use crate::support::{Desk, facts, fields, reason};

#[tokio::test]
async fn an_article_goes_from_draft_by_review_into_use_and_out_of_it() {
    let desk = Desk::open().await;
    let mut anna = knowledge(desk.agent("anna"));
    let mut manager = knowledge(desk.manager());
    let article = draft(&desk, saying("Passwort zurücksetzen", "Im Portal auf Vergessen.")).await;
    let name = article.name.clone();
    assert_eq!((article.state(), article.etag.as_str(), article.revision), (State::Draft, "\"1\"", 1));
    assert_eq!(article.audience(), pb::ArticleAudience::Internal);
    assert_eq!(article.author.as_ref().map(|it| it.id.as_str()), Some("anna"));
    let by_number = format!("{}/articles/{}", desk.parent(), article.number);
    assert_eq!(get(desk.agent("bert"), &by_number).await.name, name);

    let publish = pb::PublishArticleRequest { name: name.clone(), ..Default::default() };
    let refused = manager.publish_article(publish.clone()).await;
    assert_eq!(facts(&refused, "allowed"), "revise,translate,submit,archive");
    assert_eq!(reason(&refused), "FailedPrecondition ARTICLE_STATE_CONFLICT");
    let refused = anna.publish_article(publish.clone()).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");

    let submit = pb::SubmitArticleRequest { name: name.clone(), ..Default::default() };
    let done = anna.submit_article(submit.clone()).await.expect("submitted").into_inner();
    assert_eq!(done.article.expect("an article").state(), State::Review);
    let reject = pb::RejectArticleRequest {
        name: name.clone(),
        reason: "Welches Portal?".into(),
        ..Default::default()
    };
    let done = manager.reject_article(reject.clone()).await.expect("rejected").into_inner();
    let rejected = done.article.expect("an article");
    assert_eq!((rejected.state(), rejected.review_note.as_str()), (State::Draft, "Welches Portal?"));
    let silent = pb::RejectArticleRequest { reason: " ".into(), ..reject };
    assert_eq!(fields(&manager.reject_article(silent).await), ["reason"]);

    let better = pb::Article {
        name: name.clone(),
        etag: rejected.etag,
        text: "Im Kundenportal auf Vergessen.".into(),
        ..Default::default()
    };
    let update = pb::UpdateArticleRequest { article: Some(better), ..Default::default() };
    let revised = anna.update_article(update).await.expect("revised").into_inner().article.expect("one");
    assert_eq!((revised.revision, revised.title.as_str()), (2, "Passwort zurücksetzen"));
    anna.submit_article(submit).await.expect("submitted");
    let done = manager.publish_article(publish).await.expect("published").into_inner();
    let done = done.article.expect("an article");
    assert_eq!((done.state(), done.published_revision), (State::Published, 2));
    assert!(done.publish_time.is_some());

    let archive =
        pb::ArchiveArticleRequest { name: name.clone(), reason: "veraltet".into(), ..Default::default() };
    let done = manager.archive_article(archive.clone()).await.expect("archived").into_inner();
    let done = done.article.expect("an article");
    assert_eq!((done.state(), done.published_revision), (State::Archived, 0));
    let again = manager.archive_article(archive).await;
    assert_eq!(reason(&again), "FailedPrecondition ARTICLE_STATE_CONFLICT");
    let restore = pb::RestoreArticleRequest { name, ..Default::default() };
    let done = manager.restore_article(restore).await.expect("restored").into_inner();
    assert_eq!(done.article.expect("an article").state(), State::Draft);
    desk.finish().await;
}

#[tokio::test]
async fn who_wrote_a_revision_does_not_review_it() {
    let desk = Desk::open().await;
    let mut manager = knowledge(desk.manager());
    let mut specialist = knowledge(desk.caller(ActorKind::Agent, "sven", &[Role::Specialist]));
    let made = manager.create_article(creating(&desk, saying("Toner", "Wechseln."))).await.expect("begun");
    let name = made.into_inner().article.expect("an article").name;
    let submit = pb::SubmitArticleRequest { name: name.clone(), ..Default::default() };
    manager.submit_article(submit.clone()).await.expect("submitted");
    let publish = pb::PublishArticleRequest { name: name.clone(), ..Default::default() };
    let reject = pb::RejectArticleRequest { name: name.clone(), reason: "nein".into(), ..Default::default() };
    let own = "FailedPrecondition ARTICLE_OWN_REVIEW";
    assert_eq!(reason(&manager.publish_article(publish.clone()).await), own);
    assert_eq!(reason(&manager.reject_article(reject).await), own);
    specialist.publish_article(publish.clone()).await.expect("by somebody else");
    // Whoever writes on is the author of what is reviewed then.
    let text = pb::Article { name, text: "Toner wechseln.".into(), ..Default::default() };
    let update = pb::UpdateArticleRequest { article: Some(text), ..Default::default() };
    specialist.update_article(update).await.expect("revised");
    specialist.submit_article(submit).await.expect("submitted");
    assert_eq!(reason(&specialist.publish_article(publish.clone()).await), own);
    manager.publish_article(publish).await.expect("by the other");
    desk.finish().await;
}

#[tokio::test]
async fn what_is_in_use_stays_in_use_while_the_next_revision_is_written() {
    let desk = Desk::open().await;
    let public = pb::Article {
        audience: pb::ArticleAudience::Public.into(),
        ..saying("Passwort zurücksetzen", "Erste Fassung.")
    };
    let name = published(&desk, public).await.name;
    let next = pb::Article { name: name.clone(), text: "Zweite Fassung.".into(), ..Default::default() };
    let update = pb::UpdateArticleRequest { article: Some(next), ..Default::default() };
    let mut anna = knowledge(desk.agent("anna"));
    let revised = anna.update_article(update.clone()).await.expect("revised").into_inner();
    let revised = revised.article.expect("an article");
    assert_eq!((revised.state(), revised.latest_revision, revised.published_revision), (State::Draft, 2, 1));
    assert_eq!(get(desk.customer("peter"), &name).await.text, "Erste Fassung.");
    assert_eq!(get(desk.agent("anna"), &name).await.text, "Zweite Fassung.");
    let first = pb::GetArticleRequest { read_revision: 1, ..named(&name) };
    let read = anna.get_article(first.clone()).await.expect("read").into_inner().article.expect("one");
    assert_eq!((read.text.as_str(), read.revision, read.latest_revision), ("Erste Fassung.", 1, 2));
    let second = pb::GetArticleRequest { read_revision: 2, ..named(&name) };
    let mut peter = knowledge(desk.customer("peter"));
    assert_eq!(reason(&peter.get_article(second).await), super::MISSING);
    peter.get_article(first).await.expect("the one in use");
    let none = pb::GetArticleRequest { read_revision: 9, ..named(&name) };
    assert_eq!(reason(&anna.get_article(none).await), super::MISSING);
    let bad = pb::GetArticleRequest { read_revision: -1, ..named(&name) };
    assert_eq!(fields(&anna.get_article(bad).await), ["read_revision"]);

    publish(&desk, &name).await;
    assert_eq!(get(desk.customer("peter"), &name).await.text, "Zweite Fassung.");
    let same = anna.update_article(update).await.expect("nothing new").into_inner().article.expect("one");
    assert_eq!((same.state(), same.revision), (State::Published, 2), "what says nothing new is none");
    let request = pb::ListArticleRevisionsRequest { name, page_size: 1, ..Default::default() };
    let page = anna.list_article_revisions(request.clone()).await.expect("a page").into_inner();
    assert_eq!(page.revisions.iter().map(|it| it.revision).collect::<Vec<_>>(), [2], "the newest first");
    let next = pb::ListArticleRevisionsRequest { page_token: page.next_page_token, ..request };
    let page = anna.list_article_revisions(next).await.expect("a page").into_inner();
    assert_eq!(page.revisions.iter().map(|it| it.revision).collect::<Vec<_>>(), [1]);
    assert_eq!((page.revisions[0].text.as_str(), page.next_page_token.as_str()), ("", ""));
    desk.finish().await;
}

#[tokio::test]
async fn every_fault_of_an_article_is_named_at_once() {
    let desk = Desk::open().await;
    let mut anna = knowledge(desk.agent("anna"));
    let bad = pb::Article {
        kind: 99,
        audience: pb::ArticleAudience::Public.into(),
        lowest_level: "L2".into(),
        category: "magic".into(),
        product: "x".repeat(129),
        source_revision: 1,
        ..pb::Article::default()
    };
    assert_eq!(
        fields(&anna.create_article(creating(&desk, bad)).await),
        [
            "article.product",
            "article.source_revision",
            "article.kind",
            "article.title",
            "article.text",
            "article.category",
            "article.lowest_level"
        ]
    );
    let article = draft(&desk, saying("Toner", "Wechseln.")).await;
    let update = |said: pb::Article, paths: &[&str]| pb::UpdateArticleRequest {
        article: Some(pb::Article { name: article.name.clone(), ..said }),
        update_mask: Some(prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        ..Default::default()
    };
    let nothing = anna.update_article(update(pb::Article::default(), &[])).await;
    assert_eq!(fields(&nothing), ["update_mask"]);
    let unknown = anna.update_article(update(pb::Article::default(), &["state", "text"])).await;
    assert_eq!(fields(&unknown), ["update_mask.paths[0]", "article.text"]);
    let stale = pb::Article { etag: "\"9\"".into(), title: "Neu".into(), ..pb::Article::default() };
    let refused = anna.update_article(update(stale, &["title"])).await;
    assert_eq!(reason(&refused), "Aborted ETAG_MISMATCH");
    let stale = pb::SubmitArticleRequest { name: article.name, etag: "\"9\"".into(), ..Default::default() };
    assert_eq!(reason(&anna.submit_article(stale).await), "Aborted ETAG_MISMATCH");
    let gone =
        pb::SubmitArticleRequest { name: format!("{}/articles/4711", desk.parent()), ..Default::default() };
    assert_eq!(reason(&anna.submit_article(gone).await), super::MISSING);
    desk.finish().await;
}

#[tokio::test]
async fn a_repetition_is_answered_as_the_first_call_was() {
    let desk = Desk::open().await;
    let mut anna = knowledge(desk.agent("anna"));
    let create =
        pb::CreateArticleRequest { request_id: "r1".into(), ..creating(&desk, saying("Toner", "Wechseln.")) };
    let first = anna.create_article(create.clone()).await.expect("begun").into_inner();
    let again = anna.create_article(create.clone()).await.expect("again").into_inner();
    assert_eq!((&first.article, again.replayed), (&again.article, true));
    let name = first.article.clone().expect("an article").name;
    let text = pb::Article { name: name.clone(), text: "Toner wechseln.".into(), ..Default::default() };
    let update =
        pb::UpdateArticleRequest { article: Some(text), request_id: "r2".into(), ..Default::default() };
    let revised = anna.update_article(update.clone()).await.expect("revised").into_inner();
    publish(&desk, &name).await;
    let again = anna.update_article(update).await.expect("again").into_inner();
    assert_eq!((&revised.article, again.replayed), (&again.article, true), "as it was then");
    assert_eq!(anna.create_article(create.clone()).await.expect("again").into_inner().article, first.article);
    let other = pb::CreateArticleRequest { article: Some(saying("Papier", "Nachlegen.")), ..create };
    let refused = anna.create_article(other).await;
    assert_eq!(reason(&refused), "FailedPrecondition REQUEST_ID_REUSED");
    desk.finish().await;
}

#[tokio::test]
async fn lists_are_filtered_and_go_on_where_they_ended() {
    let desk = Desk::open().await;
    for title in ["Eins", "Zwei", "Drei"] {
        draft(&desk, saying(title, "x")).await;
    }
    published(&desk, pb::Article { category: "network".into(), ..saying("Vier", "x") }).await;
    let mut anna = knowledge(desk.agent("anna"));
    let list = async |filter: &str, size: i32, token: &str| {
        let request = pb::ListArticlesRequest {
            parent: desk.parent(),
            filter: filter.to_owned(),
            page_size: size,
            page_token: token.to_owned(),
            ..Default::default()
        };
        anna.clone().list_articles(request).await.map(tonic::Response::into_inner)
    };
    let titles =
        |page: &pb::ListArticlesResponse| page.articles.iter().map(|it| it.title.clone()).collect::<Vec<_>>();
    let page = list("", 3, "").await.expect("a page");
    assert_eq!(titles(&page), ["Vier", "Drei", "Zwei"]);
    assert!(page.articles.iter().all(|it| it.text.is_empty()));
    let rest = list("", 3, &page.next_page_token).await.expect("a page");
    assert_eq!((titles(&rest), rest.next_page_token.as_str()), (vec!["Eins".to_owned()], ""));
    for (filter, expected) in [
        ("state = DRAFT", vec!["Drei", "Zwei", "Eins"]),
        ("published = true AND category = \"network\"", vec!["Vier"]),
        ("title = \"Zwei\" OR title = \"Eins\"", vec!["Zwei", "Eins"]),
        ("author = me() AND kind = STANDARD_ANSWER AND stale = false", vec!["Vier", "Drei", "Zwei", "Eins"]),
        ("lowest_level = \"L2\"", vec![]),
    ] {
        assert_eq!(titles(&list(filter, 0, "").await.expect("a page")), expected, "{filter}");
    }
    let other = list("state = DRAFT", 3, &page.next_page_token).await;
    assert_eq!(other.map_err(|status| status.code()).err(), Some(tonic::Code::InvalidArgument));
    let mut peter = knowledge(desk.customer("peter"));
    let request = pb::ListArticlesRequest {
        parent: desk.parent(),
        filter: "state = DRAFT".into(),
        ..Default::default()
    };
    assert_eq!(reason(&peter.list_articles(request.clone()).await), "InvalidArgument FILTER_INVALID");
    assert!(anna.list_articles(request).await.is_ok());
    desk.finish().await;
}
