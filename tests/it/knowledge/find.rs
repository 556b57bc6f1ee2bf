//! Finding articles: by words in German and English, with umlauts, compounds and misspellings; and proposals for tickets.

use ticketing_proto::v1::{self as pb, ArticleRelation as Relation, suggest_articles_request::Subject};

use super::{Knowledge, knowledge, linking, published, saying};
use crate::{
    support::{Desk, fields, reason},
    tickets::{record, titled},
};

fn searching(desk: &Desk, query: &str) -> pb::SearchArticlesRequest {
    pb::SearchArticlesRequest { parent: desk.parent(), query: query.to_owned(), ..Default::default() }
}

fn titles(hits: Vec<pb::ArticleHit>) -> Vec<String> {
    hits.into_iter().map(|hit| hit.article.expect("an article").title).collect()
}

async fn found(knowledge: &mut Knowledge, request: pb::SearchArticlesRequest) -> Vec<String> {
    titles(knowledge.search_articles(request).await.expect("a page").into_inner().results)
}

#[tokio::test]
async fn words_are_found_in_their_language_however_they_are_written() {
    let desk = Desk::open().await;
    let english = pb::Article {
        language_code: "en".into(),
        ..saying("Restarting the print queue", "Printers that are stuck print again afterwards.")
    };
    for article in [
        saying("Passwort zurücksetzen", "Die Zurücksetzung geht über das Portal."),
        saying("Netzwerkdrucker einrichten", "Der Treiber liegt auf dem Server."),
        saying("Straßenverzeichnis laden", "Nach dem Import neu starten."),
        english,
    ] {
        published(&desk, article).await;
    }
    let mut anna = knowledge(desk.agent("anna"));
    for (query, expected) in [
        ("Passwort", "Passwort zurücksetzen"),
        ("Zurücksetzung", "Passwort zurücksetzen"),
        ("zuruecksetzen", "Passwort zurücksetzen"),
        ("Paswort", "Passwort zurücksetzen"),
        ("Drucker", "Netzwerkdrucker einrichten"),
        ("Strassenverzeichnis", "Straßenverzeichnis laden"),
        ("restarted queues", "Restarting the print queue"),
    ] {
        let found = found(&mut anna, searching(&desk, query)).await;
        assert_eq!(found.first().map(String::as_str), Some(expected), "{query}: {found:?}");
    }
    assert_eq!(found(&mut anna, searching(&desk, "Quantenverschränkung")).await, Vec::<String>::new());
    desk.finish().await;
}

#[tokio::test]
async fn a_search_goes_on_where_it_ended_and_says_what_it_cannot_look_for() {
    let desk = Desk::open().await;
    for n in 0..5 {
        published(&desk, saying(&format!("Drucker {n}"), "Papier nachlegen.")).await;
    }
    let mut anna = knowledge(desk.agent("anna"));
    let first = pb::SearchArticlesRequest { page_size: 2, ..searching(&desk, "Drucker") };
    let mut request = first.clone();
    let (mut all, mut scores) = (Vec::new(), Vec::new());
    loop {
        let page = anna.search_articles(request.clone()).await.expect("a page").into_inner();
        scores.extend(page.results.iter().map(|hit| hit.score));
        all.extend(titles(page.results));
        if page.next_page_token.is_empty() {
            break;
        }
        // What comes meanwhile changes nothing of what was found.
        published(&desk, saying("Drucker neu", "Drucker, Drucker.")).await;
        request = pb::SearchArticlesRequest { page_token: page.next_page_token, ..first.clone() };
    }
    all.retain(|title| title != "Drucker neu");
    all.sort();
    assert_eq!(all, (0..5).map(|n| format!("Drucker {n}")).collect::<Vec<_>>());
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    let other = pb::SearchArticlesRequest { query: "Papier".into(), ..request };
    if !other.page_token.is_empty() {
        assert_eq!(reason(&anna.search_articles(other).await), "InvalidArgument PAGE_TOKEN_INVALID");
    }
    for bad in ["", "  ", &"x".repeat(513)] {
        assert_eq!(fields(&anna.search_articles(searching(&desk, bad)).await), ["query"], "{bad:?}");
    }
    let empty = anna.search_articles(searching(&desk, "und der die")).await;
    assert_eq!(reason(&empty), "InvalidArgument QUERY_WITHOUT_WORDS");
    desk.finish().await;
}

