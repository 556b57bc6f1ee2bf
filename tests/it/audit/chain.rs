//! The chain of entries: who tampers with it past everything is found, by the command as people call it.

use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use sqlx::AssertSqlSafe;
use ticketing::audit;
use ticketing_proto::v1 as pb;

use super::{entries, extend, head, owner};
use crate::{
    agents::employ,
    cli,
    support::{Desk, put_in_force, sample},
};

/// A desk whose chain has so many entries.
async fn chained(count: usize) -> Desk {
    let desk = Desk::open().await;
    for number in 0..count {
        employ(&desk, &format!("agent-{number}"), "desk-de", 4, &[]).await;
        desk.advance(Duration::from_secs(1));
    }
    extend(&desk).await;
    desk
}

async fn verify(desk: &Desk, more: &[&str]) -> (Option<i32>, String) {
    let mut arguments = vec!["audit", "verify", "--database-url", &desk.url];
    arguments.extend(more);
    let (code, out, error) = cli::run(&arguments).await;
    assert_eq!(error, "", "{out}");
    (code, out)
}

/// Does what whoever owns the database may.
async fn tamper(desk: &Desk, statements: &[&str]) {
    let mut owner = owner(desk).await;
    sqlx::query("set session_replication_role = replica").execute(&mut owner).await.expect("a superuser");
    for statement in statements {
        let done = sqlx::query(AssertSqlSafe(*statement)).execute(&mut owner).await.expect("done");
        assert!(done.rows_affected() > 0, "{statement}");
    }
}

fn noted(head: &pb::AuditHead) -> String {
    format!("{}:{}", head.position, HEXLOWER.encode(&head.link))
}

#[tokio::test]
async fn a_sound_chain_is_called_so_and_anybody_can_follow_it() {
    let desk = chained(3).await;
    let end = head(&desk).await.expect("a head");
    assert_eq!((end.position, end.waiting_count), (3, 0));
    let (code, out) = verify(&desk, &[]).await;
    assert!(code == Some(0) && out.contains("ok") && out.contains(&noted(&end)), "{out}");
    let mut link = vec![0; 32];
    for entry in entries(&desk, "").await.iter().rev() {
        link = Sha256::new().chain_update(&link).chain_update(&entry.linked_text).finalize().to_vec();
        assert_eq!(entry.link, link, "{}", entry.position);
        assert!(entry.linked_text.contains(&entry.target));
    }
    assert_eq!(link, end.link);
    employ(&desk, "late", "desk-de", 4, &[]).await;
    let waiting = head(&desk).await.expect("a head");
    assert_eq!((waiting.position, waiting.waiting_count), (3, 1));
    let (code, out) = verify(&desk, &["--tenant", "acme", "--head", &noted(&end)]).await;
    assert_eq!(code, Some(0), "{out}");
    desk.finish().await;
}

