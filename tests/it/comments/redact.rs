//! A redacted text is nowhere any more; that it was there stays.

use ticketing_proto::v1 as pb;

use super::{asked, both, comments, publicly, saying, told, types};
use crate::support::{Desk, fields, reason};

/// The tables in whose rows the words still stand.
async fn traces(desk: &Desk, words: &str) -> Vec<String> {
    let tables: Vec<(String,)> = sqlx::query_as(
        "select table_name::text from information_schema.tables where table_schema = 'public' order by 1",
    )
    .fetch_all(desk.root())
    .await
    .expect("tables");
    let mut found = Vec::new();
    for (table,) in tables {
        let sql = format!("select count(*) from {table} t where t::text like '%' || $1 || '%'");
        let (count,): (i64,) = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(words)
            .fetch_one(desk.root())
            .await
            .expect("a count");
        if count > 0 {
            found.push(table);
        }
    }
    found
}

#[tokio::test]
async fn a_redacted_text_is_nowhere() {
    let desk = Desk::open().await;
    let ticket = asked(&desk).await;
    let mut anna = comments(desk.agent("anna"));
    let secret = pb::CreateCommentRequest {
        request_id: "r1".into(),
        ..publicly(saying(&ticket.name, "Kennwort 4711-xyz"))
    };
    let (comment, _) = both(anna.create_comment(secret.clone()).await.expect("said").into_inner());
    assert_eq!(traces(&desk, "4711-xyz").await, ["comments", "events"]);

    let redact = pb::RedactCommentRequest {
        name: comment.name.clone(),
        request_id: "r2".into(),
        reason: "Kennwort".into(),
    };
    let refused = anna.redact_comment(redact.clone()).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    let mut manager = comments(desk.manager());
    let blank = pb::RedactCommentRequest { reason: " ".into(), ..redact.clone() };
    assert_eq!(fields(&manager.redact_comment(blank).await), ["reason"]);
    let done = manager.redact_comment(redact.clone()).await.expect("redacted").into_inner();
    let redacted = done.comment.clone().expect("a comment");
    assert_eq!((redacted.text.as_str(), redacted.redact_time.is_some()), ("", true));
    assert_eq!(traces(&desk, "4711-xyz").await, Vec::<String>::new());

    let again = manager.redact_comment(redact.clone()).await.expect("redacted").into_inner();
    assert_eq!(again, pb::RedactCommentResponse { replayed: true, ..done });
    let another = pb::RedactCommentRequest { request_id: "r3".into(), ..redact };
    let refused = manager.redact_comment(another).await;
    assert_eq!(reason(&refused), "FailedPrecondition COMMENT_REDACTED");
    let missing = pb::RedactCommentRequest {
        name: format!("{}/comments/{}", ticket.name, ticket.name.rsplit('/').next().expect("an id")),
        reason: "x".into(),
        ..Default::default()
    };
    assert_eq!(reason(&manager.redact_comment(missing).await), "NotFound RESOURCE_NOT_FOUND");
    // The repeated comment answers with what is left of it.
    let said = anna.create_comment(secret).await.expect("said").into_inner();
    assert_eq!((said.replayed, said.comment), (true, Some(redacted)));

    let inside = told(&desk, desk.agent("anna"), &ticket.name).await;
    assert_eq!(types(&inside), ["ticket.created", "ticket.commented", "ticket.comment_redacted"]);
    assert_eq!((inside[1].note.as_str(), inside[2].note.as_str()), ("", "Kennwort"));
    let outside = told(&desk, desk.customer("peter"), &ticket.name).await;
    assert_eq!(types(&outside), types(&inside), "a customer sees that it was there");
    assert_eq!(outside[2].note, "", "and not why it went");
    desk.finish().await;
}
