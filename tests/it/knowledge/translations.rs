//! An article in other languages: each translation has a review of its own, and says what it renders.

use ticketing_proto::v1 as pb;

use super::{draft, get, knowledge, publish, published, saying};
use crate::support::{Desk, facts, fields, reason};

fn translating(original: &str, language_code: &str) -> pb::TranslateArticleRequest {
    pb::TranslateArticleRequest {
        name: original.to_owned(),
        language_code: language_code.to_owned(),
        title: "Reset a password".into(),
        text: "Click on forgotten.".into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_translation_says_what_it_renders_and_when_that_is_outdated() {
    let desk = Desk::open().await;
    let mut anna = knowledge(desk.agent("anna"));
    let original = pb::Article {
        audience: pb::ArticleAudience::Public.into(),
        ..saying("Passwort zurücksetzen", "Auf Vergessen.")
    };
    let original = published(&desk, original).await;
    let done = anna.translate_article(translating(&original.name, "en")).await.expect("begun").into_inner();
    let english = done.article.expect("an article");
    assert_eq!((&english.translation_of, english.source_revision), (&original.name, 1));
    assert_eq!((english.language_code.as_str(), english.state()), ("en", pb::ArticleState::Draft));
    assert_eq!(english.audience(), pb::ArticleAudience::Public, "as the original");
    publish(&desk, &english.name).await;
    assert!(!get(desk.customer("peter"), &english.name).await.outdated);

    let text = pb::Article { name: original.name.clone(), text: "Neu.".into(), ..Default::default() };
    let update = pb::UpdateArticleRequest { article: Some(text), ..Default::default() };
    anna.update_article(update).await.expect("revised");
    assert!(!get(desk.agent("anna"), &english.name).await.outdated, "it is a draft");
    publish(&desk, &original.name).await;
    assert!(get(desk.customer("peter"), &english.name).await.outdated);
    let text = pb::Article { name: english.name.clone(), source_revision: 2, ..Default::default() };
    let update = pb::UpdateArticleRequest { article: Some(text), ..Default::default() };
    anna.update_article(update).await.expect("revised");
    publish(&desk, &english.name).await;
    assert!(!get(desk.customer("peter"), &english.name).await.outdated);

    let request = pb::ListArticlesRequest {
        parent: desk.parent(),
        translation_of: original.name.clone(),
        ..Default::default()
    };
    let page = knowledge(desk.customer("peter")).list_articles(request.clone()).await.expect("a page");
    let names: Vec<String> = page.into_inner().articles.into_iter().map(|it| it.name).collect();
    assert_eq!(names, [english.name]);
    let none = pb::ListArticlesRequest { translation_of: format!("{}x", original.name), ..request };
    assert_eq!(fields(&anna.list_articles(none).await), ["translation_of"]);
    desk.finish().await;
}

#[tokio::test]
async fn there_is_one_translation_into_a_language_and_none_of_a_translation() {
    let desk = Desk::open().await;
    let mut anna = knowledge(desk.agent("anna"));
    let original = draft(&desk, saying("Passwort zurücksetzen", "Auf Vergessen.")).await;
    let request =
        pb::TranslateArticleRequest { request_id: "r1".into(), ..translating(&original.name, "en") };
    let done = anna.translate_article(request.clone()).await.expect("begun").into_inner();
    let english = done.article.expect("an article");
    let again = anna.translate_article(request).await.expect("again").into_inner();
    assert_eq!((again.article.as_ref(), again.replayed), (Some(&english), true));
    let twice = anna.translate_article(translating(&original.name, "en")).await;
    assert_eq!(facts(&twice, "article"), english.name);
    assert_eq!(reason(&twice), "FailedPrecondition ARTICLE_TRANSLATION_EXISTS");
    let of_it = anna.translate_article(translating(&english.name, "fr")).await;
    assert_eq!(fields(&of_it), ["name"]);
    let same = pb::TranslateArticleRequest {
        title: String::new(),
        source_revision: 2,
        ..translating(&original.name, "de")
    };
    let refused = anna.translate_article(same).await;
    assert_eq!(fields(&refused), ["language_code", "source_revision", "title"]);
    let stale = pb::TranslateArticleRequest { etag: "\"9\"".into(), ..translating(&original.name, "fr") };
    assert_eq!(reason(&anna.translate_article(stale).await), "Aborted ETAG_MISMATCH");
    desk.finish().await;
}
