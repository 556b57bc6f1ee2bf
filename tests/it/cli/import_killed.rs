//! `ticketing import`, killed in the middle and run again: what comes out is what an import in one go gives.

use std::{fmt::Write as _, fs, process::Stdio};

use sqlx::PgPool;
use ticketing::ids::TenantId;

use super::{
    import::{import, report},
    ticketing,
};
use crate::support::{Desk, put_in_force, sample};

/// As many as make several calls: more than are under way at a time.
const INCIDENTS: usize = 700;
/// Each is in another call, behind the first; together they hold up all that may be under way.
const HELD_UP: [&str; 4] = ["101", "201", "301", "401"];

/// Incidents that go up, come back, wait and are solved, each in its way.
fn log() -> String {
    let mut text = String::from("incident,at,status,sub_status,team,level,impact,product,owner\n");
    for incident in 1..=INCIDENTS {
        let mut minute = 0;
        let mut row = |status: &str, team: &str, level: &str| {
            minute += 7;
            let (hour, minute) = (8 + minute / 60, minute % 60);
            let day = 1 + incident % 28;
            _ = writeln!(
                text,
                "{incident},2011-03-{day:02}T{hour:02}:{minute:02}:00Z,{status},{team},{level},Low,P{},anna",
                incident % 5
            );
        };
        row("Queued,Awaiting Assignment", "A1", "L1");
        row("Accepted,In Progress", "A1", "L1");
        if incident % 2 == 0 {
            row("Queued,Awaiting Assignment", "B2", "L2");
            row("Accepted,Wait - User", "B2", "L2");
        }
        if incident % 3 == 0 {
            row("Queued,Awaiting Assignment", "C3", "L3");
            row("Accepted,In Progress", "A1", "L1");
        }
        row("Completed,Resolved", "A1", "L1");
    }
    text
}

async fn count(pool: &PgPool, tenant: &str) -> i64 {
    let count = sqlx::query_scalar("select count(*) from tickets where tenant_id = $1").bind(tenant);
    count.fetch_one(pool).await.expect("a count")
}

#[tokio::test]
async fn a_killed_import_is_finished_by_running_it_again() {
    let desk = Desk::open().await;
    let pool = desk.app.db.pool();
    for tenant in ["whole", "broken"] {
        let tenant = TenantId::parse(tenant).expect("a tenant");
        put_in_force(pool, &tenant, &sample(), desk.now()).await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.csv");
    fs::write(&path, log()).expect("written");
    let (code, out, err) = import(&desk, "whole", "vinst", &path, &[]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains(&format!("Imported {INCIDENTS} tickets")), "{out}");

    // Whoever inserts these keys waits until this transaction ends.
    let mut holding = desk.app.db.begin_across().await.expect("a transaction");
    sqlx::query(
        "insert into tickets
         select (jsonb_populate_record(t, jsonb_build_object('tenant_id', 'broken', 'number', -number))).*
         from tickets t where tenant_id = 'whole' and external_id = any($1)",
    )
    .bind(HELD_UP.map(str::to_owned))
    .execute(&mut *holding)
    .await
    .expect("held up");
    let arguments = ["import", "--format", "vinst", path.to_str().expect("a path")];
    let place = ["--address", &desk.address, "--tenant", "broken"];
    let mut killed = ticketing(&[&arguments[..], &place].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    while count(pool, "broken").await == 0 {
        assert_eq!(killed.try_wait().expect("ours"), None, "it cannot be through");
    }
    killed.kill().await.expect("killed");
    holding.rollback().await.expect("let go");

    let (code, out, err) = import(&desk, "broken", "vinst", &path, &[]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("Imported ") && out.contains("were there already, and were left alone."), "{out}");
    assert_eq!(count(pool, "broken").await, i64::try_from(INCIDENTS).expect("few"));
    assert_eq!(report(&desk, "broken", &["--json"]).await, report(&desk, "whole", &["--json"]).await);
    let (_, out, _) = import(&desk, "broken", "vinst", &path, &[]).await;
    assert!(out.contains(&format!("Nothing changed: all {INCIDENTS} tickets were there already.")), "{out}");
    desk.finish().await;
}