#[tokio::test]
async fn a_revision_is_found_by_its_own_words_once_it_is_in_use() {
    let desk = Desk::open().await;
    let name = published(&desk, saying("Toner", "Kartusche schütteln.")).await.name;
    let mut anna = knowledge(desk.agent("anna"));
    let text = pb::Article { name: name.clone(), text: "Walze reinigen.".into(), ..Default::default() };
    let update = pb::UpdateArticleRequest { article: Some(text), ..Default::default() };
    anna.update_article(update).await.expect("revised");
    assert_eq!(found(&mut anna, searching(&desk, "Walze")).await, Vec::<String>::new());
    assert_eq!(found(&mut anna, searching(&desk, "Kartusche")).await, ["Toner"]);
    super::publish(&desk, &name).await;
    assert_eq!(found(&mut anna, searching(&desk, "Walze")).await, ["Toner"]);
    assert_eq!(found(&mut anna, searching(&desk, "Kartusche")).await, Vec::<String>::new());
    let archive = pb::ArchiveArticleRequest { name, ..Default::default() };
    knowledge(desk.manager()).archive_article(archive).await.expect("archived");
    assert_eq!(found(&mut anna, searching(&desk, "Walze")).await, Vec::<String>::new());
    desk.finish().await;
}

async fn suggested(knowledge: &mut Knowledge, desk: &Desk, subject: Subject, most: i32) -> Vec<String> {
    let request =
        pb::SuggestArticlesRequest { parent: desk.parent(), subject: Some(subject), max_results: most };
    titles(knowledge.suggest_articles(request).await.expect("some").into_inner().suggestions)
}

#[tokio::test]
async fn proposals_follow_words_category_product_and_what_helped_before() {
    let desk = Desk::open().await;
    let network = |title: &str| pb::Article {
        category: "network".into(),
        product: "vpn".into(),
        ..saying(title, "VPN einwählen und Zertifikat erneuern.")
    };
    let good = published(&desk, network("VPN mit Erfolg")).await.name;
    let bad = published(&desk, network("VPN ohne Erfolg")).await.name;
    published(&desk, pb::Article { category: "network".into(), ..saying("Kabel prüfen", "Stecker.") }).await;
    published(&desk, saying("Papierstau", "Klappe öffnen.")).await;
    let mut anna = knowledge(desk.agent("anna"));
    for _ in 0..2 {
        let ticket = record(&desk, titled("VPN")).await.name;
        for (article, relation) in [(&good, Relation::Used), (&bad, Relation::DidNotHelp)] {
            anna.link_article(linking(&ticket, article, relation)).await.expect("linked");
        }
    }
    let matter = pb::Ticket {
        title: "VPN: Zertifikat abgelaufen".into(),
        category: "network".into(),
        product: "vpn".into(),
        language_code: "de".into(),
        ..Default::default()
    };
    let draft = Subject::Draft(matter.clone());
    let expected = ["VPN mit Erfolg", "VPN ohne Erfolg", "Kabel prüfen"];
    assert_eq!(suggested(&mut anna, &desk, draft.clone(), 0).await, expected);
    assert_eq!(suggested(&mut anna, &desk, draft, 1).await, expected[..1]);
    let ticket = record(&desk, matter).await;
    for part in [ticket.name.clone(), format!("{}/tickets/{}", desk.parent(), ticket.number)] {
        assert_eq!(suggested(&mut anna, &desk, Subject::Ticket(part), 0).await, expected);
    }
    let missing = pb::SuggestArticlesRequest {
        parent: desk.parent(),
        subject: Some(Subject::Ticket(format!("{}/tickets/4711", desk.parent()))),
        max_results: 0,
    };
    assert_eq!(reason(&anna.suggest_articles(missing.clone()).await), super::MISSING);
    let nothing = pb::SuggestArticlesRequest { subject: None, max_results: 21, ..missing };
    assert_eq!(fields(&anna.suggest_articles(nothing).await), ["max_results", "subject"]);
    desk.finish().await;
}

#[tokio::test]
async fn a_ticket_is_proposed_what_its_level_may_use_and_a_customer_what_is_for_customers() {
    let desk = Desk::open().await;
    let high = pb::Article { lowest_level: "L2".into(), ..saying("Sperre lösen", "Auftrag anhalten.") };
    published(&desk, high).await;
    let public =
        pb::Article { audience: pb::ArticleAudience::Customer.into(), ..saying("Sperre melden", "Anrufen.") };
    published(&desk, public).await;
    let requester = format!("{}/contacts/peter", desk.parent());
    let ticket = record(&desk, pb::Ticket { requester, ..titled("Sperre") }).await.name;
    let subject = || Subject::Ticket(ticket.clone());
    let mut manager = knowledge(desk.manager());
    assert_eq!(suggested(&mut manager, &desk, subject(), 0).await, ["Sperre melden"], "it is at L1");
    crate::tickets::edit(&desk, &ticket, |ticket| ticket.level = "L2".into()).await;
    assert_eq!(suggested(&mut manager, &desk, subject(), 0).await.len(), 2);
    let mut peter = knowledge(desk.customer("peter"));
    assert_eq!(suggested(&mut peter, &desk, subject(), 0).await, ["Sperre melden"]);
    let mut milton = knowledge(desk.customer("milton"));
    let request =
        pb::SuggestArticlesRequest { parent: desk.parent(), subject: Some(subject()), max_results: 0 };
    assert_eq!(reason(&milton.suggest_articles(request).await), super::MISSING);
    desk.finish().await;
}
