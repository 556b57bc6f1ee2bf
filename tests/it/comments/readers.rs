//! Who reads which comments.

use ticketing_proto::v1 as pb;

use super::{asked, both, comments, publicly, saying, told};
use crate::support::{Desk, reason};

fn listing(parent: &str, page_size: i32, page_token: String) -> pb::ListCommentsRequest {
    pb::ListCommentsRequest { parent: parent.to_owned(), page_size, page_token }
}

#[tokio::test]
async fn a_customer_reads_the_public_side_by_every_method() {
    let desk = Desk::open().await;
    let ticket = asked(&desk).await;
    let mut anna = comments(desk.agent("anna"));
    let (internal, _) =
        both(anna.create_comment(saying(&ticket.name, "Nervensäge")).await.expect("said").into_inner());
    let hello = publicly(saying(&ticket.name, "Guten Tag"));
    let (public, _) = both(anna.create_comment(hello).await.expect("said").into_inner());
    let mut peter = comments(desk.customer("peter"));
    let (own, answered) =
        both(peter.create_comment(saying(&ticket.name, "Hallo")).await.expect("said").into_inner());
    assert_eq!((answered.queue.as_str(), answered.level.as_str()), ("", ""), "the ticket's public side");

    let page =
        peter.list_comments(listing(&ticket.name, 0, String::new())).await.expect("a page").into_inner();
    let read: Vec<(&str, &str)> = page
        .comments
        .iter()
        .map(|comment| (comment.text.as_str(), comment.author.as_ref().map_or("", |author| &author.id)))
        .collect();
    assert_eq!(read, [("Guten Tag", ""), ("Hallo", "peter")], "an agent's identity is the house's");
    let get = |name: &str| pb::GetCommentRequest { name: name.to_owned() };
    for seen in [&public, &own] {
        assert!(peter.get_comment(get(&seen.name)).await.is_ok());
    }
    let missing = "NotFound RESOURCE_NOT_FOUND";
    assert_eq!(reason(&peter.get_comment(get(&internal.name)).await), missing);
    let notes: Vec<String> =
        told(&desk, desk.customer("peter"), &ticket.name).await.into_iter().map(|entry| entry.note).collect();
    assert_eq!(notes, ["", "Guten Tag", "Hallo"]);

    let mut milton = comments(desk.customer("milton"));
    assert_eq!(reason(&milton.get_comment(get(&public.name)).await), missing);
    assert_eq!(reason(&milton.list_comments(listing(&ticket.name, 0, String::new())).await), missing);
    assert_eq!(reason(&milton.create_comment(saying(&ticket.name, "Hallo")).await), missing);
    assert_eq!(
        anna.get_comment(get(&internal.name)).await.expect("read").into_inner().comment,
        Some(internal)
    );
    desk.finish().await;
}

#[tokio::test]
async fn comments_are_paged_in_their_order() {
    let desk = Desk::open().await;
    let ticket = asked(&desk).await;
    let mut anna = comments(desk.agent("anna"));
    for n in 0..5 {
        anna.create_comment(saying(&ticket.name, &n.to_string())).await.expect("said");
    }
    let mut texts = Vec::new();
    let mut token = String::new();
    loop {
        let page = anna.list_comments(listing(&ticket.name, 2, token)).await.expect("a page").into_inner();
        texts.extend(page.comments.into_iter().map(|comment| comment.text));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        // What is said in between comes behind, and once.
        if texts.len() == 2 {
            anna.create_comment(saying(&ticket.name, "5")).await.expect("said");
        }
    }
    assert_eq!(texts, ["0", "1", "2", "3", "4", "5"]);

    let first =
        anna.list_comments(listing(&ticket.name, 1, String::new())).await.expect("a page").into_inner();
    let other = asked(&desk).await;
    let foreign = anna.list_comments(listing(&other.name, 1, first.next_page_token.clone())).await;
    assert_eq!(reason(&foreign), "InvalidArgument PAGE_TOKEN_INVALID");
    let mut peter = comments(desk.customer("peter"));
    let foreign = peter.list_comments(listing(&ticket.name, 1, first.next_page_token)).await;
    assert_eq!(reason(&foreign), "InvalidArgument PAGE_TOKEN_INVALID");
    let negative = anna.list_comments(listing(&ticket.name, -1, String::new())).await;
    assert_eq!(reason(&negative), "InvalidArgument FIELD_INVALID");

    for _ in 0..5 {
        anna.create_comment(saying(&other.name, &"ä".repeat(65_536))).await.expect("said");
    }
    let page = anna.list_comments(listing(&other.name, 0, String::new())).await.expect("a page").into_inner();
    assert_eq!(page.comments.len(), 5, "640 KiB fit into a page");
    for _ in 0..5 {
        anna.create_comment(saying(&other.name, &"ä".repeat(65_536))).await.expect("said");
    }
    let page = anna.list_comments(listing(&other.name, 0, String::new())).await.expect("a page").into_inner();
    assert_eq!((page.comments.len(), page.next_page_token.is_empty()), (7, false));
    desk.finish().await;
}
