//! Who finds what: customers their own tickets by what is public, agents no restricted ticket of others.

use ticketing::ctx::{ActorKind, Role};
use ticketing_proto::v1 as pb;

use super::{found, indexed, peters, results, say};
use crate::{
    agents::employ,
    support::Desk,
    tickets::{record, titled},
};

#[tokio::test]
async fn a_customer_finds_own_tickets_by_what_is_public() {
    let desk = Desk::open().await;
    let own = peters(&desk, "Drucker defekt").await;
    let other = record(
        &desk,
        pb::Ticket { requester: format!("{}/contacts/milton", desk.parent()), ..titled("Drucker geheim") },
    )
    .await;
    say(&desk, &own, "Toner bestellt", pb::CommentVisibility::Public).await;
    say(&desk, &own, "Querulant, Toner verschwiegen", pb::CommentVisibility::Internal).await;
    say(&desk, &other, "Papierstau", pb::CommentVisibility::Public).await;
    for _ in 0..2 {
        let peter = async |query: &str| found(&desk, desk.customer("peter"), query).await;
        assert_eq!(peter("drucker").await, ["Drucker defekt"]);
        assert_eq!(peter("toner").await, ["Drucker defekt"]);
        for hidden in ["querulant", "querul", "verschwiegen", "querulent", "papierstau", "geheim", "stau"] {
            assert_eq!(peter(hidden).await, Vec::<String>::new(), "{hidden}");
        }
        let shown = results(&desk, desk.customer("peter"), "toner querulant drucker").await;
        assert!(!format!("{shown:?}").to_lowercase().contains("querulant"), "{shown:?}");
        assert_eq!(found(&desk, desk.agent("anna"), "querulant").await, ["Drucker defekt"]);
        assert_eq!(found(&desk, desk.agent("anna"), "drucker").await.len(), 2);
        indexed(&desk).await;
    }
    desk.finish().await;
}

/// How a customer's tickets are ranked says nothing of what others wrote.
#[tokio::test]
async fn what_others_write_changes_nothing_for_a_customer() {
    let desk = Desk::open().await;
    for title in ["Drucker", "Maus"] {
        peters(&desk, title).await;
    }
    indexed(&desk).await;
    let before = results(&desk, desk.customer("peter"), "drucker maus").await;
    for _ in 0..5 {
        record(&desk, titled("Maus Maus")).await;
    }
    indexed(&desk).await;
    assert_eq!(results(&desk, desk.customer("peter"), "drucker maus").await, before);
    desk.finish().await;
}

#[tokio::test]
async fn a_restricted_ticket_is_found_by_those_who_see_it_and_that_is_kept() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 4, &[]).await;
    employ(&desk, "bert", "applications", 4, &[]).await;
    record(&desk, pb::Ticket { restricted: true, ..titled("Gehalt falsch") }).await;
    for _ in 0..2 {
        assert_eq!(found(&desk, desk.agent("anna"), "gehalt").await, ["Gehalt falsch"]);
        assert_eq!(found(&desk, desk.agent("bert"), "gehalt").await, Vec::<String>::new());
        assert_eq!(found(&desk, desk.manager(), "gehalt").await, ["Gehalt falsch"]);
        let service = desk.caller(ActorKind::Service, "crm", &[Role::Service]);
        assert_eq!(found(&desk, service, "gehalt").await, Vec::<String>::new());
        indexed(&desk).await;
    }
    let (read,): (i64,) = sqlx::query_as("select count(*) from audit where action like '%SearchTickets'")
        .fetch_one(desk.root())
        .await
        .expect("a count");
    assert_eq!(read, 4, "twice each");
    desk.finish().await;
}
