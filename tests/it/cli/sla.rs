//! `ticketing sla` against a running service, and `ticketing doctor --verify-clocks` against its database.

use std::{io::Write as _, time::Duration};

use super::run;
use crate::{
    support::Desk,
    tickets::{record, resolving, tickets, titled},
};

async fn sla(desk: &Desk, arguments: &[&str]) -> (Option<i32>, String, String) {
    let address = ["--address", &desk.address, "--tenant", desk.tenant.as_str()];
    run(&[&["sla"], arguments, &address].concat()).await
}

#[tokio::test]
async fn clocks_are_accounted_for_simulated_and_verified() {
    let desk = Desk::open().await;
    let ticket = record(&desk, titled("Drucker")).await;
    desk.advance(Duration::from_hours(3));
    tickets(desk.agent("anna")).resolve_ticket(resolving(&ticket.name)).await.expect("resolved");

    let number = ticket.number.to_string();
    let (code, out, err) = sla(&desk, &["explain", &number, "--openings"]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    for said in [
        format!("Ticket #{number}: Drucker"),
        "1. FIRST_RESPONSE of standard, P3: 4h 00m by office-hours (Europe/Berlin)".into(),
        "running  ticket.created (anna)".into(),
        "LEVEL L1 of levels, P3: 1d 00h around the clock".into(),
        "ACHIEVED; due ".into(),
    ] {
        assert!(out.contains(&said), "{said} is missing:\n{out}");
    }
    let (code, out, _) = sla(&desk, &["explain", &ticket.name, "--clock", "1", "--json"]).await;
    let told: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(
        (code, &told[0]["matches"], &told[0]["clock"]),
        (Some(0), &true.into(), &"FIRST_RESPONSE".into())
    );
    assert_eq!(told[0]["lines"][0]["business_seconds"], 3 * 3600);
    let (code, _, err) = sla(&desk, &["explain", "424242"]).await;
    assert!(code == Some(1) && err.contains("RESOURCE_NOT_FOUND"), "{err}");

    let (_, sample, _) = run(&["config", "sample"]).await;
    let mut strict = tempfile::NamedTempFile::new().expect("a file");
    let two_hours = sample.replace("target_duration: 4h\n", "target_duration: 2h\n");
    assert_ne!(two_hours, sample);
    strict.write_all(two_hours.as_bytes()).expect("written");
    let path = strict.path().to_str().expect("UTF-8");
    let (code, out, err) = sla(&desk, &["simulate", "-f", path]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(
        out.starts_with("By the document, 1 of 1 tickets (100.0 %) would have a missed clock; today 0.\n"),
        "{out}"
    );
    assert!(out.contains(&format!("#{number}")), "{out}");
    let (_, out, _) = sla(&desk, &["simulate", "--json"]).await;
    let told: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&told["tickets"], &told["newly_breached"]), (&1.into(), &0.into()));

    let verify = ["doctor", "--verify-clocks", "--database-url", &desk.url];
    let (code, out, _) = run(&verify).await;
    assert!(code == Some(0) && out.contains("of 1 tickets, each what its events make of it"), "{out}");
    sqlx::query("update sla_clocks set due_time = now() where number = 1")
        .execute(desk.root())
        .await
        .expect("tampered");
    let (code, out, _) = run(&verify).await;
    assert!(code == Some(1) && out.contains("due_time is kept as"), "{out}");
    let (code, out, _) = sla(&desk, &["explain", &number]).await;
    assert!(code == Some(1) && out.contains("WRONG"), "{out}");
}
