//! Pages, filters, and queries that are none.

use std::collections::BTreeSet;

use ticketing_proto::v1 as pb;
use tonic::{Response, Status};

use super::{asking, finds, indexed};
use crate::{
    support::{Desk, fields, reason},
    tickets::{Tickets, record, tickets, titled},
};

async fn ask(
    desk: &Desk,
    request: pb::SearchTicketsRequest,
) -> Result<Response<pb::SearchTicketsResponse>, Status> {
    tickets(desk.agent("anna")).search_tickets(request).await
}

#[tokio::test]
async fn pages_go_on_as_they_began_whatever_is_written_meanwhile() {
    let desk = Desk::open().await;
    for n in 0..25 {
        record(&desk, titled(&format!("Drucker {n}"))).await;
    }
    for _ in 0..2 {
        let whole = finds(&desk, "drucker ").await;
        let before: BTreeSet<String> = whole.iter().cloned().collect();
        let mut request = pb::SearchTicketsRequest { page_size: 10, ..asking(&desk, "drucker ") };
        let mut read = Vec::new();
        loop {
            let page = ask(&desk, request.clone()).await.expect("a page").into_inner();
            read.extend(page.results.into_iter().map(|it| it.ticket.expect("a ticket").title));
            record(&desk, titled("Drucker dazwischen")).await;
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(read, whole, "nothing twice, nothing left out, nothing new");
        assert!(before.len() >= 25);
        let other = pb::SearchTicketsRequest { query: "drucken ".into(), ..request.clone() };
        assert_eq!(reason(&ask(&desk, other).await), "InvalidArgument PAGE_TOKEN_INVALID");
        let other = pb::SearchTicketsRequest { filter: "state = NEW".into(), ..request };
        assert_eq!(reason(&ask(&desk, other).await), "InvalidArgument PAGE_TOKEN_INVALID");
        indexed(&desk).await;
    }
    desk.finish().await;
}

#[tokio::test]
async fn a_filter_selects_among_what_is_found() {
    let desk = Desk::open().await;
    for n in 0..5 {
        let ticket = record(&desk, titled(&format!("Drucker {n}"))).await;
        if n == 3 {
            let cancel = pb::CancelTicketRequest { name: ticket.name, ..Default::default() };
            Tickets::new(desk.manager()).cancel_ticket(cancel).await.expect("cancelled");
        }
    }
    for _ in 0..2 {
        let request =
            pb::SearchTicketsRequest { filter: "state = CANCELLED".into(), ..asking(&desk, "drucker") };
        let found = ask(&desk, request).await.expect("a page").into_inner().results;
        let titles: Vec<String> = found.into_iter().map(|it| it.ticket.expect("a ticket").title).collect();
        assert_eq!(titles, ["Drucker 3"]);
        indexed(&desk).await;
    }
    let request = pb::SearchTicketsRequest { filter: "nonsense".into(), ..asking(&desk, "drucker") };
    assert_eq!(reason(&ask(&desk, request).await), "InvalidArgument FILTER_INVALID");
    desk.finish().await;
}

#[tokio::test]
async fn queries_that_are_none_are_refused_with_all_their_faults() {
    let desk = Desk::open().await;
    record(&desk, titled("Drucker")).await;
    for query in ["", "  ", &"x".repeat(513), "a\0b"] {
        let request =
            pb::SearchTicketsRequest { page_size: -1, min_revision: "x".into(), ..asking(&desk, query) };
        assert_eq!(fields(&ask(&desk, request).await), ["query", "page_size", "min_revision"], "{query}");
    }
    for query in ["der und die", "the", "... -- !", "' & | :* (", "%_"] {
        let refused = ask(&desk, asking(&desk, query)).await;
        assert_eq!(reason(&refused), "InvalidArgument QUERY_WITHOUT_WORDS", "{query}");
        assert_eq!(fields(&refused), ["query"]);
    }
    for query in [&"Drucker ".repeat(64)[..512], "drucker' or 1=1 --", "drucker:* & !x", "\u{202e}drucker"] {
        assert_eq!(finds(&desk, query).await, ["Drucker"], "{query}");
    }
    desk.finish().await;
}
