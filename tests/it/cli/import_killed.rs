//! `ticketing import`, broken off in the middle and run again, whoever was killed: what comes out is what an import in one
//! go gives.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use sqlx::{PgPool, Postgres, Transaction};
use ticketing::ids::TenantId;
use tokio::process::Child;

use super::{
    import::{import, import_at, report},
    ticketing, told,
};
use crate::support::{Desk, Process, Trip, When, Wire, put_in_force, sample};

/// As many as make several calls: more than are under way at a time.
const INCIDENTS: usize = 700;
/// Each is in another call, behind the first; together they hold up all that may be under way.
const HELD_UP: [&str; 4] = ["101", "201", "301", "401"];

/// Who is killed, and when: while calls are under way and nothing of them is there, or around the commit of one of them.
#[derive(Clone, Copy, Debug)]
enum Kill {
    Importer,
    Server,
    ServerAtCommit(When),
}

const KILLS: [(&str, Kill); 4] = [
    ("importer", Kill::Importer),
    ("server", Kill::Server),
    ("server-before", Kill::ServerAtCommit(When::Before)),
    ("server-after", Kill::ServerAtCommit(When::After)),
];

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

/// Some of the log is in `tenant`, and whoever inserts the next keys waits until this transaction ends.
async fn under_way(
    desk: &Desk,
    address: &str,
    tenant: &str,
    path: &Path,
) -> (Child, Transaction<'static, Postgres>) {
    #[allow(clippy::disallowed_methods)] // the owner's, of no tenant
    let mut holding = desk.root().begin().await.expect("a transaction");
    sqlx::query(
        "insert into tickets
         select (jsonb_populate_record(t, jsonb_build_object('tenant_id', $1::text, 'number', -number))).*
         from tickets t where tenant_id = 'whole' and external_id = any($2)",
    )
    .bind(tenant)
    .bind(HELD_UP.map(str::to_owned))
    .execute(&mut *holding)
    .await
    .expect("held up");
    let arguments = ["import", "--format", "vinst", path.to_str().expect("a path")];
    let place = ["--address", address, "--tenant", tenant];
    let mut importer = ticketing(&[&arguments[..], &place].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    while count(desk.root(), tenant).await == 0 {
        assert_eq!(importer.try_wait().expect("ours"), None, "it cannot be through");
    }
    (importer, holding)
}

/// What the importer says whose server is gone.
async fn is_broken_off(importer: Child) {
    let (code, out, err) = told(importer.wait_with_output().await.expect("ours"));
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(err.contains("broken off; run it again, and it goes on where it was"), "{out}{err}");
}

/// Breaks an import off; what is there then is neither nothing nor all.
async fn break_off(desk: &Desk, wire: &Wire, kill: Kill, tenant: &str, path: &Path) {
    let server = Process::start(&wire.url).await;
    let (mut importer, holding) = under_way(desk, &server.address, tenant, path).await;
    match kill {
        Kill::Importer => {
            importer.kill().await.expect("killed");
            holding.rollback().await.expect("let go");
        }
        Kill::Server => {
            server.kill().await;
            is_broken_off(importer).await;
            holding.rollback().await.expect("let go");
        }
        Kill::ServerAtCommit(when) => {
            wire.arm(Trip::Commit, when, server.kill());
            holding.rollback().await.expect("let go");
            is_broken_off(importer).await;
            assert!(wire.disarm(), "the stroke has fallen");
            let before = usize::try_from(count(desk.root(), tenant).await).expect("few");
            assert!((1..INCIDENTS).contains(&before), "{before}");
        }
    }
}

/// Twins of one configuration: one that takes the log in one go, and one for each kill.
async fn stage(folder: &tempfile::TempDir) -> (Desk, PathBuf) {
    let desk = Desk::open().await;
    for tenant in KILLS.map(|(tenant, _)| tenant).into_iter().chain(["whole"]) {
        let tenant = TenantId::parse(tenant).expect("a tenant");
        put_in_force(desk.root(), &tenant, &sample(), desk.now()).await;
    }
    let path = folder.path().join("log.csv");
    fs::write(&path, log()).expect("written");
    let (code, out, err) = import(&desk, "whole", "vinst", &path, &[]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains(&format!("Imported {INCIDENTS} tickets")), "{out}");
    (desk, path)
}

#[tokio::test]
async fn an_import_that_was_killed_is_finished_by_running_it_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (desk, path) = stage(&folder).await;
    let whole = report(&desk, "whole", &["--json"]).await;
    let wire = Wire::to(&desk.url).await;
    for (tenant, kill) in KILLS {
        break_off(&desk, &wire, kill, tenant, &path).await;
        let server = Process::start(&wire.url).await;
        let (code, out, err) = import_at(&server.address, tenant, "vinst", &path, &[]).await;
        assert_eq!((code, err.as_str()), (Some(0), ""), "{kill:?}: {out}");
        let told = out.contains("Imported ") && out.contains("were there already, and were left alone.");
        assert!(told, "{kill:?}: {out}");
        let tickets = count(desk.root(), tenant).await;
        assert_eq!(tickets, i64::try_from(INCIDENTS).expect("few"), "{kill:?}");
        assert_eq!(report(&desk, tenant, &["--json"]).await, whole, "{kill:?}");
        let (_, out, _) = import_at(&server.address, tenant, "vinst", &path, &[]).await;
        let nothing = format!("Nothing changed: all {INCIDENTS} tickets were there already.");
        assert!(out.contains(&nothing), "{kill:?}: {out}");
    }
    desk.finish().await;
}
