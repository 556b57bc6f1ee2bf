//! What is changed, redacted, erased or retired is found as it is now, and its words are nowhere; whoever dies on the way to the
//! index is followed by another.

use std::time::Duration;

use ticketing::{
    events::sequencer,
    ids::Id,
    search::{self, Corpus},
    tickets::{self, index, retire},
};
use ticketing_proto::v1::{self as pb, customer_service_client::CustomerServiceClient};

use super::{finds, indexed, peters, say};
use crate::{
    comments::comments,
    customers::found as traces,
    support::{Desk, sample},
    tickets::{Tickets, record, titled},
};

async fn rename(desk: &Desk, ticket: &pb::Ticket, title: &str) {
    let ticket = pb::Ticket { name: ticket.name.clone(), title: title.into(), ..Default::default() };
    let update = pb::UpdateTicketRequest { ticket: Some(ticket), ..Default::default() };
    Tickets::new(desk.agent("anna")).update_ticket(update).await.expect("updated");
}

#[tokio::test]
async fn a_text_is_found_as_it_is_now() {
    let desk = Desk::open().await;
    let ticket = record(&desk, titled("Quittung")).await;
    assert_eq!(finds(&desk, "quittung").await, ["Quittung"], "at once");
    indexed(&desk).await;
    rename(&desk, &ticket, "Rechnung").await;
    for _ in 0..2 {
        assert_eq!(finds(&desk, "rechnung").await, ["Rechnung"]);
        assert_eq!(finds(&desk, "quittung").await, Vec::<String>::new(), "not as it was");
        indexed(&desk).await;
    }
    assert_eq!(traces(desk.root(), "quittung").await, Vec::<String>::new(), "no word of it is left");
    let comment = say(&desk, &ticket, "Kennwort xylofon", pb::CommentVisibility::Public).await;
    assert_eq!(finds(&desk, "xylofon").await, ["Rechnung"], "at once");
    indexed(&desk).await;
    assert_eq!(finds(&desk, "xylofon").await, ["Rechnung"]);
    let redact =
        pb::RedactCommentRequest { name: comment.name, reason: "ein Wort".into(), ..Default::default() };
    comments(desk.manager()).redact_comment(redact).await.expect("redacted");
    assert_eq!(traces(desk.root(), "xylofon").await, Vec::<String>::new(), "gone with the text");
    assert_eq!(finds(&desk, "xylofon").await, Vec::<String>::new());
    desk.finish().await;
}

#[tokio::test]
async fn of_an_erased_person_no_word_is_left() {
    let desk = Desk::open().await;
    let ticket = peters(&desk, "Zyankali").await;
    say(&desk, &ticket, "Xylofon", pb::CommentVisibility::Internal).await;
    record(&desk, titled("Drucker")).await;
    indexed(&desk).await;
    assert!(traces(desk.root(), "zyankali").await.contains(&"search_words.word".to_owned()));
    let request =
        pb::EraseContactRequest { name: format!("{}/contacts/peter", desk.parent()), ..Default::default() };
    CustomerServiceClient::new(desk.admin()).erase_contact(request).await.expect("erased");
    for word in ["zyankali", "xylofon", "Zyankali", "Xylofon", "zya", "xyl"] {
        assert_eq!(traces(desk.root(), word).await, Vec::<String>::new(), "{word}");
    }
    assert_eq!(finds(&desk, "zyankali").await, Vec::<String>::new());
    assert_eq!(finds(&desk, "erased").await, ["(erased)"], "it is there as it reads now");
    assert_eq!(finds(&desk, "drucker").await, ["Drucker"]);
    desk.finish().await;
}

#[tokio::test]
async fn what_is_retired_is_out_of_the_index() {
    const DAY: Duration = Duration::from_hours(24);
    let desk = Desk::open().await;
    let mut document = sample();
    document.lifecycle.retention_duration = 30 * DAY;
    desk.configure(&document).await;
    let ticket = record(&desk, titled("Zyankali")).await;
    let cancel = pb::CancelTicketRequest { name: ticket.name.clone(), ..Default::default() };
    Tickets::new(desk.manager()).cancel_ticket(cancel).await.expect("cancelled");
    indexed(&desk).await;
    assert_eq!(finds(&desk, "zyankali").await, ["Zyankali"]);
    desk.advance(31 * DAY);
    assert_eq!(retire::run_once(&desk.app, 200).await.expect("a tick").done, 1);
    assert_eq!(traces(desk.root(), "zyankali").await, Vec::<String>::new());
    assert_eq!(finds(&desk, "zyankali").await, Vec::<String>::new());
    let (documents,): (i64,) =
        sqlx::query_as("select sum(documents)::bigint from search_corpora where corpus = 1")
            .fetch_one(desk.root())
            .await
            .expect("a count");
    assert_eq!(documents, 0);
    desk.finish().await;
}

#[tokio::test]
async fn whoever_dies_on_the_way_to_the_index_is_followed_by_another() {
    let desk = Desk::open().await;
    record(&desk, titled("Papier")).await;
    indexed(&desk).await;
    let ticket = record(&desk, titled("Drucker")).await;
    while sequencer::run_once(&desk.app, 1000).await.expect("a pass").done > 0 {}
    let id: Id = ticket.name.rsplit('/').next().expect("a name").parse().expect("an id");
    let mut dying = desk.app.db.begin(&desk.tenant).await.expect("a transaction");
    search::lock_free_in(&mut dying, Corpus::Tickets).await.expect("asked").expect("nobody is at it");
    tickets::index_in(&mut dying, &[id]).await.expect("half-way");

    let replica = desk.replica().await;
    assert_eq!(index::run_once(&replica.app, 200).await.expect("a tick").done, 0, "somebody is at it");
    assert_eq!(finds(&replica, "drucker").await, ["Drucker"], "and nobody waits for it");
    drop(dying);
    assert_eq!(index::run_once(&replica.app, 200).await.expect("a tick").done, 1);
    assert_eq!(index::run_once(&desk.app, 200).await.expect("a tick").done, 0, "once");
    for at in [&desk, &replica] {
        assert_eq!(finds(at, "drucker").await, ["Drucker"]);
    }
    let (documents, words): (i64, i64) = sqlx::query_as(
        "select (select documents from search_corpora where tenant_id = 'acme'), (select count(*) from search_words)",
    )
    .fetch_one(desk.root())
    .await
    .expect("counts");
    assert!(documents == 2 && words > 1, "{documents} {words}");
    replica.finish().await;
    desk.finish().await;
}