#[tokio::test]
async fn the_first_entry_that_was_tampered_with_is_named() {
    const LATER: &str = "update audit set target = 'x' where position = 4";
    const MOVE: &str = "update audit set position = position + 100 where position >= 3";
    const MOVE_BACK: &str = "update audit set position = position - 99 where position >= 103";
    const INSERT: &str =
        "insert into audit select tenant_id, gen_random_uuid(), 3, time, actor_kind, 'mallory',
        action, target, request_id, before, after, link from audit where position = 2";
    const ADD: &str = "insert into audit select tenant_id, gen_random_uuid(), 6, time, actor_kind, actor_id,
        action, target, request_id, before, after, link from audit where position = 5";
    let altered = |position| format!("position {position} is not the one that was chained");
    let cases: &[(&[&str], String)] = &[
        (&[LATER, "update audit set actor_id = 'mallory' where position = 2"], altered(2)),
        (&["update audit set after = null where position = 5"], altered(5)),
        (&["update audit set time = time + interval '1 microsecond' where position = 1"], altered(1)),
        (&["update audit set link = '\\x00' where position = 3"], altered(3)),
        (&[LATER, "delete from audit where position = 2"], "position 2 is missing".into()),
        (&["delete from audit where position = 5"], "position 5 is missing".into()),
        (&["delete from audit"], "position 1 is missing".into()),
        (
            &["update audit a set target = b.target from audit b
                 where a.position + b.position = 6 and a.position in (2, 4)"],
            altered(2),
        ),
        (&[MOVE, MOVE_BACK, INSERT], altered(3)),
        (&[ADD], "position 6 was inserted".into()),
        (&["update audit_heads set link = '\\x00'"], "head at position 5".into()),
        (&["delete from audit_heads"], "position 1 was inserted".into()),
    ];
    for (statements, expected) in cases {
        let desk = chained(5).await;
        let (code, out) = verify(&desk, &[]).await;
        assert_eq!(code, Some(0), "{out}");
        tamper(&desk, statements).await;
        let (code, out) = verify(&desk, &[]).await;
        assert!(code == Some(1) && out.contains("WRONG") && out.contains(expected), "{statements:?}: {out}");
        desk.finish().await;
    }
}

#[tokio::test]
async fn a_chain_that_was_made_again_differs_from_the_end_that_was_noted() {
    let desk = chained(3).await;
    let end = noted(&head(&desk).await.expect("a head"));
    tamper(
        &desk,
        &[
            "delete from audit where position = 3",
            "update audit set position = null, link = null, actor_id = 'mallory'",
            "delete from audit_heads",
        ],
    )
    .await;
    extend(&desk).await;
    assert_eq!(verify(&desk, &[]).await.0, Some(0), "nobody can tell by the chain alone");
    let (code, out) = verify(&desk, &["--tenant", "acme", "--head", &end]).await;
    assert!(code == Some(1) && out.contains("position 3 is missing"), "{out}");
    employ(&desk, "late", "desk-de", 4, &[]).await;
    extend(&desk).await;
    let (code, out) = verify(&desk, &["--tenant", "acme", "--head", &end]).await;
    assert!(code == Some(1) && out.contains("made again"), "{out}");
    desk.finish().await;
}

#[tokio::test]
async fn entries_cannot_be_changed_by_mistake() {
    let desk = chained(1).await;
    employ(&desk, "late", "desk-de", 4, &[]).await;
    let statements = [
        "update audit set actor_id = 'mallory'",
        "update audit set link = null, position = null where link is not null",
        "update audit set link = '\\x00', position = 9 where position = 1",
        "update audit set link = '\\x00', position = 9, target = '' where link is null",
        "delete from audit",
        "truncate audit",
        "insert into audit select tenant_id, gen_random_uuid(), 9, time, actor_kind, actor_id, action, target,
             request_id, before, after, link from audit where link is not null",
    ];
    for statement in statements {
        let done = sqlx::query(AssertSqlSafe(statement)).execute(&mut owner(&desk).await).await;
        let refused = done.expect_err(statement).to_string();
        assert!(refused.contains("the audit log is added to, and nothing else"), "{statement}: {refused}");
    }
    desk.finish().await;
}

#[tokio::test]
async fn replicas_extend_a_chain_together_and_tenants_have_one_each() {
    let desk = Desk::open().await;
    let other = ticketing::ids::TenantId::parse("umbrella").expect("a tenant");
    put_in_force(desk.root(), &other, &sample(), desk.now()).await;
    let replica = desk.replica().await;
    desk.advance(Duration::from_secs(2));
    for number in 0..40 {
        employ(&desk, &format!("agent-{number}"), "desk-de", 4, &[]).await;
    }
    sqlx::query(
        "insert into audit select 'umbrella', id, null, time, actor_kind, actor_id, action, target, request_id,
             before, after, null from audit",
    )
    .execute(&mut owner(&desk).await)
    .await
    .expect("entries");
    let ticks = (0..20).map(|tick| {
        let app = if tick % 2 == 0 { &desk.app } else { &replica.app };
        audit::extend::run_once(app, 7)
    });
    for tick in futures_util::future::join_all(ticks).await {
        tick.expect("a tick");
    }
    extend(&desk).await;
    let (code, out) = verify(&desk, &[]).await;
    assert!(code == Some(0) && out.contains("acme") && out.contains("umbrella"), "{out}");
    assert_eq!(head(&desk).await.expect("a head").position, 40);
    replica.finish().await;
    desk.finish().await;
}

#[tokio::test]
async fn an_end_that_is_none_is_refused() {
    for (arguments, word) in [
        (vec!["audit", "verify", "--tenant", "acme", "--head", "3"], "as it was printed"),
        (vec!["audit", "verify", "--head", "3:00"], "as it was printed"),
        (vec!["audit", "verify", "--tenant", "A"], "must be 1 to 63"),
    ] {
        let (code, _, error) = cli::run(&arguments).await;
        assert!(code == Some(2) && error.contains(word), "{error}");
    }
}
